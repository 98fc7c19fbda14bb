"""Where `BOTFLOW_AGENT` finds the agent of the running test, and agents of every kind."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, ClassVar

from conversations.agents import Chunk, Turn

#: What the fixture `use_agent` puts here.
current: Callable[[Turn], Any]


async def async_generator(turn: Turn) -> AsyncIterator[str]:
    yield "said "
    yield turn.text


async def coroutine(turn: Turn) -> str:
    return f"said {turn.text}"


async def coroutine_of_generator(turn: Turn) -> AsyncIterator[str]:
    return async_generator(turn)


def plain_function(turn: Turn) -> str:
    return f"said {turn.text}"


def plain_generator(turn: Turn) -> Iterator[str]:
    yield "said "
    yield turn.text


async def chunks(turn: Turn) -> AsyncIterator[Chunk]:
    yield Chunk("said ", input_tokens=1)
    yield Chunk(turn.text, output_tokens=2)


class AsyncObject:
    """Counts how often it is built."""

    built: ClassVar[int] = 0

    def __init__(self) -> None:
        type(self).built += 1

    async def __call__(self, turn: Turn) -> str:
        return f"said {turn.text}"


class GeneratingObject:
    async def __call__(self, turn: Turn) -> AsyncIterator[str]:
        yield "said "
        yield turn.text


class PlainObject:
    def __call__(self, turn: Turn) -> str:
        return f"said {turn.text}"


plain_object = PlainObject()
not_callable = "said"


class Streaming:
    """Streams in LangChain's way, without being of LangChain."""

    async def astream(self, inputs: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
        said = inputs["messages"][-1]
        text = said["content"] if isinstance(said, dict) else said.content
        yield {"messages": [{"role": "assistant", "content": f"said {text}"}]}


streaming = Streaming()


def factory_of_function() -> Callable[[Turn], str]:
    return plain_function


def factory_of_stream(*, model: str = "any") -> Streaming:
    return streaming


def optional_turn(turn: Turn | None = None) -> str:
    assert turn
    return f"said {turn.text}"


class Uncompiled:
    def compile(self) -> Streaming:
        return streaming


uncompiled = Uncompiled()
