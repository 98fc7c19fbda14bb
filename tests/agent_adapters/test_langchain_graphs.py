"""Of a graph the user is shown what its models say in this turn, as they say it, and only that."""

from __future__ import annotations

import asyncio
import operator
from dataclasses import replace
from typing import Annotated, Any, TypedDict

import pytest
from django.core.exceptions import ImproperlyConfigured
from langchain.agents import create_agent
from langchain.agents.middleware import SummarizationMiddleware
from langchain_core.language_models import GenericFakeChatModel
from langchain_core.messages import AIMessage, AnyMessage, HumanMessage, SystemMessage, ToolMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.func import entrypoint
from langgraph.graph import END, START, MessagesState, StateGraph
from langgraph.types import interrupt

from conversations.agents import AgentError
from conversations.agents.langchain.adapter import adapt, wrong
from tests.agent_adapters.chains import (
    Model,
    StreamingModel,
    asking,
    calling,
    chunks_of,
    graph_of,
    pieces_of,
    reply_of,
    turn_of,
)


def weather(city: str) -> str:
    """Return the weather of a city."""
    return f"SECRET OUTPUT: sun in {city}"


async def test_a_graph_speaks_word_by_word():
    graph = graph_of(talk=asking(StreamingModel(answers=["a b c"])))

    assert await pieces_of(graph) == ["a ", "b ", "c "]


async def test_a_fake_model_of_langchain_streams_through_create_agent():
    agent = create_agent(GenericFakeChatModel(messages=iter([AIMessage("one two")])), [])

    assert await pieces_of(agent) == ["one", " ", "two"]


async def test_a_model_that_cannot_stream_speaks_at_once():
    graph = graph_of(talk=asking(Model(answers=["a b c"])))

    assert await pieces_of(graph) == ["a b c"]


async def test_a_node_without_a_model_speaks():
    graph = graph_of(talk=lambda state: {"messages": [AIMessage("from a plain node")]})

    assert await reply_of(graph) == "from a plain node"


async def test_each_message_is_said_once_with_a_blank_line_between():
    first, second = StreamingModel(answers=["a b"]), Model(answers=["c d"])
    graph = graph_of(first=asking(first), second=asking(second))

    assert await reply_of(graph) == "a b \n\nc d"


async def test_what_a_tool_returns_is_not_shown():
    model = StreamingModel(answers=[calling("weather", {"city": "Bonn"}), "It is sunny"])

    assert await reply_of(create_agent(model, [weather])) == "It is sunny "
    assert "SECRET OUTPUT" in str(model.asked[1][-1].content)


async def test_what_a_model_says_before_it_calls_a_tool_is_shown():
    model = StreamingModel(answers=[calling("weather", {"city": "Bonn"}, "Let me see"), "Sun"])

    assert await reply_of(create_agent(model, [weather])) == "Let me see \n\nSun "


async def test_the_history_is_not_said_again():
    turn = turn_of("more", [("user", "hi"), ("assistant", "old words"), ("system", "a prompt")])
    graph = graph_of(talk=asking(Model(answers=["new words"])))

    assert await reply_of(graph, turn) == "new words"


async def test_words_of_the_user_the_system_and_tools_that_a_node_adds_are_not_shown():
    def node(state: Any) -> dict[str, Any]:
        return {
            "messages": [
                SystemMessage("no"),
                AIMessage("yes"),
                HumanMessage("go on"),
                ToolMessage("no", tool_call_id="1"),
            ]
        }

    assert await reply_of(graph_of(talk=node)) == "yes"


async def test_reasoning_is_left_out_of_content_blocks():
    blocks = [
        {"type": "reasoning", "reasoning": "hmm"},
        {"type": "thinking", "thinking": "hmm"},
        {"type": "text", "text": "The "},
        {"type": "text", "text": "answer"},
    ]
    graph = graph_of(talk=lambda state: {"messages": [AIMessage(blocks)]})

    assert await reply_of(graph) == "The answer"


async def test_a_node_that_repeats_what_its_model_streamed_is_shown_once():
    model = StreamingModel(answers=["a b"])

    async def node(state: Any) -> dict[str, Any]:
        answer = await model.ainvoke(state["messages"])
        return {"messages": [AIMessage(answer.content, name="speaker")]}

    assert await reply_of(graph_of(talk=node)) == "a b "


async def test_a_model_tagged_nostream_says_nothing_that_is_not_in_the_state():
    router = StreamingModel(answers=["route: b"]).with_config(tags=["nostream"])

    async def route(state: Any) -> dict[str, Any]:
        await router.ainvoke(state["messages"])
        return {}

    graph = graph_of(route=route, talk=asking(Model(answers=["the answer"])))

    assert await reply_of(graph) == "the answer"


@pytest.mark.parametrize("kind", [Model, StreamingModel])
async def test_a_model_inside_a_tool_does_not_speak_to_the_user(kind):
    inner = kind(answers=["inner words"])

    async def ask(question: str) -> str:
        """Ask a model."""
        return str((await inner.ainvoke(question)).content)

    model = StreamingModel(answers=[calling("ask", {"question": "?"}), "outer"])

    assert await reply_of(create_agent(model, [ask])) == "outer "


async def test_an_agent_inside_a_tool_does_not_speak_to_the_user():
    inner = create_agent(StreamingModel(answers=["inner words"]), [])

    async def ask(question: str) -> str:
        """Ask another agent."""
        state = await inner.ainvoke({"messages": [HumanMessage(question)]})
        return str(state["messages"][-1].content)

    model = StreamingModel(answers=[calling("ask", {"question": "?"}), "outer"])

    assert await reply_of(create_agent(model, [ask])) == "outer "


