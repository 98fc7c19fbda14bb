"""What the tests of budgets share: an agent with a meter, and what was charged."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

from django.utils import timezone

from conversations import budgets
from conversations.agents import Chunk, Turn
from conversations.budgets import Charge, charge
from conversations.models import Conversation, Message, Usage
from scheduling.models import Run
from tests.conversations.working import read


class Metered:
    """An agent whose tokens cost; it says or raises one list of pieces after the other.

    The last list repeats. A piece that is an event is set, and nothing follows it.
    """

    is_metered = True

    def __init__(self, *turns: list[Any]) -> None:
        self.left = list(turns) or [["said"]]
        self.asked: list[str] = []

    async def __call__(self, turn: Turn) -> AsyncIterator[Chunk | str]:
        self.asked.append(turn.text)
        pieces = self.left.pop(0) if len(self.left) > 1 else self.left[0]
        for piece in pieces:
            if isinstance(piece, BaseException):
                raise piece
            if isinstance(piece, asyncio.Event):
                piece.set()
                await asyncio.Event().wait()
            yield piece


async def used() -> list[tuple[int, int, int]]:
    """Return turns and tokens in and out of every row of usage."""
    rows = Usage.objects.order_by("day", "conversation_id")
    return await read(lambda: list(rows.values_list("turns", "input_tokens", "output_tokens")))


def use(conversation: Conversation | int, tokens: int, **ago: int) -> None:
    """Charge tokens to a conversation, now or some time ago."""
    pk = conversation if isinstance(conversation, int) else conversation.pk
    charge([Charge(pk, 1, tokens, 0, timezone.now() - timedelta(**ago))])
    budgets.forget_sum()


def let_pass(**span: int) -> None:
    """Have everything that was said, asked and used happened so much earlier."""
    by = timedelta(**span)
    for message in Message.objects.all():
        Message.objects.filter(pk=message.pk).update(created_at=message.created_at - by)
    for run in Run.objects.filter(finished_at__isnull=False):
        Run.objects.filter(pk=run.pk).update(created_at=run.created_at - by)
    for row in Usage.objects.order_by("day"):
        Usage.objects.filter(pk=row.pk).update(day=row.day - by)
    budgets.forget_sum()
