"""An agent for tests that says what it was told to, and keeps what it was shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from conversations.agents.contract import Chunk, Turn

Reply = str | Chunk | BaseException | list[Any] | Callable[[Turn], Any]


class ScriptedAgent:
    """Gives one reply after the other, the last one again and again.

    A reply is text, a chunk, a list of these, an exception to raise (in a list: after what stands
    before it), or a function of the turn that returns one of them. `every` are the seconds between
    two pieces. `turns` are those it was asked, `stopped` is how many of them were ended early.
    """

    def __init__(self, *replies: Reply, every: float = 0.0) -> None:
        if not replies:
            raise ValueError("A scripted agent needs a reply.")
        self.replies = list(replies)
        self.every = every
        self.turns: list[Turn] = []
        self.stopped = 0

    async def __call__(self, turn: Turn) -> AsyncIterator[str | Chunk]:
        reply = self.replies[min(len(self.turns), len(self.replies) - 1)]
        self.turns.append(turn)
        try:
            for number, piece in enumerate(_pieces(reply, turn)):
                if number and self.every:
                    await asyncio.sleep(self.every)
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        except (asyncio.CancelledError, GeneratorExit):
            self.stopped += 1
            raise


def _pieces(reply: Any, turn: Turn) -> list[Any]:
    # A class of exceptions can be called too, but is no function of the turn.
    if callable(reply) and not isinstance(reply, type):
        reply = reply(turn)
    if isinstance(reply, type):
        reply = reply()
    return reply if isinstance(reply, list) else [reply]