async def test_a_summary_that_middleware_makes_is_not_shown():
    summarizer = StreamingModel(answers=["SUMMARY"])
    middleware = SummarizationMiddleware(summarizer, trigger=("messages", 3), keep=("messages", 1))
    agent = create_agent(StreamingModel(answers=["new"]), [], middleware=[middleware])
    history = [("user", "one"), ("assistant", "two"), ("user", "three"), ("assistant", "four")]

    assert await reply_of(agent, turn_of("five", history)) == "new "
    assert summarizer.asked


async def test_a_subgraph_streams_and_its_state_is_not_said_again():
    inner = create_agent(StreamingModel(answers=["a b"]), [])
    graph = graph_of(inner=inner, last=lambda state: {"messages": [AIMessage("end")]})

    assert await pieces_of(graph) == ["a ", "b ", "\n\nend"]


async def test_two_models_that_speak_at_once_are_not_mixed():
    builder = StateGraph(MessagesState)
    for name, every in (("slow", 0.02), ("fast", 0.001)):
        model = StreamingModel(answers=[f"{name}1 {name}2 {name}3"], every=every)
        builder.add_node(name, asking(model))
        builder.add_edge(START, name)

    reply = await reply_of(builder.compile())

    parts = sorted(part.strip() for part in reply.split("\n\n"))
    assert parts == ["fast1 fast2 fast3", "slow1 slow2 slow3"]


async def test_two_models_of_one_node_both_stream():
    first, second = StreamingModel(answers=["a b"]), StreamingModel(answers=["c d"])

    async def node(state: Any) -> dict[str, Any]:
        one = await first.ainvoke(state["messages"])
        return {"messages": [one, await second.ainvoke(state["messages"])]}

    assert await pieces_of(graph_of(talk=node)) == ["a ", "b ", "\n\nc ", "d "]


async def test_a_state_that_grows_without_ids_says_what_is_new():
    class State(TypedDict):
        messages: Annotated[list[AnyMessage], operator.add]

    builder = StateGraph(State)
    builder.add_node("one", lambda state: {"messages": [AIMessage("first")]})
    builder.add_node("two", lambda state: {"messages": [AIMessage("second")]})
    builder.add_edge(START, "one")
    builder.add_edge("one", "two")
    builder.add_edge("two", END)
    turn = turn_of("hi", [("assistant", "first")])

    assert await reply_of(builder.compile(), turn) == "first\n\nsecond"


async def test_a_function_as_a_graph_speaks():
    model = StreamingModel(answers=["a b"])

    @entrypoint()
    async def flow(given: dict[str, Any]) -> str:
        return str((await model.ainvoke(given["messages"])).content)

    assert await pieces_of(flow) == ["a ", "b "]


async def test_plain_nodes_and_what_they_ask_stream_too():
    def node(state: Any) -> dict[str, Any]:
        return {"messages": [model.invoke(state["messages"])]}

    model = GenericFakeChatModel(messages=iter([AIMessage("one two")]))

    assert await pieces_of(graph_of(talk=node)) == ["one", " ", "two"]


async def test_a_checkpointer_is_put_aside():
    saver = InMemorySaver()
    model = Model(answers=["one", "two"])
    agent = create_agent(model, [], checkpointer=saver)
    conversation = turn_of().conversation

    for _ in range(2):
        await reply_of(agent, replace(turn_of(), conversation=conversation))

    assert [len(messages) for messages in model.asked] == [1, 1]
    assert list(saver.list(None)) == []


async def test_the_turn_and_the_conversation_are_in_the_config():
    turn, seen = turn_of(), {}

    async def node(state: Any, config: Any) -> dict[str, Any]:
        seen.update(config["configurable"])
        return {"messages": [AIMessage("ok")]}

    # LangGraph reads the annotation, which is none it can resolve in a nested function.
    node.__annotations__ = {}
    await reply_of(graph_of(talk=node).with_config(configurable={"own": "kept"}), turn)

    assert seen["turn"] is turn
    assert seen["thread_id"] == str(turn.conversation.uuid)
    assert seen["own"] == "kept"


async def test_a_graph_that_says_nothing_has_failed():
    with pytest.raises(AgentError, match="gave no answer") as failure:
        await chunks_of(graph_of(talk=lambda state: {"messages": []}))

    assert "without a message" in failure.value.reason


async def test_a_graph_that_asks_back_has_failed_with_the_reason():
    def node(state: Any) -> dict[str, Any]:
        interrupt("really?")
        return {}

    with pytest.raises(AgentError) as failure:
        await chunks_of(graph_of(talk=node))

    assert "interrupted" in failure.value.reason


async def test_many_turns_at_once_do_not_mix():
    model = StreamingModel(answers=[lambda messages: f"re {messages[-1].content}"], every=0.001)
    graph = graph_of(talk=asking(model))
    turns = [turn_of(f"text{number}") for number in range(20)]

    replies = await asyncio.gather(*(reply_of(graph, turn) for turn in turns))

    assert replies == [f"re text{number} " for number in range(20)]


def test_a_graph_that_is_not_compiled_is_refused():
    with pytest.raises(ImproperlyConfigured, match=r"call \.compile\(\)"):
        adapt(StateGraph(MessagesState))


def test_a_graph_without_messages_is_refused():
    class State(TypedDict):
        question: str

    builder = StateGraph(State).add_node("a", lambda state: {}).add_edge(START, "a")

    assert "no `messages`" in wrong(builder.compile())


def test_a_graph_that_stops_before_a_node_is_refused():
    builder = StateGraph(MessagesState).add_node("a", lambda state: {}).add_edge(START, "a")
    graph = builder.compile(checkpointer=InMemorySaver(), interrupt_before=["a"])

    assert "nobody who would resume" in wrong(graph)


def test_a_sound_graph_is_not_refused():
    assert wrong(graph_of(talk=lambda state: {})) == ""
