"""Merging: messages that follow one another quickly become one turn, answered at the last one."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta

from django.conf import settings

from conversations.commands.executing import command_of
from conversations.models import Conversation, Message

#: Messages that one turn takes in; whoever goes on without a pause is answered all the same.
MOST = 20


def merge_into_next(message_ids: list[int]) -> list[bool]:
    """Leave each message, and what it took in, to the one said right after it; tell for which.

    A write of its own, before anything is asked: the next one's run, which cannot have begun
    since it shares the key, answers them all. The database decides against a stop or a retry of
    the next one at the same moment: one that waits no longer takes nothing in.
    """
    rows = Message.objects.select_related("conversation").filter(pk__in=message_ids)
    messages = rows.in_bulk()
    Conversation.objects.hold({message.conversation_id for message in messages.values()})
    return [pk in messages and _merge(messages[pk]) for pk in message_ids]


def _merge(message: Message) -> bool:
    if message.merged_into_id:
        return True  # An earlier attempt did, and died.
    said = Message.objects.filter(conversation=message.conversation_id, role=Message.Role.USER)
    following = said.filter(pk__gt=message.pk).order_by("pk").first()
    if following is None or not (_is_mergeable(message) and _is_mergeable(following)):
        return False
    if following.replaces_id or following.branch_id != message.own_branch:
        return False  # A new version of something, or said on another thread.
    gap = following.created_at - message.created_at
    if gap > timedelta(seconds=settings.BOTFLOW_MERGE_PAUSE) or message.merged.count() + 2 > MOST:
        return False
    last = following.merged_into_id or following.pk
    turn = Message.objects.filter(pk=last, state=Message.State.QUEUED)
    if not turn.select_for_update().exists():
        return False
    message.merged.update(merged_into=last)
    Message.objects.filter(pk=message.pk).update(merged_into=last)
    return True


def _is_mergeable(message: Message) -> bool:
    return message.state in (Message.State.QUEUED, Message.State.ANSWERING) and (
        message.content_type != Message.ContentType.EVENT and command_of(message) is None
    )


def merged_into(messages: Iterable[int]) -> dict[int, list[Message]]:
    """Return what each message took in, in the order it was said; one query."""
    found: dict[int, list[Message]] = {}
    for row in Message.objects.filter(merged_into__in=list(messages)).order_by("pk"):
        found.setdefault(row.merged_into_id or 0, []).append(row)
    return found
