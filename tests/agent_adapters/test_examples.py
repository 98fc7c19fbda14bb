"""The examples keep the agent contract, and do what their README says of them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from functools import partial
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from conversations.agents import (
    Chunk,
    Turn,
    assert_agent_contract,
    get_agent,
    make_turn,
    stream_reply,
)
from conversations.tools import get_tools
from examples import function_agent
from tests.harness.model import Answer, ModelServer, Raw, ToolCall

FAQ = "examples.faq_agent.FaqAgent"
GRAPH = "examples.langgraph_agent.build"


@pytest.fixture(autouse=True)
def fresh_agents() -> Iterator[None]:
    """Build agents anew: each test has a model of its own."""
    get_agent.cache_clear()
    yield
    get_agent.cache_clear()


async def said_by(name: str, turn: Turn) -> str:
    return "".join([chunk.text async for chunk in stream_reply(get_agent(name), turn)])


def then_close(answer: Answer, body: dict[str, Any]) -> Raw:
    """Answer and close the connection: LangChain's client would keep it open for ever."""
    headers = {"Content-Type": "text/event-stream", "Connection": "close"}
    return Raw(headers=headers, body=list(answer.stream(body)), every=answer.every)


# -- the contract ----------------------------------------------------------------------------------


def test_the_function_keeps_the_contract() -> None:
    assert_agent_contract("examples.function_agent.reply")


def test_the_function_keeps_it_while_it_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function_agent, "SECOND", 0.05)

    assert_agent_contract("examples.function_agent.reply", question="count down from 1")


@pytest.mark.parametrize(
    ("name", "every"),
    [("openai_compatible", 0.0), ("openai_compatible", 0.02), (FAQ, 0.0), (GRAPH, 0.02)],
)
def test_the_agents_on_a_model_keep_the_contract(
    model: ModelServer, name: str, every: float
) -> None:
    model.script(partial(then_close, Answer("It is as you say.", every=every)))

    assert_agent_contract(name)

    assert len(model.requests) > 10


@pytest.mark.parametrize("name", [FAQ, GRAPH])
def test_an_agent_on_no_model_stops_the_start(name: str, settings: Any) -> None:
    settings.BOTFLOW_MODEL = ""

    with pytest.raises(ImproperlyConfigured, match="BOTFLOW_MODEL"):
        get_agent(name)


# -- the function ----------------------------------------------------------------------------------


async def said(text: str, **fields: Any) -> str:
    return await said_by("examples.function_agent.reply", make_turn(text, **fields))


async def test_dice_are_rolled() -> None:
    found = re.fullmatch(r"🎲 ([1-6]) \+ ([1-6]) = \*\*(\d+)\*\*", await said("Roll 2d6"))

    assert found
    assert int(found[1]) + int(found[2]) == int(found[3])


@pytest.mark.parametrize("wish", ["roll 0d6", "roll 1d0", "roll 9d999", "掷d20"])
async def test_odd_dice_do_no_harm(wish: str) -> None:
    assert (await said(wish)).startswith("🎲")


async def test_a_count_arrives_number_by_number(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(function_agent, "SECOND", 0)
    turn = make_turn("倒数 3")

    pieces = [one async for one in stream_reply(function_agent.reply, turn)]

    assert pieces == [Chunk("3 … "), Chunk("2 … "), Chunk("1 … "), Chunk("🚀")]


async def test_again_does_what_was_asked_last() -> None:
    history = [("user", "roll d4"), ("assistant", "🎲 1 = **1**"), ("user", "thanks")]

    assert (await said("again", history=history)).startswith("🎲")
    assert await said("again") == function_agent.HELP
    assert await said("你好", locale="zh-hans") == function_agent.HELP_CHINESE


# -- the FAQ ---------------------------------------------------------------------------------------


async def test_the_model_is_given_the_whole_document_and_the_question(model: ModelServer) -> None:
    model.script(Answer("露台可以，请牵绳。"))

    assert await said_by(FAQ, make_turn("可以带狗吗？")) == "露台可以，请牵绳。"

    [body] = model.bodies
    first, *_, last = body["messages"]
    assert first["role"] == "system"
    assert "Your whole knowledge is the document below" in first["content"]
    assert "hello@tea.example" in first["content"]
    assert last == {"role": "user", "content": "可以带狗吗？"}


# -- LangGraph -------------------------------------------------------------------------------------


def plays_a_tool_user(body: dict[str, Any]) -> Raw:
    last = body["messages"][-1]
    if last["role"] == "tool":
        return then_close(Answer(f"There are {last['content']} days.", usage=(30, 8)), body)
    call = ToolCall("days_between", {"first": "2026-12-24", "second": "2027-02-06"})
    return then_close(Answer(tool_calls=[call], usage=(20, 5)), body)


async def test_the_graph_counts_with_its_tool(model: ModelServer) -> None:
    model.script(plays_a_tool_user)
    turn = make_turn("How many days are there from 2026-12-24 to 2027-02-06?")

    chunks = [chunk async for chunk in stream_reply(get_agent(GRAPH), turn)]

    assert "".join(chunk.text for chunk in chunks) == "There are 44 days."
    assert (chunks[-1].input_tokens, chunks[-1].output_tokens) == (50, 13)


async def test_the_graph_offers_the_tools_of_the_site(model: ModelServer, settings: Any) -> None:
    settings.BOTFLOW_TOOLS = ["time"]
    model.script(partial(then_close, Answer()))

    await said_by(GRAPH, make_turn())

    [body] = model.bodies
    offered = [tool["function"]["name"] for tool in body["tools"]]
    assert offered == ["days_between", *(tool.name for tool in get_tools())]
    assert "Count the days" in json.dumps(body["tools"])
