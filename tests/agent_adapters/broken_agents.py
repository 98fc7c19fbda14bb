"""Agents that break the contract, each in one way, with a part of the sentence that says so."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

from conversations.agents import AgentError, Chunk, HistoryMessage, Turn


async def returns_none(turn: Turn) -> None:
    await asyncio.sleep(0)


async def yields_bytes(turn: Turn) -> AsyncIterator[bytes]:
    yield turn.text.encode()


def returns_dict(turn: Turn) -> dict[str, str]:
    return {"answer": turn.text}


async def yields_number(turn: Turn) -> AsyncIterator[Any]:
    yield "The answer is "
    yield 42


async def chunk_without_text(turn: Turn) -> Chunk:
    return Chunk(None)  # type: ignore[arg-type]


async def says_nothing(turn: Turn) -> AsyncIterator[str]:
    yield " \n"


async def never_ends(turn: Turn) -> AsyncIterator[str]:
    while True:
        yield ""


async def stalls(turn: Turn) -> AsyncIterator[str]:
    yield "One moment …"
    await asyncio.Event().wait()


async def talks_on(turn: Turn) -> AsyncIterator[str]:
    while True:
        yield "and so on " * 10_000


async def is_too_long(turn: Turn) -> str:
    return "x" * 200_001


async def fails_at_length(turn: Turn) -> str:
    if len(turn.text) > 10_000:
        raise ValueError("too long")
    return "fine"


def fails_at_chinese(turn: Turn) -> str:
    return turn.text.encode("latin-1", "strict").decode() if "你" in turn.text else "fine"


async def fails_at_system_messages(turn: Turn) -> str:
    names = {"user": "human", "assistant": "ai"}
    return "fine " + ", ".join(names[message.role] for message in turn.history)


async def fails_without_text(turn: Turn) -> str:
    return f"You began with {turn.text[0]}."


async def refuses(turn: Turn) -> str:
    raise AgentError("The key is wrong.")


async def refuses_silently(turn: Turn) -> str:
    if turn.attachments:
        raise AgentError("")
    return "fine"


async def exits(turn: Turn) -> str:
    raise SystemExit(1)


async def cancels_itself(turn: Turn) -> str:
    raise asyncio.CancelledError


async def blocks(turn: Turn) -> str:
    time.sleep(0.7)
    return "fine"


async def blocks_for_long(turn: Turn) -> str:
    time.sleep(3)
    return "fine"


async def swallows_cancellation(turn: Turn) -> AsyncIterator[str]:
    await asyncio.sleep(0)
    yield "One, "
    try:
        await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        yield "I was not done, "
    yield "two."


async def ignores_cancellation(turn: Turn) -> str:
    try:
        await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        await asyncio.sleep(1.5)
    return "fine"


async def fails_when_stopped(turn: Turn) -> str:
    try:
        await asyncio.sleep(0.05)
    except asyncio.CancelledError:
        raise RuntimeError("stopped") from None
    return "fine"


async def leaves_its_work_running(turn: Turn) -> str:
    answered = asyncio.Event()

    async def work() -> None:
        await asyncio.sleep(0.05)
        answered.set()
        await asyncio.sleep(1.5)

    work_of_its_own = asyncio.create_task(work())
    await answered.wait()
    return f"fine {work_of_its_own.done()}"


async def yields_when_closed(turn: Turn) -> AsyncIterator[str]:
    try:
        yield "One, "
        yield "two."
    finally:
        yield "bye."


async def closes_slowly(turn: Turn) -> AsyncIterator[str]:
    try:
        yield "One, "
        yield "two."
    except GeneratorExit:
        await asyncio.sleep(1.5)
        raise


class KeepsTheTurn:
    async def __call__(self, turn: Turn) -> AsyncIterator[str]:
        self.turn = turn
        await asyncio.sleep(0.01)
        yield f"You said {self.turn.text}"


class KeepsAHistory:
    """Remembers by itself what is passed to it anyway."""

    def __init__(self) -> None:
        self.said: list[str] = []

    def __call__(self, turn: Turn) -> str:
        self.said.append(turn.text)
        return "You said " + ", ".join(self.said[-2:])


async def adds_to_the_history(turn: Turn) -> str:
    turn.history.append(HistoryMessage("user", turn.text))
    return f"There are {len(turn.history)} messages."


async def negative_tokens(turn: Turn) -> Chunk:
    return Chunk("fine", input_tokens=-1)


async def falling_tokens(turn: Turn) -> AsyncIterator[Chunk]:
    yield Chunk("fi", output_tokens=2)
    yield Chunk("ne", output_tokens=1)


async def fractional_tokens(turn: Turn) -> Chunk:
    return Chunk("fine", output_tokens=1.5)  # type: ignore[arg-type]


#: (agent, part of the sentence); the timeout is 1 s.
BROKEN = [
    (returns_none, "gave NoneType where text was expected; return or yield str or Chunk"),
    (yields_bytes, "gave bytes where text"),
    (returns_dict, "gave dict where text"),
    (yields_number, "gave int where text"),
    (chunk_without_text, "gave NoneType where text"),
    (says_nothing, "said nothing; say something"),
    (never_ends, "still spoke after 1 s; end the reply"),
    (stalls, "was silent but not at its end after 1 s"),
    (talks_on, "more than 200000 characters"),
    (is_too_long, "more than 200000 characters and would be cut there"),
    (fails_at_length, "raised ValueError: too long; answer, or raise AgentError"),
    (fails_at_chinese, "raised UnicodeEncodeError"),
    (fails_at_system_messages, "raised KeyError: 'system'"),
    (fails_without_text, "raised IndexError"),
    (refuses, "refused with AgentError: The key is wrong."),
    (refuses_silently, "AgentError without a sentence"),
    (exits, "raised SystemExit"),
    (cancels_itself, "raised CancelledError though nobody stopped it"),
    (blocks, "in blocks; await there, or be a plain function"),
    (blocks_for_long, "blocked the event loop for more than 0.5 s at"),
    (swallows_cancellation, "went on when it was cancelled at its beginning; let CancelledError"),
    (ignores_cancellation, "did not stop: 1 s after it was cancelled at its beginning"),
    (fails_when_stopped, "raised RuntimeError when it was cancelled at its beginning"),
    (leaves_its_work_running, "left a task of its own running when it was stopped"),
    (yields_when_closed, "stream raised RuntimeError when it was closed; let GeneratorExit"),
    (closes_slowly, "was not closed within 1 s"),
    (KeepsTheTurn, "which only another turn had in it; keep nothing of a turn on the agent"),
    (KeepsAHistory, "which only another turn had in it"),
    (adds_to_the_history, "changed turn.history; work on a copy"),
    (negative_tokens, "reported -1 input_tokens; report a number"),
    (falling_tokens, "reported 1 output_tokens after 2; report the total"),
    (fractional_tokens, "reported output_tokens of type float; report an int"),
]
