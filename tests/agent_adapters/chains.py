"""Turns, models and graphs for the tests of the LangChain adapter."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langgraph.graph import END, START, MessagesState, StateGraph

from conversations.agents import Chunk, HistoryMessage, Turn, stream_reply
from conversations.agents.langchain.adapter import adapt
from conversations.models import Conversation


def turn_of(text: str = "hi", history: Sequence[tuple[str, str]] = (), **fields: Any) -> Turn:
    return Turn(
        text=text,
        history=[HistoryMessage(role, content) for role, content in history],
        conversation=Conversation(channel="web", address="a"),
        channel="web",
        locale="en",
        timezone="UTC",
        **fields,
    )


async def chunks_of(agent: Any, turn: Turn | None = None) -> list[Chunk]:
    return [chunk async for chunk in stream_reply(adapt(agent), turn or turn_of())]


async def pieces_of(agent: Any, turn: Turn | None = None) -> list[str]:
    return [chunk.text for chunk in await chunks_of(agent, turn) if chunk.text]


async def reply_of(agent: Any, turn: Turn | None = None) -> str:
    return "".join(await pieces_of(agent, turn))


async def tokens_of(agent: Any, turn: Turn | None = None) -> tuple[int | None, int | None]:
    """Return the last totals that were told, as a reply stores them."""
    tokens: tuple[int | None, int | None] = (None, None)
    for chunk in await chunks_of(agent, turn):
        if chunk.input_tokens is not None:
            tokens = chunk.input_tokens, chunk.output_tokens
    return tokens


class Model(BaseChatModel):
    """Says each of its answers in turn, word by word; remembers what it was given.

    An answer is a message or, for one that depends on the input, a function.
    """

    answers: list[Any]
    asked: list[list[BaseMessage]] = []
    every: float = 0.0

    @property
    def _llm_type(self) -> str:
        return "test"

    def bind_tools(self, tools: Any, **kwargs: Any) -> Any:
        return self

    def _answer(self, messages: list[BaseMessage]) -> AIMessage:
        self.asked.append(messages)
        answer = self.answers[min(len(self.asked), len(self.answers)) - 1]
        answer = answer(messages) if callable(answer) else answer
        return AIMessage(answer) if isinstance(answer, str) else answer

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._answer(messages))])


class StreamingModel(Model):
    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        answer = self._answer(messages)
        for word in str(answer.content).split():
            await asyncio.sleep(self.every)
            yield ChatGenerationChunk(message=AIMessageChunk(f"{word} "))
        yield ChatGenerationChunk(
            message=AIMessageChunk(
                "",
                tool_calls=answer.tool_calls,
                usage_metadata=answer.usage_metadata,
            )
        )


def calling(name: str, arguments: dict[str, Any], text: str = "") -> AIMessage:
    """Return what a model says that calls a tool."""
    return AIMessage(text, tool_calls=[{"name": name, "args": arguments, "id": "call-1"}])


def costing(message: AIMessage, given: int, made: int) -> AIMessage:
    usage = {"input_tokens": given, "output_tokens": made, "total_tokens": given + made}
    return message.model_copy(update={"usage_metadata": usage})


def graph_of(**nodes: Callable[..., Any]) -> Any:
    """Return the compiled graph that runs these nodes one after the other."""
    builder = StateGraph(MessagesState)
    before = START
    for name, node in nodes.items():
        builder.add_node(name, node)
        builder.add_edge(before, name)
        before = name
    builder.add_edge(before, END)
    return builder.compile()


def asking(model: Any) -> Callable[[Any], Any]:
    """Return a node that asks a model, and puts what it says into the state."""

    async def node(state: Any) -> dict[str, Any]:
        return {"messages": [await model.ainvoke(state["messages"])]}

    return node


@contextlib.asynccontextmanager
async def streaming(agent: Any, turn: Turn) -> AsyncIterator[AsyncIterator[Chunk]]:
    """Stream a reply that the test reads as far as it likes; closed at the end."""
    async with contextlib.aclosing(stream_reply(adapt(agent), turn)) as chunks:
        yield chunks
