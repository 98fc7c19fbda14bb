"""Writes replies: the parts of one while it streams, its end, and the state of what it answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.budgets import Charge
from conversations.delivering import first_delivery_state
from conversations.models import Conversation, Message
from scheduling.attempts import LostLease, still_owned
from scheduling.claiming import Claim
from scheduling.inserting import insert

_FIELDS = ["content", "state", "seq", "detail", "input_tokens", "output_tokens"]
_FIELDS += ["process_time_ms", "delivery_state", "created_at", "is_deleted"]


@dataclass(frozen=True, slots=True)
class ReplyText:
    """A reply as far as it is known: for `save_parts` so far, for `finish` whole."""

    to: Message
    #: The attempt that writes it.
    claim: Claim
    content: str
    created_at: datetime
    input_tokens: int | None = None
    output_tokens: int | None = None
    process_time_ms: int | None = None
    detail: str = ""
    #: What was said before it and is answered with it.
    merged: tuple[Message, ...] = ()
    #: It reached its longest, and ends there as stopped.
    is_cut: bool = False
    #: An earlier attempt may have stored a part, which an empty text replaces.
    is_again: bool = False
    #: What its agent used.
    charge: Charge | None = None


def save_parts(parts: list[ReplyText]) -> list[Any]:
    """Store unfinished replies as streaming, what they answer as answering; return the replies.

    None for one that has no text yet: it gets no row. LostLease for one whose attempt is over: a
    worker that slept through its lease must not write over what another one finished.
    """
    owned = still_owned([part.claim for part in parts])
    mine = [part for part in parts if part.claim in owned]
    saved = iter(_save(mine, is_end=False))
    return [next(saved) if part.claim in owned else LostLease() for part in parts]


def finish(parts: list[ReplyText]) -> list[Message]:
    """Store finished replies as done, what they answer as answered; return the replies.

    One that was cut is stopped there, and so is what it answers. The change of the reply comes
    right before that of the message it answers.
    """
    return [reply for reply in _save(parts, is_end=True) if reply]


def _save(parts: list[ReplyText], *, is_end: bool) -> list[Message | None]:
    """Insert or update each reply and the messages it answers: three queries and two for each."""
    steps: Counter[int] = Counter()
    for part in parts:
        steps[part.to.conversation_id] += 2 + len(part.merged)
    seq = Conversation.objects.advance(steps)
    deleted = _deleted_of(parts)
    replies: list[Message | None] = []
    states = []
    for part in parts:
        reply_state, state = _states(part, is_end=is_end)
        number = seq[part.to.conversation_id]
        for place, message in enumerate((part.to, *part.merged), start=1):
            detail = part.detail if part.is_cut else ""
            message.state, message.seq, message.detail = state, number + place, detail
            states.append((state, message.seq, detail, message.pk))
        seq[part.to.conversation_id] += 2 + len(part.merged)
        has_row = part.content or part.is_again or is_end
        is_gone = part.to.pk in deleted
        replies.append(_reply(part, reply_state, number, is_gone=is_gone) if has_row else None)
    # One row per message answered, whoever writes it first: a rescued run finds its id taken.
    insert([reply for reply in replies if reply], or_update=_FIELDS, unique="uuid")
    _set_states(states)
    return replies


def _deleted_of(parts: list[ReplyText]) -> set[int]:
    """Return which of the messages were deleted, or their replies, while those are written.

    Asked while their conversations' rows are held, as by who deletes. In SQL: every reply asks.
    """
    if not parts:
        return set()
    marks = ", ".join(["%s"] * len(parts))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT id FROM conversations_message WHERE id IN ({marks}) AND is_deleted
            UNION SELECT reply_to_id FROM conversations_message
            WHERE reply_to_id IN ({marks}) AND is_deleted""",  # noqa: S608  (placeholders)
            [part.to.pk for part in parts] * 2,
        )
        return {pk for (pk,) in cursor.fetchall()}


def _states(part: ReplyText, *, is_end: bool) -> tuple[Message.State, Message.State]:
    """Return the state of the reply and that of what it answers."""
    if not is_end:
        return Message.State.STREAMING, Message.State.ANSWERING
    if part.is_cut:
        return Message.State.STOPPED, Message.State.STOPPED
    return Message.State.DONE, Message.State.ANSWERED


def _reply(part: ReplyText, state: Message.State, seq: int, *, is_gone: bool) -> Message:
    is_over = state != Message.State.STREAMING
    delivery = first_delivery_state(part.to.conversation.channel) if is_over else ""
    return Message(
        uuid=part.to.reply_uuid,
        conversation=part.to.conversation,
        role=Message.Role.ASSISTANT,
        content="" if is_gone else part.content,
        is_deleted=is_gone,
        reply_to=part.to,
        state=state,
        seq=seq,
        detail=part.detail,
        input_tokens=part.input_tokens,
        output_tokens=part.output_tokens,
        process_time_ms=part.process_time_ms,
        delivery_state=delivery,
        created_at=part.created_at,
    )


def _set_states(states: list[tuple[Any, ...]]) -> None:
    with connection.cursor() as cursor:
        cursor.executemany(
            "UPDATE conversations_message SET state = %s, seq = %s, detail = %s WHERE id = %s",
            states,
        )


def give_up(
    message: Message, *, state: Message.State, detail: str
) -> tuple[Message | None, list[Message]]:
    """End a message that gets no (whole) reply as failed or stopped, and what it took in.

    Returns its partial reply, which is kept in the same state, and the messages that ended, itself
    first. Joins the caller's transaction.
    """
    messages = [message, *message.merged.order_by("pk")]
    number = _set_all(messages, state, detail[:500])
    partial = Message.objects.filter(uuid=message.reply_uuid).first()
    if partial:
        partial.state, partial.seq = state, number
        partial.save(update_fields=["state", "seq"])
    return partial, messages


def start_over(message: Message) -> list[Message]:
    """Queue a message again whose reply failed or was stopped, and what it took in; return them.

    Joins the caller's transaction.
    """
    messages = [message, *message.merged.order_by("pk")]
    number = _set_all(messages, Message.State.QUEUED, "")
    Message.objects.filter(uuid=message.reply_uuid).update(
        content="",
        is_deleted=False,
        state=Message.State.STREAMING,
        seq=number,
        detail="",
        created_at=timezone.now(),
    )
    return messages


def _set_all(messages: list[Message], state: Message.State, detail: str) -> int:
    """Set the state of messages of one turn; return the number taken for its reply, before them."""
    conversation = messages[0].conversation_id
    steps = Counter({conversation: 1 + len(messages)})
    number = Conversation.objects.advance(steps)[conversation]
    for place, message in enumerate(messages, start=1):
        message.state, message.seq, message.detail = state, number + place, detail
        message.save(update_fields=["state", "seq", "detail"])
    return number


def failure_text() -> str:
    """Return the sentence a user reads when the reason is none of their business."""
    return _("Something went wrong while answering. Please try again.")
