"""Graphs on a real client of a model's server: tokens, failures, and the end of a call."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import openai
import pytest
from langchain.agents import create_agent
from langchain_core.output_parsers import StrOutputParser
from langchain_openai import ChatOpenAI
from pydantic import BaseModel

from conversations.agents import AgentError, Turn
from conversations.agents.langchain.adapter import adapt
from tests.agent_adapters.chains import (
    asking,
    chunks_of,
    graph_of,
    pieces_of,
    reply_of,
    tokens_of,
    turn_of,
)
from tests.harness.model import Answer, ModelServer, Raw, ToolCall
from tests.harness.model_answers import failure, sse
from tests.harness.polling import eventually

#: A model that would speak for ten minutes.
ENDLESS = Answer(pieces=["on "] * 60_000, every=0.01)


@pytest.fixture
async def chat(model: ModelServer) -> AsyncIterator[ChatOpenAI]:
    """A model of LangChain's on the loopback server."""
    # To read the machine's certificates takes longer than most of these tests.
    async with openai.DefaultAsyncHttpxClient(verify=False) as client:
        with openai.DefaultHttpxClient(verify=False) as plain:
            yield ChatOpenAI(
                base_url=model.base_url,
                api_key="sk-secret",
                model="loopback",
                stream_usage=True,
                max_retries=0,
                http_async_client=client,
                http_client=plain,
            )


def weather(city: str) -> str:
    """Return the weather of a city."""
    return f"sun in {city}"


CALL = Answer(tool_calls=[ToolCall("weather", {"city": "Bonn"})], usage=(11, 3))


async def test_pieces_come_as_the_server_sends_them(model, chat):
    model.script(Answer(pieces=["a", "b", "c"]))

    assert await pieces_of(chat) == ["a", "b", "c"]
    assert await pieces_of(graph_of(talk=asking(chat))) == ["a", "b", "c"]
    assert await pieces_of(chat | StrOutputParser()) == ["a", "b", "c"]


async def test_an_agent_calls_a_tool_and_answers(model, chat):
    model.script(CALL, Answer("It is sunny."))

    assert await reply_of(create_agent(chat, [weather])) == "It is sunny."
    assert model.requests[1].body["messages"][-1]["content"] == "sun in Bonn"


async def test_tokens_are_what_the_server_reported_for_all_calls(model, chat):
    model.script(CALL, Answer("It is sunny.", usage=(29, 7)))

    assert await tokens_of(create_agent(chat, [weather])) == (40, 10)


async def test_tokens_of_a_call_are_told_before_the_next_one_is_over(model, chat):
    model.script(CALL, Answer("It is sunny.", usage=(29, 7)))

    chunks = await chunks_of(create_agent(chat, [weather]))

    told = [(one.input_tokens, one.output_tokens) for one in chunks if one.input_tokens]
    assert told == [(11, 3), (40, 10)]


async def test_tokens_of_what_is_not_shown_count_too(model, chat):
    async def route(state: Any) -> dict[str, Any]:
        await chat.with_config(tags=["nostream"]).ainvoke(state["messages"])
        return {}

    model.script(Answer("b", usage=(5, 1)), Answer("Hello.", usage=(6, 2)))
    graph = graph_of(route=route, talk=asking(chat))

    assert await reply_of(graph) == "Hello."
    model.script(Answer("b", usage=(5, 1)), Answer("Hello.", usage=(6, 2)))
    assert await tokens_of(graph) == (11, 3)


class Route(BaseModel):
    """Where to go."""

    to: str


@pytest.mark.filterwarnings("ignore:Pydantic serializer warnings:UserWarning")
async def test_what_a_model_says_to_a_program_is_not_shown(model, chat):
    async def route(state: Any) -> dict[str, Any]:
        found = await chat.with_structured_output(Route).ainvoke(state["messages"])
        assert found == Route(to="talk")
        return {}

    model.script(Answer('{"to": "talk"}'), Answer("Hello."))

    assert await reply_of(graph_of(route=route, talk=asking(chat))) == "Hello."


def plain_node(chat: ChatOpenAI) -> Callable[[Any], Any]:
    return lambda state: {"messages": [chat.invoke(state["messages"])]}


AGENTS: dict[str, Callable[[ChatOpenAI], Any]] = {
    "a model": lambda chat: chat,
    "a chain": lambda chat: chat | StrOutputParser(),
    "a graph": lambda chat: graph_of(talk=asking(chat)),
    "a graph with a plain node": lambda chat: graph_of(talk=plain_node(chat)),
    "an agent": lambda chat: create_agent(chat, [weather]),
}


@pytest.mark.parametrize("kind", AGENTS)
async def test_a_stop_ends_the_call_within_a_second(model, chat, kind):
    model.script(ENDLESS)
    agent, heard = adapt(AGENTS[kind](chat)), asyncio.Event()

    async def listen() -> None:
        async for _ in agent(turn_of()):
            heard.set()

    listening = asyncio.create_task(listen())
    await heard.wait()
    began = time.monotonic()
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening

    left = await eventually(lambda: model.requests[0].disconnected_at, "the call ended")
    assert left - began < 1


