"""Any kind of callable may be the agent; what it yields arrives as text, in order."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from conversations.agents import AgentError, Chunk, Turn, current_turn, get_agent, stream_reply
from conversations.models import Conversation
from tests.conversations import agents
from tests.harness.polling import eventually

HERE = "tests.conversations.agents"


def turn(text: str = "hi") -> Turn:
    return Turn(
        text=text,
        history=[],
        conversation=Conversation(channel="web", address="a"),
        channel="web",
        locale="en",
        timezone="UTC",
    )


async def chunks_of(agent: Callable[[Turn], Any], one: Turn | None = None) -> list[Chunk]:
    return [chunk async for chunk in stream_reply(agent, one or turn())]


@pytest.mark.parametrize(
    "name",
    [
        "async_generator",
        "coroutine",
        "coroutine_of_generator",
        "plain_function",
        "plain_generator",
        "chunks",
        "AsyncObject",
        "GeneratingObject",
        "PlainObject",
        "plain_object",
        "streaming",
        "Streaming",
        "factory_of_function",
        "factory_of_stream",
        "optional_turn",
    ],
)
async def test_each_kind_of_agent_says_what_it_says(name):
    agent = get_agent(f"{HERE}.{name}")

    assert "".join(chunk.text for chunk in await chunks_of(agent)) == "said hi"


@pytest.mark.parametrize("name", ["async_generator", "coroutine_of_generator", "plain_generator"])
async def test_pieces_arrive_as_they_were_yielded(name):
    assert await chunks_of(getattr(agents, name)) == [Chunk("said "), Chunk("hi")]


class Stream:
    """As client libraries have them: to be iterated, and no more."""

    def __init__(self) -> None:
        self.left = ["said ", "hi"]

    def __aiter__(self) -> Stream:
        return self

    async def __anext__(self) -> str:
        if not self.left:
            raise StopAsyncIteration
        return self.left.pop(0)


async def test_a_stream_that_cannot_be_closed_is_an_answer():
    async def agent(turn: Turn) -> Stream:
        return Stream()

    assert await chunks_of(agent) == [Chunk("said "), Chunk("hi")]


async def test_chunks_keep_their_usage():
    assert await chunks_of(agents.chunks) == [
        Chunk("said ", input_tokens=1),
        Chunk("hi", output_tokens=2),
    ]


@pytest.mark.parametrize("text", ["", " ", "a", " a  b\n c ", "\n\n", "你好 世界", "  x"])
async def test_the_echo_says_exactly_what_it_heard(text):
    chunks = await chunks_of(get_agent("echo"), turn(text))

    assert "".join(chunk.text for chunk in chunks) == text


def test_a_class_is_built_once_per_process():
    agents.AsyncObject.built = 0

    first, second = (get_agent(f"{HERE}.AsyncObject") for _ in range(2))

    assert first is second
    assert agents.AsyncObject.built == 1


@pytest.mark.parametrize("name", ["no.such.module", f"{HERE}.nothing", "echoo", ""])
def test_an_agent_that_is_not_there_is_named(settings, name):
    settings.BOTFLOW_AGENT = name or "nothing at all"

    with pytest.raises(ImproperlyConfigured, match="cannot be imported"):
        get_agent()


def test_a_graph_that_is_not_compiled_is_told_so():
    with pytest.raises(ImproperlyConfigured, match="is not compiled"):
        get_agent(f"{HERE}.uncompiled")


async def test_what_an_agent_calls_finds_the_turn():
    one = turn("which turn?")

    async def in_the_loop(turn: Turn) -> str:
        return current_turn.get().text

    def in_a_thread(turn: Turn) -> str:
        return current_turn.get().text

    for agent in (in_the_loop, in_a_thread):
        assert [chunk.text for chunk in await chunks_of(agent, one)] == ["which turn?"]


def test_what_cannot_be_called_is_no_agent():
    with pytest.raises(ImproperlyConfigured, match="neither a function nor an object"):
        get_agent(f"{HERE}.not_callable")


async def yields_bytes(turn: Turn) -> AsyncIterator[Any]:
    yield b"bytes"


async def returns_nothing(turn: Turn) -> None:
    return None


def generates_numbers(turn: Turn) -> Iterator[int]:
    yield 1


@pytest.mark.parametrize(
    ("agent", "kind"),
    [
        (yields_bytes, "bytes"),
        (returns_nothing, "NoneType"),
        (generates_numbers, "int"),
        (lambda turn: ["a"], "list"),
        (lambda turn: {"content": "a"}, "dict"),
    ],
)
async def test_what_is_neither_text_nor_chunk_is_a_permanent_failure(agent, kind):
    with pytest.raises(AgentError, match=f"returned {kind} where text") as caught:
        await chunks_of(agent)

    assert caught.value.permanent


async def test_a_plain_function_blocks_only_its_own_thread():
    begun, go_on = threading.Event(), threading.Event()

    def slow(turn: Turn) -> str:
        begun.set()
        assert go_on.wait(10)
        return threading.current_thread().name

    waiting = asyncio.create_task(chunks_of(slow))
    await eventually(begun.is_set, "the thread to begin")
    quick = await chunks_of(agents.plain_function)
    go_on.set()

    assert quick == [Chunk("said hi")]
    assert (await waiting)[0].text != threading.main_thread().name


async def test_many_plain_functions_wait_side_by_side():
    everybody = threading.Barrier(60, timeout=10)

    def meet(turn: Turn) -> str:
        everybody.wait()
        return "met"

    replies = await asyncio.gather(*(chunks_of(meet) for _ in range(60)))

    assert replies == [[Chunk("met")]] * 60


async def test_pieces_of_a_plain_generator_arrive_before_it_ends():
    go_on = threading.Event()

    def halting(turn: Turn) -> Iterator[str]:
        yield "first"
        assert go_on.wait(10)
        yield "second"

    pieces = stream_reply(halting, turn())
    first = await asyncio.wait_for(anext(pieces), 10)
    go_on.set()

    assert [first.text, *[chunk.text async for chunk in pieces]] == ["first", "second"]


async def test_the_end_of_a_turn_closes_an_async_agent():
    closed = []

    async def agent(turn: Turn) -> AsyncIterator[str]:
        try:
            yield "first"
            yield "never"
        finally:
            closed.append(True)

    pieces = stream_reply(agent, turn())
    await anext(pieces)
    await pieces.aclose()

    assert closed == [True]


async def test_the_end_of_a_turn_is_told_to_a_thread():
    one = turn()
    ended = threading.Event()

    def agent(turn: Turn) -> Iterator[str]:
        try:
            yield "first"
            assert turn.stopped.wait(10)
            yield "nobody hears"
            yield "nobody asks"
        finally:
            ended.set()

    pieces = stream_reply(agent, one)
    await anext(pieces)
    await pieces.aclose()

    assert one.stopped.is_set()
    await eventually(ended.is_set, "the thread to end")


def _traced(function):
    @functools.wraps(function)
    def wrapper(one):
        return function(one)

    return wrapper


async def _words(one):
    yield "behind "
    yield "a wrapper"


async def _sentence(prefix, one):
    return f"{prefix} a partial"


@pytest.mark.parametrize(
    ("agent", "said"),
    [
        (_traced(_words), "behind a wrapper"),
        (functools.partial(_sentence, "with"), "with a partial"),
    ],
    ids=["a decorator", "a partial"],
)
async def test_an_agent_behind_a_decorator_or_partial_runs_as_what_it_is(agent, said):
    assert "".join([chunk.text async for chunk in stream_reply(agent, turn())]) == said
