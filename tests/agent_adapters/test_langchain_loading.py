"""A graph is named by the path of an object, of a function that makes it, or of a class."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from langchain.agents import create_agent
from langchain_core.messages import AIMessage
from langgraph.graph import START, MessagesState, StateGraph

from conversations.agents import get_agent, stream_reply
from conversations.agents.testing import assert_agent_contract
from tests.agent_adapters.chains import StreamingModel, graph_of, turn_of


def speak(state: Any) -> dict[str, Any]:
    return {"messages": [AIMessage("hello")]}


graph = graph_of(talk=speak)
uncompiled = StateGraph(MessagesState).add_node("talk", speak).add_edge(START, "talk")


def factory() -> Any:
    return graph_of(talk=speak)


def factory_with_a_default(text: str = "hello") -> Any:
    return graph_of(talk=speak)


class Echo(StreamingModel):
    answers: list[Any] = [lambda messages: f"You said: {messages[-1].content}"]


class Streaming:
    async def astream(self, given: Any) -> AsyncIterator[str]:
        yield "hello"


@pytest.fixture(autouse=True)
def fresh():
    get_agent.cache_clear()
    yield
    get_agent.cache_clear()


@pytest.mark.parametrize("name", ["graph", "factory", "factory_with_a_default", "Streaming"])
async def test_it_is_loaded_and_answers(name):
    agent = get_agent(f"{__name__}.{name}")

    assert "".join([chunk.text async for chunk in stream_reply(agent, turn_of())]) == "hello"
    assert agent.is_metered


def test_a_graph_that_is_not_compiled_is_refused():
    with pytest.raises(ImproperlyConfigured, match="not compiled"):
        get_agent(f"{__name__}.uncompiled")


@pytest.mark.parametrize("agent", [create_agent(Echo(), []), Echo(), Streaming()])
def test_it_keeps_the_contract_of_agents(agent):
    assert_agent_contract(agent, timeout=5)
