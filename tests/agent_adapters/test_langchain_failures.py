"""What a graph raises is told by its kind and place; no text of it reaches a user or a log."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import pytest
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.types import Command

from conversations.agents import AgentError
from conversations.agents.langchain.adapter import adapt
from conversations.agents.langchain.failures import failure_of
from scheduling.actions import ActionError
from tests.agent_adapters.chains import (
    StreamingModel,
    asking,
    chunks_of,
    graph_of,
    pieces_of,
    turn_of,
)

SECRET = "sk-secret"


class ProviderError(Exception):
    """As the clients of many providers raise them."""

    def __init__(self, status_code: int) -> None:
        super().__init__(SECRET)
        self.status_code = status_code


async def failed(node: Any) -> AgentError:
    with pytest.raises(AgentError) as failure:
        await chunks_of(graph_of(talk=node))
    return failure.value


def breaks(state: Any) -> None:
    raise ValueError(SECRET)


async def breaks_later(state: Any) -> None:
    await asyncio.sleep(0)
    raise ValueError(SECRET)


@pytest.mark.parametrize("node", [breaks, breaks_later])
async def test_a_node_that_breaks_is_named_without_its_words(node, caplog):
    caplog.set_level(logging.INFO)

    error = await failed(node)

    assert error.permanent
    assert f"ValueError at {__name__.rpartition('.')[2]}.py:" in error.reason
    assert f"in {node.__name__}" in error.reason
    assert error.reason in caplog.text
    assert SECRET not in f"{error} {error.reason} {caplog.text}"


async def test_a_tool_of_a_library_is_placed_at_the_line_that_called_it():
    def node(state: Any) -> None:
        int(state["messages"][0].content)
        asyncio.run(None)  # type: ignore[arg-type]

    assert "in node" in (await failed(node)).reason


@pytest.mark.parametrize(
    ("status", "permanent"), [(401, True), (404, True), (429, False), (529, False), (500, False)]
)
async def test_a_status_of_any_provider_is_understood(status, permanent):
    def node(state: Any) -> None:
        raise ProviderError(status)

    error = await failed(node)

    assert error.permanent == permanent
    assert f"ProviderError {status}, at" in error.reason


async def test_a_status_is_found_behind_another_exception():
    def node(state: Any) -> None:
        raise RuntimeError(SECRET) from ProviderError(429)

    assert not (await failed(node)).permanent


async def test_a_status_is_found_in_a_group():
    def node(state: Any) -> None:
        raise ExceptionGroup("several", [ValueError(), ProviderError(429)])

    assert not (await failed(node)).permanent


async def test_a_broken_connection_is_tried_again():
    def node(state: Any) -> None:
        raise ConnectionResetError(SECRET)

    assert not (await failed(node)).permanent


async def test_a_timeout_is_left_to_the_person_who_waited():
    def node(state: Any) -> None:
        raise TimeoutError(SECRET)

    assert (await failed(node)).permanent


async def test_an_error_for_the_user_is_passed_on():
    def node(state: Any) -> None:
        raise AgentError("The library is closed.", permanent=False)

    error = await failed(node)

    assert str(error) == "The library is closed."
    assert not error.permanent


def test_errors_of_runs_are_passed_on():
    error = ActionError("later", permanent=False)

    assert failure_of(error, turn_of()) is error


async def test_a_graph_without_end_is_told_to_the_owner():
    builder = StateGraph(MessagesState)
    builder.add_node("again", lambda state: Command(goto="again"))
    builder.add_edge(START, "again")

    with pytest.raises(AgentError) as failure:
        await chunks_of(builder.compile().with_config(recursion_limit=5))

    assert "recursion limit" in failure.value.reason


async def test_the_sentence_is_in_the_users_language():
    turn = turn_of()
    object.__setattr__(turn, "locale", "zh-hans")

    with pytest.raises(AgentError) as failure:
        await chunks_of(graph_of(talk=breaks), turn)

    assert str(failure.value) != "Something went wrong while answering. Please try again."


async def test_what_was_said_before_a_failure_stays():
    graph = graph_of(talk=asking(StreamingModel(answers=["a b"])), then=breaks)
    said = []

    with pytest.raises(AgentError):
        async for chunk in adapt(graph)(turn_of()):
            said.append(chunk.text)

    assert said == ["a ", "b "]


async def test_a_model_that_fails_halfway_does_not_hold_up_the_next_one():
    class Breaking(StreamingModel):
        async def _astream(self, *args: Any, **kwargs: Any) -> Any:
            async for piece in super()._astream(*args, **kwargs):
                yield piece
                raise ValueError(SECRET)

    first, second = Breaking(answers=["a b"]), StreamingModel(answers=["c d"])

    async def node(state: Any) -> dict[str, Any]:
        try:
            return {"messages": [await first.ainvoke(state["messages"])]}
        except ValueError:
            return {"messages": [await second.ainvoke(state["messages"])]}

    assert await pieces_of(graph_of(talk=node)) == ["a ", "\n\nc ", "d "]


async def test_an_agent_that_cancels_itself_has_failed():
    async def node(state: Any) -> None:
        raise asyncio.CancelledError

    assert "NodeCancelledError" in (await failed(node)).reason
