"""Finds the agent that `BOTFLOW_AGENT` names and turns whatever it is into a stream of chunks."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import functools
import inspect
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from conversations.agents.contract import AgentError, Chunk, Turn, current_turn

#: Short names of the agents that come with BotFlow.
BUILT_IN = {
    "echo": "conversations.agents.echo.reply",
    "openai_compatible": "conversations.agents.openai_compatible.OpenAICompatible",
}
#: Makes an agent of what streams in LangChain's way; imported only where there is such a thing.
ADAPTER = "conversations.agents.langchain.adapter.adapt"


@cache
def get_agent(name: str | None = None) -> Callable[[Turn], Any]:
    """Return the agent, built once per process; raise ImproperlyConfigured when it is none."""
    name = name or settings.BOTFLOW_AGENT
    path = BUILT_IN.get(name, name)
    try:
        found = import_string(path)
    except ImportError as error:
        raise ImproperlyConfigured(
            f"BOTFLOW_AGENT: {path!r} cannot be imported: {error}."
        ) from error
    return as_agent(found, name=path)


def as_agent(found: Any, *, name: str) -> Callable[[Turn], Any]:
    """Return what answers turns: `found`, what it builds, or its adapter where it is a graph.

    A class, and a function that needs nothing to be called with, are called once for it. Raises
    ImproperlyConfigured.
    """
    if inspect.isclass(found) or _is_factory(found):
        found = found()
    if hasattr(found, "astream"):
        agent: Callable[[Turn], Any] = import_string(ADAPTER)(found)
        return agent
    if not callable(found):
        problem = f"BOTFLOW_AGENT: {name!r} is neither a function nor an object that can be called."
        if hasattr(found, "compile"):
            problem = f"BOTFLOW_AGENT: {name!r} is a graph that is not compiled: add .compile()."
        raise ImproperlyConfigured(problem)
    return found


def _is_factory(found: Any) -> bool:
    """Tell a function that makes an agent from one that is an agent and takes a turn."""
    if not inspect.isfunction(found):
        return False
    parameters = inspect.signature(found).parameters.values()
    takes_turn = any(
        each.kind == each.VAR_POSITIONAL or each.default is each.empty or each.name == "turn"
        for each in parameters
        if each.kind not in (each.KEYWORD_ONLY, each.VAR_KEYWORD)
    )
    return not takes_turn


async def stream_reply(agent: Callable[[Turn], Any], turn: Turn) -> AsyncGenerator[Chunk, None]:
    """Yield the agent's chunks as they come, whatever kind of callable it is.

    An async generator or coroutine function runs in this loop, a plain function or generator in a
    thread. Closing this generator closes the agent's, or leaves its thread with `turn.stopped`
    set. Whatever the agent calls finds the turn as `current_turn`. Raises AgentError (permanent)
    for a value that is neither text nor a chunk.
    """
    current_turn.set(turn)
    try:
        async with contextlib.aclosing(pieces_of(agent, turn)) as pieces:
            async for piece in pieces:
                yield _chunk(piece)
    finally:
        turn.stopped.set()


def _chunk(piece: Any) -> Chunk:
    if isinstance(piece, str):
        return Chunk(piece)
    if isinstance(piece, Chunk):
        return piece
    raise AgentError(f"The agent returned {type(piece).__name__} where text was expected.")


async def pieces_of(agent: Callable[[Turn], Any], turn: Turn) -> AsyncGenerator[Any, None]:
    """Yield whatever the agent yields or returns, whether it is text or not."""
    function = _function(agent)
    if inspect.isasyncgenfunction(function):
        value = agent(turn)
    elif inspect.iscoroutinefunction(function):
        value = await agent(turn)
    else:
        value = _from_thread(agent, turn)
    if not hasattr(value, "__aiter__"):
        yield value
        return
    try:
        async for piece in value:
            yield piece
    finally:
        # Not every stream of a client library has it.
        if hasattr(value, "aclose"):
            await value.aclose()


def _function(agent: Any) -> Any:
    """Return what really runs: behind decorators, partials and `__call__`."""
    if isinstance(agent, functools.partial):
        return _function(agent.func)
    function = agent if inspect.isroutine(agent) else type(agent).__call__
    return inspect.unwrap(function)


async def _from_thread(agent: Callable[[Turn], Any], turn: Turn) -> AsyncIterator[Any]:
    """Run a plain function in a thread of its own and yield what it returns or generates.

    A thread of its own rather than of a pool: a hundred agents that wait on the network must not
    wait for one another first.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()

    def put(kind: str, value: Any) -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(queue.put_nowait, (kind, value))

    def run() -> None:
        try:
            value = agent(turn)
            for piece in value if isinstance(value, Iterator) else [value]:
                put("piece", piece)
                if turn.stopped.is_set():
                    break
            put("end", None)
        except BaseException as error:  # noqa: BLE001  Boundary: raised again in the event loop.
            put("error", error)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), daemon=True, name="agent").start()
    while True:
        kind, value = await queue.get()
        if kind == "error":
            raise value
        if kind == "end":
            return
        yield value
