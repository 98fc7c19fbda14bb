"""What a reader of a web conversation is shown: which one, what changed since, what came before."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from django.db.models import Q

from conversations.frames import Frame, encode, message_fields, message_frame, version_fields
from conversations.identity import Identity
from conversations.models import Conversation, Message, MessageQuerySet

WEB = "web"
# Frames of one page of a catch-up, and the bytes after which a page or a history frame is closed.
PAGE_MESSAGES, PAGE_BYTES = 50, 131_072


# Of what a message refers to, what no frame tells: they may be long.
_NOT_IDS = ("content", "files", "detail", "delivery_error")


class ConversationNotFound(LookupError):
    """There is no such conversation for this reader; whether for another is not told."""


@dataclass(slots=True)
class Place:
    """The conversation a socket is in. `pk` is None until its first message makes the row."""

    uuid: uuid.UUID
    participant: str
    pk: int | None = None
    seq: int = 0
    timezone: str = ""
    #: Up to which change its participant had seen it when the socket opened.
    read_seq: int = 0


@dataclass(frozen=True, slots=True)
class Page:
    """Changed messages in the order of their change; `seq` is the conversation's own."""

    frames: list[Frame]
    seq: int
    has_more: bool
    settled: list[str]


def find_place(identity: Identity, wanted: uuid.UUID | None) -> Place:
    """Return the wanted conversation, or without a wish the latest one, or a first one to be.

    Raises ConversationNotFound for one that is not this participant's. One query, two for who has
    none.
    """
    mine = Conversation.objects.filter(channel=WEB, participant=identity.participant)
    found = mine.filter(uuid=wanted) if wanted else mine.order_by("-updated_at")
    row = found.values_list("uuid", "pk", "seq", "settings", "read_seq").first()
    if row:
        zone = row[3].get("timezone", "")
        return Place(row[0], identity.participant, row[1], row[2], zone, row[4])
    return _place_to_be(identity, wanted)


def _place_to_be(identity: Identity, wanted: uuid.UUID | None) -> Place:
    """Return the conversation that a first message will make.

    That of a visitor who has signed in since is the user's now: they start with another one.
    """
    firsts = identity.first_conversations
    others = Conversation.objects.filter(uuid__in=firsts).exclude(participant=identity.participant)
    taken = set(others.values_list("uuid", flat=True))
    first = next((name for name in firsts if name not in taken), None)
    if first is None or wanted not in (None, first):
        raise ConversationNotFound
    return Place(first, identity.participant)


def changes(pk: int, after: int) -> Page:
    """Return a page of what changed after `after`; two queries.

    An `after` beyond the conversation's own number comes from a time before a backup was
    restored: the reader is shown everything. An erased conversation has nothing to show.
    """
    seq = Conversation.objects.filter(pk=pk).values_list("seq", flat=True).first()
    if seq is None:
        return Page([], 0, False, [])
    messages = _shown(pk)
    rows = list(messages.since(0 if after > seq else after)[: PAGE_MESSAGES + 1])
    frames: list[Frame] = []
    settled, size = [], 0
    for row in rows[:PAGE_MESSAGES]:
        frames.append(message_frame(row))
        size += len(frames[-1].text.encode())
        if row.role == Message.Role.USER and row.state not in ("queued", "answering"):
            settled.append(str(row.uuid))
        if size > PAGE_BYTES:
            break
    return Page(frames, seq, len(frames) < len(rows), settled)


def _shown(pk: int) -> MessageQuerySet:
    """Return a conversation's messages with the ids of what they refer to, and no more of it."""
    ids = ("reply_to", "replaces", "branch")
    rows = Message.objects.filter(conversation=pk).select_related(*ids)
    return rows.defer(*(f"{name}__{field}" for name in ids for field in _NOT_IDS))


def history(pk: int | None, before: int, limit: int) -> str:
    """Return the `history` frame: up to `limit` messages from before `before`, the oldest first.

    Fewer when they are long; `more` tells whether there are others. One query; two with the
    latest page, and two more for versions where there are any.
    """
    if pk is None:
        return encode(type="history", messages=[], more=False)
    messages = _shown(pk)
    rows = list(messages.before(before)[: limit + 1])
    shown: list[tuple[tuple[int, int], dict[str, object]]] = []
    size = 0
    for row in rows[:limit]:
        fields = message_fields(row)
        size += len(f"{fields['content']}{fields['html']}".encode())
        if shown and size > PAGE_BYTES:
            break
        # Each reply behind what it answers, also where several messages were sent at once.
        shown.append(((row.reply_to_id or row.pk, row.pk), fields))
    shown.sort(key=lambda entry: entry[0])
    page = {"messages": [fields for _, fields in shown], "more": len(shown) < len(rows)}
    if not rows or before > rows[0].seq:
        page |= _versions(pk, before)
    return encode(type="history", **page)


def _versions(pk: int, before: int) -> dict[str, Any]:
    """Return all versions of what was said, with the latest page; nothing where there are none."""
    found = Conversation.objects.filter(pk=pk).values_list("seq", "settings").first()
    if found is None or before <= found[0] or "branch" not in found[1]:
        return {}
    later = Message.objects.filter(conversation=pk, replaces__isnull=False)
    firsts = {first for (first,) in later.values_list("replaces").distinct()}
    rows = Message.objects.filter(Q(pk__in=firsts) | Q(replaces__in=firsts))
    ids = ("replaces", "branch")
    rows = rows.select_related(*ids).defer(*(f"{name}__{f}" for name in ids for f in _NOT_IDS))
    return {"versions": [version_fields(row) for row in rows.defer(*_NOT_IDS).order_by("pk")]}


def latest_seqs(pks: list[int]) -> dict[int, int]:
    """Return the current number of each conversation; one query for every 500."""
    seqs: dict[int, int] = {}
    for start in range(0, len(pks), 500):
        rows = Conversation.objects.filter(pk__in=pks[start : start + 500])
        seqs |= dict(rows.values_list("pk", "seq"))
    return seqs


def remember_zones(places: list[Place]) -> list[None]:
    """Store the zone in which each conversation's reader is; joins the transaction."""
    Conversation.objects.hold({place.pk for place in places if place.pk})
    for place in places:
        if place.pk:
            Conversation.objects.remember(place.pk, timezone=place.timezone)
    return [None] * len(places)


def reply_of(message: Message) -> Message | None:
    """Return the reply a message has so far; one query."""
    return Message.objects.filter(uuid=message.reply_uuid).first()
