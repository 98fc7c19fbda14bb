"""The test kit passes agents that keep the contract and says of others what is wrong with them."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from conversations.agents import (
    AgentError,
    Chunk,
    HistoryMessage,
    ScriptedAgent,
    Turn,
    assert_agent_contract,
    make_turn,
    stream_reply,
)
from conversations.agents.testing import AgentContractError
from tests.agent_adapters import broken_agents

KINDS = "tests.conversations.agents"


def slow_function(turn: Turn) -> str:
    """Blocks, but a thread of its own."""
    time.sleep(0.6 if turn.attachments else 0.01)
    return f"said {turn.text}"


def unstoppable_generator(turn: Turn) -> Iterator[str]:
    for _ in range(5):
        time.sleep(0.01)
        yield "word "


async def refuses_images(turn: Turn) -> AsyncIterator[Chunk]:
    if turn.attachments:
        raise AgentError("I cannot see images.")
    yield Chunk("fine", input_tokens=0, output_tokens=0)
    yield Chunk("", input_tokens=3, output_tokens=1)


# -- who passes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "agent",
    [
        "echo",
        *(
            f"{KINDS}.{name}"
            for name in (
                *("async_generator", "coroutine", "coroutine_of_generator", "plain_function"),
                *("plain_generator", "chunks", "AsyncObject", "GeneratingObject", "plain_object"),
            )
        ),
        slow_function,
        unstoppable_generator,
        refuses_images,
        ScriptedAgent("fine"),
        ScriptedAgent(["one ", "two ", Chunk("three", output_tokens=3)], every=0.01),
        ScriptedAgent(lambda turn: f"You said {turn.text}"),
    ],
    ids=lambda agent: getattr(agent, "__name__", None),
)
def test_an_agent_that_keeps_the_contract_passes(agent: Any) -> None:
    assert_agent_contract(agent)


async def test_the_contract_can_be_asserted_in_an_async_test() -> None:
    assert_agent_contract("echo")


# -- who does not ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agent", "sentence"),
    broken_agents.BROKEN,
    ids=[agent.__name__ for agent, _ in broken_agents.BROKEN],
)
def test_a_broken_agent_is_told_what_is_wrong(agent: Any, sentence: str) -> None:
    with pytest.raises(AgentContractError, match=re.escape(sentence)) as caught:
        assert_agent_contract(agent, timeout=1.0)

    assert isinstance(caught.value, AssertionError)
    assert str(caught.value).endswith(".")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("no.such.agent", "cannot be imported"),
        (f"{KINDS}.not_callable", "neither a function nor an object"),
    ],
)
def test_what_is_no_agent_is_said(name: str, sentence: str) -> None:
    with pytest.raises(AgentContractError, match=sentence):
        assert_agent_contract(name)


def test_a_failure_does_not_spoil_the_next_agent() -> None:
    with pytest.raises(AgentContractError):
        assert_agent_contract(broken_agents.returns_none)

    assert_agent_contract("echo")


# -- the agent that says what it was told to -------------------------------------------------------


async def said_by(agent: Any, turn: Turn | None = None) -> list[Chunk]:
    return [chunk async for chunk in stream_reply(agent, turn or make_turn())]


async def test_replies_are_given_in_order_and_the_last_one_again() -> None:
    agent = ScriptedAgent("one", ["t", "wo"], lambda turn: turn.text.upper())

    said = [await said_by(agent, make_turn(text)) for text in "abcd"]

    assert said == [
        [Chunk("one")],
        [Chunk("t"), Chunk("wo")],
        [Chunk("C")],
        [Chunk("D")],
    ]
    assert [turn.text for turn in agent.turns] == [*"abcd"]
    assert agent.stopped == 0


@pytest.mark.parametrize("failure", [AgentError("no"), ValueError])
async def test_a_reply_may_be_a_failure_after_some_words(failure: Any) -> None:
    agent = ScriptedAgent(["half ", failure] if isinstance(failure, Exception) else failure)

    with pytest.raises((AgentError, ValueError)):
        await said_by(agent)


async def test_a_stopped_reply_is_counted() -> None:
    agent = ScriptedAgent(["one", "two"], every=60)

    stream = stream_reply(agent, make_turn())
    await anext(stream)
    await stream.aclose()

    assert agent.stopped == 1


def test_a_scripted_agent_needs_a_reply() -> None:
    with pytest.raises(ValueError, match="needs a reply"):
        ScriptedAgent()


# -- turns -----------------------------------------------------------------------------------------


def test_a_turn_is_made_without_a_database() -> None:
    turn = make_turn("Hi", [("user", "a"), HistoryMessage("assistant", "b")], locale="zh-hans")

    assert [(one.role, one.content) for one in turn.history] == [("user", "a"), ("assistant", "b")]
    assert (turn.text, turn.locale, turn.conversation.locale) == ("Hi", "zh-hans", "zh-hans")
    assert turn.conversation.pk is None
