"""Receiving: stores what was said and queues its answer in one transaction, many at a time."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass
from datetime import timedelta
from operator import itemgetter
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from conversations.branching import MessageNotFound, go_on_from, head_of, make_version
from conversations.delivering import first_delivery_state, submit_deliveries
from conversations.models import Conversation, Message
from conversations.uploads import Attached, FilesNotFound, find_files
from scheduling.actions import prepare, submit_many
from scheduling.inserting import insert
from scheduling.models import Run

ANSWER = "conversations.answer"
#: Attempts of an answer; more than one because a worker may be killed while it runs.
ANSWER_ATTEMPTS = 4


@dataclass(frozen=True, slots=True)
class Incoming:
    """Something that arrived on a channel. `external_id` makes a second delivery harmless."""

    channel: str
    address: str
    content: str
    content_type: str = Message.ContentType.TEXT
    attachment: str = ""
    #: The ids of its participant's uploads that belong to it; they say what kind of message it is.
    files: tuple[uuid.UUID, ...] = ()
    external_id: str = ""
    participant: str = ""
    #: The language of a conversation that this message opens; the site's own when left out.
    locale: str = ""
    #: And the zone of who speaks in it.
    timezone: str = ""
    #: The id of the conversation if this message opens it.
    conversation_uuid: uuid.UUID | None = None
    #: The id of what was said before, of which this is a new version.
    replaces: uuid.UUID | None = None
    #: What the channel itself answers, "" for nothing; None for what an agent or command answers.
    reply: str | None = None


@dataclass(frozen=True, slots=True)
class Received:
    """The stored message; `is_new` is False for one that had been delivered before."""

    message: Message
    is_new: bool


def receive_messages(incoming: list[Incoming]) -> list[Any]:
    """Store messages in the order given and queue their answers; joins the caller's transaction.

    A message whose external id the conversation has already is not stored again and enqueues
    nothing. Opens conversations that do not exist yet. About six queries, however many messages,
    and one for each with files. Returns what was Received, FilesNotFound for a message that names
    files it may not have, and MessageNotFound for a version of what was not said here. Raises
    IntegrityError where another process stores the same external id or uses the same file at the
    same time: a second call finds its row, as `arriving` and GroupCommit have it.
    """
    return [result for part in _parts(incoming) for result in _receive_part(part)]


def _parts(incoming: list[Incoming]) -> list[list[Incoming]]:
    """Part messages so that a version is alone: it says where those after it belong."""
    parts: list[list[Incoming]] = [[]]
    for item in incoming:
        if item.replaces or (parts[-1] and parts[-1][0].replaces):
            parts.append([])
        parts[-1].append(item)
    return [part for part in parts if part]


def _receive_part(incoming: list[Incoming]) -> list[Any]:
    attached = find_files(incoming)
    taken = [(item, files) for item, files in zip(incoming, attached, strict=True) if files]
    items, files_of = [item for item, _ in taken], [files for _, files in taken]
    if any(item.replaces for item in items):
        try:
            with transaction.atomic():
                return list(_receive(items, files_of))
        except MessageNotFound as error:
            return [error]
    results = iter(_receive(items, files_of))
    return [next(results) if files else FilesNotFound() for files in attached]


def _receive(incoming: list[Incoming], attached: list[Attached]) -> list[Received]:
    conversations = _open_conversations(incoming)
    places = [conversations[item.channel, item.address] for item in incoming]
    known = _known(incoming, places)
    fresh: dict[tuple[int, str], Message] = {}
    stored: list[Message] = []
    replies: list[tuple[Message, str]] = []
    results: list[Received] = []
    with_files: list[tuple[Message, Attached]] = []
    for item, conversation, files in zip(incoming, places, attached, strict=True):
        identity = (conversation.pk, item.external_id)
        earlier = item.external_id and (known.get(identity) or fresh.get(identity))
        message = earlier or _message(item, conversation, files)
        if not earlier:
            stored.append(message)
            fresh[identity] = message
            if files.uploads:
                with_files.append((message, files))
            if item.reply:
                replies.append((message, item.reply))
        results.append(Received(message, is_new=not earlier))
    _store(stored)
    for message in stored:
        if message.replaces_id:
            go_on_from(message)
    for message, files in with_files:
        files.attach(message)
    _name(stored)
    _store_replies(replies)
    return results


def _open_conversations(incoming: list[Incoming]) -> dict[tuple[str, str], Conversation]:
    """Return the conversation of each address, making those that are missing.

    Two processes may open one at the same time: the unique address lets one row be made, and both
    read it afterwards.
    """
    wanted = {(item.channel, item.address): item for item in incoming}
    found = _find(wanted)
    # In one order everywhere: two processes that open the same ones must not deadlock.
    missing = [
        item for address, item in sorted(wanted.items(), key=itemgetter(0)) if address not in found
    ]
    if missing:
        made = [
            Conversation(
                uuid=item.conversation_uuid or uuid.uuid4(),
                channel=item.channel,
                address=item.address,
                participant=item.participant,
                title=_title(item.content, item.content_type),
                settings=_settings(item),
            )
            for item in missing
        ]
        Conversation.objects.bulk_create(made, ignore_conflicts=True)
        found |= _find({(item.channel, item.address): item for item in missing})
    return found


def _title(content: str, content_type: str) -> str:
    """Return what a conversation is called after; nothing after an event, but what is said then."""
    return "" if content_type == Message.ContentType.EVENT else content.strip()[:60]


def _name(messages: list[Message]) -> None:
    """Name conversations that began with an event; storing the messages has locked their rows."""
    for message in messages:
        conversation = message.conversation
        title = title_after(message)
        if title and not conversation.title:
            conversation.title = title
            conversation.save(update_fields=["title"])


def title_after(message: Message) -> str:
    """Return what its conversation is called after a message, by a file's name without a text."""
    said = message.content or next((file["name"] for file in message.files), "")
    return _title(said, message.content_type)


