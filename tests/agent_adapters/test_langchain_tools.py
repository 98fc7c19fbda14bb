"""BotFlow's tools work in agents of LangChain, for the turn that is being answered."""

from __future__ import annotations

from typing import Any

import pytest
from langchain.agents import create_agent
from langchain_openai import ChatOpenAI

from conversations.agents import Turn
from conversations.agents.langchain.tools import botflow_tools
from tests.agent_adapters.chains import StreamingModel, calling, reply_of, turn_of
from tests.harness.model import Answer, ToolCall

HERE = __name__


def who(greeting: str, turn: Turn) -> str:
    """Greet who asks.

    Args:
        greeting: What to say.
    """
    return f"{greeting} {turn.text}"


def breaks() -> str:
    """Break."""
    raise ValueError("secret")


async def test_a_tool_gets_the_turn_and_the_model_its_result():
    model = StreamingModel(answers=[calling("who", {"greeting": "Good day"}), "done"])

    await reply_of(create_agent(model, botflow_tools([f"{HERE}.who"])), turn_of("Ada"))

    assert model.asked[1][-1].content == "Good day Ada"


async def test_each_of_two_turns_at_once_gets_its_own(settings):
    settings.BOTFLOW_TOOLS = [f"{HERE}.who"]
    agents = []
    for name in ("Ada", "Eve"):
        model = StreamingModel(answers=[calling("who", {"greeting": "hi"}), "done"], every=0.01)
        agents.append((model, reply_of(create_agent(model, botflow_tools()), turn_of(name))))

    for _model, reply in agents:
        await reply

    assert [model.asked[1][-1].content for model, _ in agents] == ["hi Ada", "hi Eve"]


async def test_the_model_is_told_of_the_arguments_but_not_of_the_turn(model):
    chat = ChatOpenAI(base_url=model.base_url, api_key="x", model="m", max_retries=0)
    call = ToolCall("who", {"greeting": "Hello"})
    model.script(Answer(tool_calls=[call]), Answer("done"))

    await reply_of(create_agent(chat, botflow_tools([f"{HERE}.who"])), turn_of("Ada"))

    function = model.requests[0].body["tools"][0]["function"]
    assert function["description"] == "Greet who asks."
    assert [*function["parameters"]["properties"]] == ["greeting"]
    assert model.requests[1].body["messages"][-1]["content"] == "Hello Ada"


@pytest.mark.parametrize(
    ("name", "arguments", "told"),
    [
        ("who", {"greeting": 7}, "do not fit"),
        ("who", {"turn": "another", "greeting": "x"}, "do not fit"),
        ("breaks", {}, "Error: The tool failed"),
    ],
)
async def test_a_wrong_call_is_told_to_the_model(name: str, arguments: Any, told: str):
    model = StreamingModel(answers=[calling(name, arguments), "done"])
    tools = botflow_tools([f"{HERE}.who", f"{HERE}.breaks"])

    assert await reply_of(create_agent(model, tools)) == "done "
    assert told in model.asked[1][-1].content
    assert "secret" not in model.asked[1][-1].content


async def test_outside_of_a_turn_a_tool_says_so():
    with pytest.raises(RuntimeError, match="only while BotFlow answers"):
        await botflow_tools([f"{HERE}.who"])[0].ainvoke({"greeting": "hi"})
