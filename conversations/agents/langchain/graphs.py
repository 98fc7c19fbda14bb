"""Reads LangChain's and LangGraph's own objects: how each is called, what comes out of it."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterable
from typing import Any

from conversations.agents.contract import Chunk, Turn
from conversations.agents.langchain.failures import failure_of, no_answer
from conversations.agents.langchain.kinds import Kind, kind_of, without_checkpointer
from conversations.agents.langchain.messages import given_of, messages_of
from conversations.agents.langchain.watching import Stopped, Watch
from conversations.agents.langchain.words import (
    Words,
    field,
    is_last,
    is_message,
    is_piece,
    is_reply,
    messages_in,
    text_of,
)


class Reading:
    """One turn of a Runnable: what it is given, and what it says so far."""

    def __init__(self, kind: Kind, turn: Turn, messages: list[Any]) -> None:
        self.kind = kind
        self._turn = turn
        self._messages = messages
        self.watch = Watch(turn.stopped)
        self._words = Words(given_of(messages))
        self._told: tuple[int | None, int | None] = (None, None)
        self._ignored: set[str] = set()
        self._is_interrupted = False

    def arguments(self) -> dict[str, Any]:
        """Return how this kind is called."""
        conversation = str(self._turn.conversation.uuid)
        config = {
            "configurable": {"thread_id": conversation, "turn": self._turn},
            "metadata": {"channel": self._turn.channel, "message": str(self._turn.id)},
            "callbacks": [self.watch],
        }
        call: dict[str, Any] = {"input": self._input(), "config": config}
        if self.kind is Kind.GRAPH:
            call |= {"stream_mode": ["messages", "values"], "subgraphs": True}
        if self.kind is Kind.GRAPH_FIRST:
            call["stream_mode"] = "values"
        return call

    def _input(self) -> Any:
        if self.kind is Kind.MODEL:
            return self._messages
        if self.kind is Kind.PROMPT:
            earlier = self._messages[:-1]
            return {"messages": self._messages, "history": earlier, "input": self._turn.text}
        return {"messages": self._messages}

    def chunk(self, event: Any) -> Chunk | None:
        """Return what an event adds to the reply; None where that is nothing."""
        for key in self.watch.take_failed():
            self._words.give_up(key)
        is_graph = self.kind is Kind.GRAPH
        return self._with_tokens(self._graph_text(*event) if is_graph else self._text(event))

    def end(self) -> Chunk | None:
        """Return what is left at the end; raises AgentError where nothing was said at all."""
        last = self._with_tokens(self._words.flush())
        if self._words.is_empty:
            raise no_answer(self._turn, ignored=self._ignored, is_interrupted=self._is_interrupted)
        return last

    def tokens(self) -> Chunk | None:
        """Return the tokens that were not told yet."""
        return self._with_tokens("")

    def _with_tokens(self, text: str) -> Chunk | None:
        told, self._told = self._told, self.watch.tokens
        if told != self._told:
            return Chunk(text, *self._told)
        return Chunk(text) if text else None

    def _graph_text(self, namespace: Iterable[str], mode: str, payload: Any) -> str:
        if mode == "messages":
            message = payload[0]
            # Whole messages are taken from the state: only there they are sure to be meant.
            return self._piece_text(message) if is_piece(message) else ""
        if namespace:
            return ""  # The state of a subgraph: what matters of it comes in that of the graph.
        self._is_interrupted = bool(field(payload, "__interrupt__"))
        if isinstance(payload, str):  # A function as a graph: what it returns was streamed before.
            payload = {"role": "assistant", "content": payload}
        return self._text(payload)

    def _piece_text(self, message: Any) -> str:
        identity = field(message, "id")
        if self.watch.is_hidden(identity):
            return ""
        key = self.watch.key_of(identity)
        return self._words.add_piece(text_of(message), key, is_last=is_last(message))

    def _text(self, value: Any) -> str:
        """Return the words of a text, a message, or a state or update with messages."""
        if isinstance(value, str):
            return self._words.add_piece(value)
        if is_message(value):
            if is_piece(value):
                return self._piece_text(value)
            return self._words.add_message(value) if is_reply(value) else ""
        messages = messages_in(value)
        if messages is None:
            self._ignored.add(type(value).__name__)
            return ""
        return self._words.add_state(messages, key_of=self.watch.key_of)


class RunnableAgent:
    """The agent that a Runnable is: a model, a chain, a compiled graph."""

    is_metered = True

    def __init__(self, runnable: Any) -> None:
        self.kind = kind_of(runnable)
        self.runnable = without_checkpointer(runnable)

    async def __call__(self, turn: Turn) -> AsyncGenerator[Chunk, None]:
        reading = Reading(self.kind, turn, await messages_of(turn))
        try:
            async with contextlib.aclosing(self._chunks(reading)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except Stopped:
            raise asyncio.CancelledError from None
        except Exception as error:  # noqa: BLE001  Boundary: an agent may raise anything.
            # What was used up until then is told.
            if rest := reading.tokens():
                yield rest
            raise failure_of(error, turn) from None

    async def _chunks(self, reading: Reading) -> AsyncGenerator[Chunk, None]:
        stream = self.runnable.astream(**reading.arguments())
        async with contextlib.aclosing(stream) as events:
            try:
                async for event in events:
                    if chunk := reading.chunk(event):
                        yield chunk
            finally:
                # Before the stream is closed: that waits for the calls which this ends.
                reading.watch.end()
        if chunk := reading.end():
            yield chunk
