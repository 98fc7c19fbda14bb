"""Reads objects that are none of LangChain's and yet stream in its way, by `astream`."""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

from conversations.agents.contract import Chunk, Turn
from conversations.agents.langchain.failures import failure_of, no_answer
from conversations.agents.langchain.messages import given_of, messages_of
from conversations.agents.langchain.words import (
    Words,
    field,
    is_message,
    is_piece,
    is_reply,
    is_user,
    messages_in,
)

#: What LangGraph puts before a payload where several are streamed.
_MODES = {"messages", "values", "updates"}


class ForeignAgent:
    """The agent that an object with `astream` is, given only what its `astream` takes."""

    is_metered = True

    def __init__(self, found: Any) -> None:
        self.found = found

    async def __call__(self, turn: Turn) -> AsyncGenerator[Chunk, None]:
        messages = await messages_of(turn)
        words, usage = Words(given_of(messages)), Usage()
        told = usage.tokens
        try:
            async with contextlib.aclosing(self._events(turn, messages)) as events:
                async for event in events:
                    usage.add(event)
                    text = text_of_event(event, words)
                    if text or told != usage.tokens:
                        told = usage.tokens
                        yield Chunk(text, *told)
        except Exception as error:  # noqa: BLE001  Boundary: an agent may raise anything.
            raise failure_of(error, turn) from None
        if text := words.flush():
            yield Chunk(text)
        if words.is_empty:
            raise no_answer(turn, ignored=(), is_interrupted=False)

    async def _events(self, turn: Turn, messages: list[Any]) -> AsyncGenerator[Any, None]:
        stream = self._call(turn, messages)
        if inspect.isawaitable(stream):
            stream = await stream
        try:
            async for event in stream:
                yield event
        finally:
            # Not every stream has it.
            if hasattr(stream, "aclose"):
                await stream.aclose()

    def _call(self, turn: Turn, messages: list[Any]) -> AsyncIterator[Any]:
        parameters = inspect.signature(self.found.astream).parameters
        first = next(iter(parameters), "")
        given: Any = messages if first == "messages" else {"messages": messages}
        configurable = {"thread_id": str(turn.conversation.uuid), "turn": turn}
        config = {"config": {"configurable": configurable}} if "config" in parameters else {}
        stream: AsyncIterator[Any] = self.found.astream(given, **config)
        return stream


def text_of_event(event: Any, words: Words) -> str:
    """Return what an event adds: a text, a message, a state, or updates by the node's name."""
    if isinstance(event, str):
        return words.add_piece(event)
    if isinstance(event, tuple):
        return text_of_event(_payload(event), words)
    if is_message(event):
        return words.add_message(event) if is_reply(event) else ""
    messages = messages_in(event)
    if messages is not None:
        return _text_of_messages(messages, words)
    updates = event.values() if isinstance(event, dict) else ()
    return "".join(_text_of_update(update, words) for update in updates)


def _text_of_messages(messages: list[Any], words: Words) -> str:
    """A list with what the user said is a whole state; without it, a piece or an update."""
    if len(messages) == 1 and not is_user(messages[0]):
        return words.add_message(messages[0]) if is_reply(messages[0]) else ""
    return words.add_state(messages)


def _text_of_update(update: Any, words: Words) -> str:
    messages = messages_in(update) if isinstance(update, dict) else None
    return "".join(words.add_message(one) for one in messages or () if is_reply(one))


def _payload(event: tuple[Any, ...]) -> Any:
    """Return what matters of `(message, metadata)` and of `(mode, payload)`."""
    if len(event) == 2 and isinstance(event[0], str) and event[0] in _MODES:
        return _payload(event[1]) if isinstance(event[1], tuple) else event[1]
    return event[0] if event else None


class Usage:
    """Adds up what the messages report; a whole one says again what its pieces said."""

    def __init__(self) -> None:
        self._pieces: dict[str, tuple[int, int]] = {}
        self._wholes: dict[str, tuple[int, int]] = {}

    @property
    def tokens(self) -> tuple[int | None, int | None]:
        calls = [*({**self._pieces, **self._wholes}).values()]
        return (sum(c[0] for c in calls), sum(c[1] for c in calls)) if calls else (None, None)

    def add(self, event: Any) -> None:
        if isinstance(event, tuple):
            event = _payload(event)
        found = messages_in(event)
        if found is None and isinstance(event, dict):
            updates = (messages_in(one) for one in event.values() if isinstance(one, dict))
            found = [message for update in updates for message in update or ()]
        for place, message in enumerate(found or ()):
            self._add(message, field(message, "id") or f"place {place}")

    def _add(self, message: Any, key: str) -> None:
        usage = field(message, "usage_metadata")
        if not usage or not is_reply(message):
            return
        cost = usage.get("input_tokens") or 0, usage.get("output_tokens") or 0
        if is_piece(message):
            before = self._pieces.get(key, (0, 0))
            self._pieces[key] = before[0] + cost[0], before[1] + cost[1]
        else:
            self._wholes[key] = cost