@pytest.mark.parametrize("kind", AGENTS)
async def test_a_reply_that_is_cut_ends_the_call_within_a_second(model, chat, kind):
    model.script(ENDLESS)

    async with aclosing(adapt(AGENTS[kind](chat))(turn_of())) as chunks:
        async for chunk in chunks:
            if chunk.text:
                break
        began = time.monotonic()

    left = await eventually(lambda: model.requests[0].disconnected_at, "the call ended")
    assert left - began < 1


async def test_a_stop_before_the_first_word_ends_the_call(model, chat):
    model.script(Raw(hang=True))
    listening = asyncio.create_task(chunks_of(create_agent(chat, [])))
    await eventually(lambda: model.requests, "the server is asked")

    began = time.monotonic()
    listening.cancel()
    with pytest.raises(asyncio.CancelledError):
        await listening

    left = await eventually(lambda: model.requests[0].disconnected_at, "the call ended")
    assert left - began < 1


@pytest.mark.parametrize("kind", ["a model", "a graph"])
async def test_a_stop_is_not_lost_that_comes_with_a_piece(model, chat, kind):
    model.script(Answer(pieces=["on "] * 5000, every=0.001))
    agent = adapt(AGENTS[kind](chat))

    for number in range(12):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1 + number / 3000):
                async for _ in agent(turn_of()):
                    pass

    await eventually(lambda: all(one.disconnected_at for one in model.requests), "every call ended")
    assert max((one.disconnected_at or 0) - one.at for one in model.requests) < 1


async def failed(agent: Any, turn: Turn | None = None) -> AgentError:
    with pytest.raises(AgentError) as failure:
        await chunks_of(agent, turn)
    return failure.value


BUSY = failure(429, {"error": {"message": "slow down, sk-secret"}}, {"Retry-After": "7"})


@pytest.mark.parametrize("kind", AGENTS)
async def test_a_busy_server_is_asked_again_when_it_says(model, chat, kind):
    model.script(BUSY)

    error = await failed(AGENTS[kind](chat))

    assert not error.permanent
    assert error.retry_after is not None
    assert error.retry_after.total_seconds() == 7
    assert "RateLimitError 429" in error.reason


@pytest.mark.parametrize(
    ("answer", "permanent", "says"),
    [
        (failure(401, {"error": {"code": "invalid_api_key"}}), True, "401 invalid_api_key"),
        (failure(404, {"error": {"message": "no sk-secret"}}), True, "404"),
        (failure(429, {"error": {"code": "insufficient_quota"}}), True, "insufficient_quota"),
        (failure(400, {"error": {"code": "context_length_exceeded"}}), True, "context_length"),
        (failure(500, "sk-secret"), False, "500"),
        (failure(503, "<html>sk-secret"), False, "503"),
        (Raw(reset=True), False, "ConnectionError"),
    ],
)
async def test_what_a_server_refuses_is_told_apart(model, chat, caplog, answer, permanent, says):
    caplog.set_level(logging.INFO)
    model.script(answer)

    error = await failed(create_agent(chat, [weather]))

    assert error.permanent == permanent
    assert says in error.reason
    assert "sk-secret" not in f"{error} {error.reason} {caplog.text}"


async def test_an_error_amid_the_stream_is_a_failure(model, chat):
    pieces = sse({"error": {"message": "sk-secret", "code": "server_error"}})
    model.script(Raw(headers={"Content-Type": "text/event-stream"}, body=pieces))

    error = await failed(chat)

    assert not error.permanent
    assert "sk-secret" not in f"{error} {error.reason}"


async def test_a_broken_connection_is_tried_again(model, chat):
    body = Answer(pieces=["a"]).stream({})
    model.script(Raw(headers={"Content-Type": "text/event-stream"}, body=[next(body)], reset=True))

    assert not (await failed(graph_of(talk=asking(chat)))).permanent


async def test_tokens_of_a_turn_that_failed_later_are_told(model, chat):
    model.script(CALL, failure(500))
    chunks = []

    with pytest.raises(AgentError):
        async for chunk in adapt(create_agent(chat, [weather]))(turn_of()):
            chunks.append(chunk)

    assert [(one.input_tokens, one.output_tokens) for one in chunks if one.input_tokens] == [
        (11, 3)
    ]


async def test_nothing_leaves_the_machine(model, chat, monkeypatch):
    asked: list[Any] = []
    connect = asyncio.BaseEventLoop.create_connection

    async def watched(loop: Any, factory: Any, host: Any = None, *args: Any, **kwargs: Any) -> Any:
        asked.append(host)
        return await connect(loop, factory, host, *args, **kwargs)

    monkeypatch.setattr(asyncio.BaseEventLoop, "create_connection", watched)
    monkeypatch.setattr(
        "requests.sessions.Session.send", lambda *args, **kwargs: asked.append(args)
    )
    model.script(CALL, Answer("It is sunny."))

    await reply_of(create_agent(chat, [weather]))

    assert asked
    assert {*asked} == {"127.0.0.1"}
