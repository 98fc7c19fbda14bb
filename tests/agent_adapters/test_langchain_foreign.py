"""An object of any make with `astream` answers: whole states, updates, pieces, or plain text."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.messages import AIMessage, AIMessageChunk, HumanMessage

from conversations.agents import AgentError
from conversations.agents.langchain import messages as given_messages
from conversations.agents.langchain.adapter import adapt
from tests.agent_adapters.chains import (
    costing,
    graph_of,
    pieces_of,
    reply_of,
    tokens_of,
    turn_of,
)

ME = HumanMessage("hi")
OLD = AIMessage("old")


class Foreign:
    """Yields what it is told to; remembers what it was given."""

    def __init__(self, *events: Any) -> None:
        self.events = events
        self.given: Any = None

    async def astream(self, given: Any) -> AsyncIterator[Any]:
        self.given = given
        for event in self.events:
            yield event


def state(*messages: Any) -> dict[str, Any]:
    return {"messages": list(messages)}


async def test_the_original_contract():
    agent = Foreign(state(ME, AIMessage("Hello")))

    assert await reply_of(agent) == "Hello"
    assert [type(one) for one in agent.given["messages"]] == [HumanMessage]
    assert agent.given["messages"][0].content == "hi"


CASES = {
    "text": (["a", "b"], ["a", "b"]),
    "pieces": ([state(AIMessageChunk("a")), state(AIMessageChunk("b"))], ["a", "b"]),
    "the same piece twice": ([state(AIMessageChunk("ha"))] * 2, ["ha", "ha"]),
    "pieces that are whole messages": (
        [state(AIMessage("a")), state(AIMessage("b")), state(AIMessage("c"))],
        ["a", "b", "c"],
    ),
    "one message that grows": ([state(AIMessage("a")), state(AIMessage("ab"))], ["a", "b"]),
    "a state that grows": (
        [state(ME), state(ME, AIMessage("a")), state(ME, AIMessage("ab"))],
        ["a", "b"],
    ),
    "a state with a second message": (
        [state(ME, AIMessage("a")), state(ME, AIMessage("a"), AIMessage("b"))],
        ["a", "\n\nb"],
    ),
    "pieces and then the whole state": (
        [state(AIMessageChunk("a")), state(AIMessageChunk("b")), state(ME, AIMessage("ab"))],
        ["a", "b"],
    ),
    "a state with the history": ([state(ME, OLD, ME, AIMessage("new"))], ["new"]),
    "updates by node": (
        [{"one": state(AIMessage("a", id="1"))}, {"two": state(AIMessage("b", id="2"))}],
        ["a", "\n\nb"],
    ),
    "messages alone": ([AIMessageChunk("a"), AIMessageChunk("b")], ["a", "b"]),
    "messages with metadata": ([(AIMessageChunk("a"), {"langgraph_node": "x"})], ["a"]),
    "modes": (
        [
            ("messages", (AIMessageChunk("a", id="1"), {})),
            ("values", state(AIMessage("a", id="1"))),
        ],
        ["a"],
    ),
    "dicts": (
        [state({"role": "user", "content": "hi"}, {"role": "assistant", "content": "a"})],
        "a",
    ),
    "a single message": ([{"messages": AIMessage("a")}], ["a"]),
    "what says nothing": ([None, 7, {}, {"a": 1}, state(), "a"], ["a"]),
}


@pytest.mark.parametrize(("events", "said"), CASES.values(), ids=CASES.keys())
async def test_it_says_what_is_new_and_once(events, said):
    turn = turn_of("hi", [("user", "hi"), ("assistant", "old")])

    assert await pieces_of(Foreign(*events), turn) == list(said)


async def test_it_may_be_a_coroutine_that_returns_the_stream():
    class Agent(Foreign):
        async def astream(self, given: Any) -> AsyncIterator[Any]:
            return super().astream(given)

    assert await reply_of(Agent("a")) == "a"


async def test_it_gets_the_config_where_it_takes_one():
    class Agent:
        async def astream(self, given: Any, config: Any = None) -> AsyncIterator[str]:
            yield config["configurable"]["thread_id"]

    turn = turn_of()

    assert await reply_of(Agent(), turn) == str(turn.conversation.uuid)


async def test_it_gets_a_list_where_it_takes_messages():
    class Agent:
        async def astream(self, messages: list[Any]) -> AsyncIterator[str]:
            yield messages[-1].content

    assert await reply_of(Agent()) == "hi"


async def test_it_may_wrap_a_graph():
    graph = graph_of(talk=lambda state: {"messages": [AIMessage("from within")]})

    class Agent:
        def astream(self, given: Any) -> Any:
            return graph.astream(given, stream_mode="updates")

    assert await reply_of(Agent()) == "from within"


async def test_without_langchain_it_gets_dicts(monkeypatch):
    monkeypatch.setattr(given_messages, "convert_to_messages", None)
    agent = Foreign("a")

    await reply_of(agent, turn_of("now", [("assistant", "old")]))

    assert agent.given == state(
        {"role": "assistant", "content": "old"}, {"role": "user", "content": "now"}
    )


async def test_tokens_are_those_of_its_messages_once():
    first, second = AIMessage("a", id="1"), AIMessage("b", id="2")
    whole = state(ME, costing(first, 3, 4))
    agent = Foreign(whole, whole, state(ME, costing(first, 3, 4), costing(second, 5, 6)))

    assert await tokens_of(agent) == (8, 10)


async def test_tokens_of_pieces_are_added():
    usage = {"input_tokens": 3, "output_tokens": 0, "total_tokens": 3}
    end = {"input_tokens": 0, "output_tokens": 4, "total_tokens": 4}
    pieces = [AIMessageChunk("a", usage_metadata=usage), AIMessageChunk("", usage_metadata=end)]

    assert await tokens_of(Foreign(*map(state, pieces))) == (3, 4)


async def test_one_that_says_nothing_has_failed():
    with pytest.raises(AgentError, match="gave no answer"):
        await reply_of(Foreign(state(ME)))


async def test_its_exceptions_are_not_told():
    class Agent:
        async def astream(self, given: Any) -> AsyncIterator[str]:
            yield "half"
            raise RuntimeError("secret")

    with pytest.raises(AgentError) as failure:
        await reply_of(Agent())

    assert "secret" not in f"{failure.value} {failure.value.reason}"
    assert "RuntimeError at test_langchain_foreign.py" in failure.value.reason


async def test_closing_the_reply_closes_its_stream():
    class Agent:
        is_closed = False

        async def astream(self, given: Any) -> AsyncIterator[str]:
            try:
                while True:
                    yield "on and on "
            finally:
                self.is_closed = True

    agent = Agent()
    reply = adapt(agent)(turn_of())
    await anext(reply)
    await reply.aclose()

    assert agent.is_closed
