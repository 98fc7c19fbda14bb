"""Sending: actions that say a given text, in one conversation or in very many, without an agent."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db.models import Exists, OuterRef
from django.utils import timezone
from django.utils.translation import gettext as _

from conversations import sayings
from conversations.addressing import checked_text, conversation_of, no_channel
from conversations.channels import get_channel
from conversations.commands.executing import tasks_now
from conversations.finishing import finish
from conversations.frames import Frame, encode, message_fields, message_frame
from conversations.models import Conversation, Message
from conversations.sayings import Saying, saying_uuid
from scheduling.actions import ActionError, Commit
from scheduling.attempts import LostLease, still_owned
from scheduling.claiming import Claim
from scheduling.group_commit import group_commit
from scheduling.models import Run

logger = logging.getLogger(__name__)

# Conversations of one transaction: 8 ms of work on SQLite, 13 ms with PostgreSQL, for which the
# other writes of the worker wait.
BATCH = 100
DAYS_MOST = 3650
# By how much the clocks of two web servers may differ at most.
CLOCK_SKEW = timedelta(days=1)


async def send_text(run: Run, *, conversation: str | int, text: str) -> Commit:
    """Return what says a text in a conversation, with the end of the run."""
    content = checked_text(text)
    found = await conversation_of(conversation)
    saying = Saying(found, saying_uuid(run.pk), content)
    then = partial(_show, is_task=run.schedule_id is not None)
    return Commit(finish, saying, then=then, result={"messages": [str(saying.uuid)]})


async def _show(message: Message, *, is_task: bool) -> None:
    """Show what was said; where a schedule said it, also the tasks, whose next times changed."""
    channel = get_channel(message.conversation.channel)
    frames = [await asyncio.to_thread(message_frame, message)]
    if is_task and channel.streams:
        frames.append(await tasks_now(message.conversation))
    await channel.show(message.conversation.uuid, frames)


@dataclass(frozen=True, slots=True)
class Batch:
    """A text for some conversations, and the attempt that says it."""

    claim: Claim
    text: str
    conversations: list[Conversation]
    created_at: datetime


async def send_to_many(run: Run, *, channel: str, days: int, text: str) -> dict[str, int] | None:
    """Say a text wherever somebody said something in the `days` days before the fire time.

    Each batch is stored on its own: a run that is cancelled stops after one, and one that is
    rescued goes through all of them again and says nothing twice.
    """
    content = checked_text(text)
    since = run.fire_at - timedelta(days=_checked_days(days))
    if channel not in settings.BOTFLOW_CHANNELS:
        raise no_channel(channel)
    claim = Claim(run.pk, run.attempt)
    sent = after = 0
    while page := await group_commit().read(_next_page, channel, since, after):
        after = page[-1].pk
        batch = Batch(claim, content, page, timezone.now())
        try:
            messages: list[Message] = await group_commit()(_say_in_each, batch)
        except LostLease:
            return None
        await _show_copies(channel, messages)
        sent += len(messages)
    return {"sent": sent}


def _checked_days(days: Any) -> int:
    if not isinstance(days, int) or isinstance(days, bool) or not 1 <= days <= DAYS_MOST:
        detail = _("The days must be a whole number from 1 to %d.") % DAYS_MOST
        raise ActionError(detail, permanent=True)
    return days


def _next_page(channel: str, since: datetime, after: int) -> list[Conversation]:
    """Return the next conversations with a user's message since then, by id; one query."""
    said = Message.objects.filter(
        conversation=OuterRef("pk"), role=Message.Role.USER, created_at__gte=since
    )
    # The first condition follows from the other, and spares a look at every old message.
    active = Conversation.objects.filter(channel=channel, updated_at__gte=since - CLOCK_SKEW)
    rows = active.filter(Exists(said), pk__gt=after).order_by("pk")
    return list(rows.only("id", "uuid", "channel")[:BATCH])


def _say_in_each(batches: list[Batch]) -> list[Any]:
    """Store the text in each conversation; return the messages of each batch, or LostLease."""
    owned = still_owned([batch.claim for batch in batches])
    return [_store(batch) if batch.claim in owned else LostLease() for batch in batches]


def _store(batch: Batch) -> list[Message]:
    said = [
        Saying(
            conversation,
            saying_uuid(batch.claim.run, conversation.pk),
            batch.text,
            created_at=batch.created_at,
        )
        for conversation in batch.conversations
    ]
    return [message for message in sayings.store(said) if message]


async def _show_copies(name: str, messages: list[Message]) -> None:
    """Show messages of one text, which is rendered once, in their conversations."""
    if not messages:
        return
    channel = get_channel(name)
    shared = await asyncio.to_thread(message_fields, messages[0])
    showing = (channel.show(m.conversation.uuid, _copy(shared, m)) for m in messages)
    outcomes = await asyncio.gather(*showing, return_exceptions=True)
    failures = [outcome for outcome in outcomes if isinstance(outcome, Exception)]
    if failures:
        # Readers catch up with the rows.
        logger.error("%d frames could not be shown.", len(failures), exc_info=failures[0])


def _copy(shared: dict[str, Any], message: Message) -> Sequence[Frame]:
    own = {
        "id": str(message.uuid),
        "seq": message.seq,
        "created_at": message.created_at.isoformat(),
    }
    return [Frame(encode(type="message", **(shared | own)), seq=message.seq)]
