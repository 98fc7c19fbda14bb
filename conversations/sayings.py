"""Sayings: what the assistant says unasked, stored once however often it is tried."""

from __future__ import annotations

import uuid
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from django.utils import timezone

from conversations.delivering import first_delivery_state, submit_deliveries
from conversations.models import Conversation, Message
from scheduling.inserting import insert

#: Makes the id of a saying from the run that says it: a rescued run finds what it said already.
SAYING_NAMESPACE = uuid.UUID("b0f2f6b4-93c5-4b0e-8f4c-5b1f3c1f9a52")


@dataclass(frozen=True, slots=True)
class Saying:
    """A message of the assistant that answers none."""

    conversation: Conversation
    uuid: uuid.UUID
    content: str
    state: Message.State = Message.State.DONE
    created_at: datetime = field(default_factory=timezone.now)


def saying_uuid(run: int, conversation: int | None = None) -> uuid.UUID:
    """Return the id of what a run says, or of what it says in one of many conversations."""
    name = str(run) if conversation is None else f"{run}:{conversation}"
    return uuid.uuid5(SAYING_NAMESPACE, name)


def store(sayings: list[Saying]) -> list[Message | None]:
    """Store sayings and queue their deliveries; return their messages, in order.

    One that is there already is returned as it is; None for one whose conversation is gone. Joins
    the caller's transaction; about five queries, however many, and one for deliveries.
    """
    known = Message.objects.select_related("conversation").filter(
        uuid__in=[saying.uuid for saying in sayings]
    )
    found = {message.uuid: message for message in known}
    fresh = [saying for saying in sayings if saying.uuid not in found]
    if fresh:
        seq = Conversation.objects.advance_all(Counter(saying.conversation.pk for saying in fresh))
        rows = [_message(saying, seq) for saying in fresh if saying.conversation.pk in seq]
        insert(rows)
        submit_deliveries(rows)
        found |= {row.uuid: row for row in rows}
    return [found.get(saying.uuid) for saying in sayings]


def _message(saying: Saying, seq: dict[int, int]) -> Message:
    number = seq[saying.conversation.pk]
    seq[saying.conversation.pk] += 1
    return Message(
        uuid=saying.uuid,
        conversation=saying.conversation,
        role=Message.Role.ASSISTANT,
        content=saying.content,
        state=saying.state,
        seq=number,
        delivery_state=first_delivery_state(saying.conversation.channel),
        created_at=saying.created_at,
    )
