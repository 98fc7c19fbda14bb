"""Deleting: what was said is taken back; its row stays empty, so that every reader learns of it."""

from __future__ import annotations

from collections import Counter

from django.db import transaction
from django.db.models import Q

from conversations.branching import (
    MessageNotFound,
    choose,
    forget_summary,
    shown_of,
    versions_with,
)
from conversations.frames import Frame, message_frame
from conversations.models import Conversation, Message, Upload
from conversations.receiving import title_after
from conversations.steering import Steering, stop_message

_WAITING = (Message.State.QUEUED, Message.State.ANSWERING)


def delete_messages(wishes: list[Steering]) -> list[list[Frame] | MessageNotFound]:
    """Empty each message, with its reply where it has one; return the frames that say so.

    What is being answered is stopped first. None for one that is deleted already.
    """
    Conversation.objects.hold({wish.conversation for wish in wishes})
    return [_delete(wish) for wish in wishes]


@transaction.atomic
def _delete(wish: Steering) -> list[Frame] | MessageNotFound:
    here = Message.objects.filter(conversation=wish.conversation)
    named = here.filter(uuid=str(wish.message)).select_related("conversation", "reply_to").first()
    if named is None:
        return MessageNotFound()
    if named.is_deleted:
        return []
    asked = named.reply_to if named.role == Message.Role.ASSISTANT else named
    if asked and asked.state in _WAITING and asked.merged_into_id is None:
        stop_message(asked)
    parts = Q(pk=named.pk) | Q(reply_to=named.pk)
    rows = here.filter(parts, is_deleted=False).order_by("-pk")
    messages = list(rows.select_related("conversation", "reply_to", "replaces", "branch"))
    _empty(messages, first=min(named.pk, asked.pk if asked else named.pk))
    frames = [message_frame(message) for message in messages]
    return [*frames, *_show_another(messages[-1])]


def _empty(messages: list[Message], *, first: int) -> None:
    """Leave nothing of what messages said; `first` is the one from which on a summary knows it."""
    conversation = messages[0].conversation
    forget_summary(conversation.pk, first)
    number = Conversation.objects.advance(Counter({conversation.pk: len(messages)}))
    Conversation.objects.remember(conversation.pk, thread=number[conversation.pk])
    if conversation.title and conversation.title in {title_after(one) for one in messages}:
        conversation.title = ""
        conversation.save(update_fields=["title"])
    for place, message in enumerate(messages):
        _hand_on_uploads(message)
        message.seq = number[conversation.pk] + place
        message.is_deleted = True
        message.content = message.attachment = message.detail = ""
        message.files = []
        message.save(
            update_fields=["seq", "is_deleted", "content", "attachment", "detail", "files"]
        )


def _hand_on_uploads(message: Message) -> None:
    """Delete the files of a message, but for those that another of its versions shows too."""
    uploads = Upload.objects.filter(message=message)
    if message.role == Message.Role.USER:
        for other in versions_with(message):
            if other.pk != message.pk and not other.is_deleted and other.files == message.files:
                uploads.update(message=other)
    uploads.delete()


def _show_another(message: Message) -> list[Frame]:
    """Show another version in place of the one that was deleted, unless more was said behind it."""
    if message.role != Message.Role.USER:
        return []
    versions = versions_with(message)
    left = [version for version in versions if not version.is_deleted]
    if not left or shown_of(versions).pk != message.pk or _goes_on_behind(message):
        return []
    rows = Message.objects.select_related("conversation", "replaces", "branch")
    return [choose(rows.get(pk=shown_of(left).pk))]


def _goes_on_behind(version: Message) -> bool:
    said = Message.objects.filter(conversation=version.conversation_id, role=Message.Role.USER)
    if version.replaces_id:
        return said.filter(branch=version.pk).exists()
    after = said.filter(branch=version.branch_id, replaces=None, pk__gt=version.pk)
    return after.filter(is_deleted=False).exists()