def _settings(item: Incoming) -> dict[str, str]:
    settings = {"locale": item.locale, "timezone": item.timezone}
    return {name: value for name, value in settings.items() if value}


def _find(wanted: dict[tuple[str, str], Incoming]) -> dict[tuple[str, str], Conversation]:
    channels: dict[str, list[str]] = {}
    for channel, address in wanted:
        channels.setdefault(channel, []).append(address)
    where = Q()
    for channel, addresses in channels.items():
        where |= Q(channel=channel, address__in=addresses)
    rows = Conversation.objects.filter(where).only("id", "uuid", "channel", "address", "title")
    return {(row.channel, row.address): row for row in rows}


def _known(incoming: list[Incoming], places: list[Conversation]) -> dict[tuple[int, str], Message]:
    """Return the stored messages among those that arrived with an external id."""
    ids = [item.external_id for item in incoming if item.external_id]
    if not ids:
        return {}
    messages = Message.objects.filter(
        conversation__in={place.pk for place in places}, external_id__in=ids
    ).select_related("replaces", "branch")
    return {(message.conversation_id, message.external_id): message for message in messages}


def _message(item: Incoming, conversation: Conversation, files: Attached) -> Message:
    """Return the unsaved row; with no `reply` of the channel's own it waits for an answer."""
    state = Message.State.QUEUED
    if item.reply is not None:
        is_event = item.content_type == Message.ContentType.EVENT
        state = Message.State.DONE if is_event else Message.State.ANSWERED
    fields = files.fields
    message = Message(
        conversation=conversation,
        role=Message.Role.USER,
        content=item.content,
        content_type=files.content_type if fields else item.content_type,
        attachment=fields[0]["url"] if fields else item.attachment,
        files=fields,
        external_id=item.external_id,
        state=state,
        created_at=timezone.now(),
    )
    if item.replaces:
        make_version(message, item.replaces)
    return message


def _store(messages: list[Message]) -> None:
    if not messages:
        return
    steps = Counter(message.conversation_id for message in messages)
    places = Conversation.objects.advance_reading(steps)
    for message in messages:
        seq, settings = places[message.conversation_id]
        places[message.conversation_id] = seq + 1, settings
        message.seq = seq
        if not message.replaces_id:
            # Not as it was found: another process may have had it go on elsewhere meanwhile.
            message.conversation.settings = settings
            message.branch = head_of(message.conversation)
    insert(messages)
    waiting = [message for message in messages if message.state == Message.State.QUEUED]
    if waiting:
        submit_many(answer_run(message) for message in waiting)


def _store_replies(replies: list[tuple[Message, str]]) -> None:
    """Store what channels say themselves, as replies like any other, and queue their deliveries."""
    if not replies:
        return
    seq = Conversation.objects.advance(Counter(to.conversation_id for to, _text in replies))
    rows = []
    for to, text in replies:
        rows.append(
            Message(
                uuid=to.reply_uuid,
                conversation=to.conversation,
                role=Message.Role.ASSISTANT,
                content=text,
                reply_to=to,
                state=Message.State.DONE,
                seq=seq[to.conversation_id],
                delivery_state=first_delivery_state(to.conversation.channel),
                created_at=timezone.now(),
            )
        )
        seq[to.conversation_id] += 1
    insert(rows)
    submit_deliveries(rows)


def answer_run(message: Message) -> Run:
    """Return the unsaved run that answers a message, after the earlier ones of its conversation."""
    pause = timedelta(seconds=settings.BOTFLOW_MERGE_PAUSE)
    return prepare(
        ANSWER,
        {"message": message.pk},
        key=message.conversation.key,
        max_attempts=ANSWER_ATTEMPTS,
        # What follows within the pause becomes part of its turn.
        fire_at=max(message.created_at + pause, timezone.now()) if pause else None,
        # The answer keeps its own, which it can explain; this one is for the rest of the work.
        timeout=timedelta(seconds=settings.BOTFLOW_RUN_TIMEOUT + 30),
    )
