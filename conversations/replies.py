"""Writes replies: the parts of one while it streams, its end, and the state of what it answers."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.delivering import first_delivery_state
from conversations.models import Conversation, Message
from scheduling.attempts import LostLease, still_owned
from scheduling.claiming import Claim
from scheduling.inserting import insert

_FIELDS = ["content", "state", "seq", "detail", "input_tokens", "output_tokens"]
_FIELDS += ["process_time_ms", "delivery_state", "created_at"]


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
    #: An earlier attempt may have stored a part, which an empty text replaces.
    is_again: bool = False


def save_parts(parts: list[ReplyText]) -> list[Any]:
    """Store unfinished replies as streaming, what they answer as answering; return the replies.

    None for one that has no text yet: it gets no row. LostLease for one whose attempt is over: a
    worker that slept through its lease must not write over what another one finished.
    """
    owned = still_owned([part.claim for part in parts])
    mine = [part for part in parts if part.claim in owned]
    saved = iter(_save(mine, Message.State.STREAMING, Message.State.ANSWERING))
    return [next(saved) if part.claim in owned else LostLease() for part in parts]


def finish(parts: list[ReplyText]) -> list[Message]:
    """Store finished replies as done, what they answer as answered; return the replies.

    The change of the reply comes right before that of the message it answers.
    """
    return [reply for reply in _save(parts, Message.State.DONE, Message.State.ANSWERED) if reply]


def _save(
    parts: list[ReplyText], reply_state: Message.State, state: Message.State
) -> list[Message | None]:
    """Insert or update each reply and the message it answers: two queries and two for each."""
    seq = Conversation.objects.advance(
        Counter({pk: 2 * n for pk, n in Counter(p.to.conversation_id for p in parts).items()})
    )
    replies: list[Message | None] = []
    states = []
    for part in parts:
        number = seq[part.to.conversation_id]
        seq[part.to.conversation_id] += 2
        part.to.state, part.to.seq, part.to.detail = state, number + 1, ""
        states.append((state, number + 1, "", part.to.pk))
        has_row = part.content or part.is_again or reply_state == Message.State.DONE
        replies.append(_reply(part, reply_state, number) if has_row else None)
    # One row per message answered, whoever writes it first: a rescued run finds its id taken.
    insert([reply for reply in replies if reply], or_update=_FIELDS, unique="uuid")
    _set_states(states)
    return replies


def _reply(part: ReplyText, state: Message.State, seq: int) -> Message:
    is_done = state == Message.State.DONE
    delivery = first_delivery_state(part.to.conversation.channel) if is_done else ""
    return Message(
        uuid=part.to.reply_uuid,
        conversation=part.to.conversation,
        role=Message.Role.ASSISTANT,
        content=part.content,
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


def give_up(message: Message, *, state: Message.State, detail: str) -> Message | None:
    """End a message that gets no (whole) reply as failed or stopped; return its partial reply.

    Joins the caller's transaction. What was streamed is kept, in the same state.
    """
    seq = Conversation.objects.advance(Counter({message.conversation_id: 2}))
    number = seq[message.conversation_id]
    partial = Message.objects.filter(uuid=message.reply_uuid).first()
    if partial:
        partial.state, partial.seq = state, number
        partial.save(update_fields=["state", "seq"])
    message.state, message.seq, message.detail = state, number + 1, detail[:500]
    message.save(update_fields=["state", "seq", "detail"])
    return partial


def start_over(message: Message) -> Message:
    """Queue a message again whose reply failed or was stopped; joins the caller's transaction."""
    seq = Conversation.objects.advance(Counter({message.conversation_id: 2}))
    number = seq[message.conversation_id]
    Message.objects.filter(uuid=message.reply_uuid).update(
        content="", state=Message.State.STREAMING, seq=number, detail="", created_at=timezone.now()
    )
    message.state, message.seq, message.detail = Message.State.QUEUED, number + 1, ""
    message.save(update_fields=["state", "seq", "detail"])
    return message


def failure_text() -> str:
    """Return the sentence a user reads when the reason is none of their business."""
    return _("Something went wrong while answering. Please try again.")
