"""Models, prompts and sequences of LangChain answer, each called as it wants to be."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured
from langchain_core.language_models import FakeListChatModel, FakeListLLM, GenericFakeChatModel
from langchain_core.messages import AIMessage, AIMessageChunk
from langchain_core.output_parsers import JsonOutputParser, StrOutputParser
from langchain_core.prompts import ChatPromptTemplate, MessagesPlaceholder
from langchain_core.runnables import RunnableGenerator, RunnableLambda, RunnablePassthrough

from conversations.agents import AgentError
from conversations.agents.langchain.adapter import adapt, wrong
from conversations.history import SUMMARY_BEGINS
from tests.agent_adapters.chains import (
    Model,
    StreamingModel,
    asking,
    costing,
    graph_of,
    pieces_of,
    reply_of,
    tokens_of,
    turn_of,
)


async def test_a_chat_model_is_an_agent():
    assert await pieces_of(FakeListChatModel(responses=["abc"])) == ["a", "b", "c"]


async def test_a_model_of_plain_text_is_an_agent():
    assert await reply_of(FakeListLLM(responses=["abc"])) == "abc"


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda model: model,
        lambda model: model.bind(stop=["x"]),
        lambda model: model.with_config(tags=["a"]),
        lambda model: model.with_retry(),
        lambda model: model.with_fallbacks([FakeListChatModel(responses=["never"])]),
        lambda model: model.with_retry().with_fallbacks([model]).with_config(tags=["a"]),
        lambda model: model | StrOutputParser(),
        lambda model: model.bind(stop=["x"]) | StrOutputParser() | (lambda text: text),
        lambda model: model | RunnablePassthrough(),
    ],
)
async def test_a_model_is_given_the_messages_whatever_is_around_it(wrapped):
    model = Model(answers=["yes"])

    assert await reply_of(wrapped(model), turn_of("now", [("user", "before")])) == "yes"
    assert [message.content for message in model.asked[0]] == ["before", "now"]


async def test_a_fallback_answers_for_a_model_that_fails():
    def fail(messages: Any) -> str:
        raise ValueError

    agent = Model(answers=[fail]).with_fallbacks([Model(answers=["instead"])])

    assert await reply_of(agent) == "instead"


async def test_a_prompt_gets_the_messages():
    prompt = ChatPromptTemplate.from_messages(
        [("system", "You are a cat."), MessagesPlaceholder("messages")]
    )
    model = StreamingModel(answers=["meow meow"])

    assert await pieces_of(prompt | model | StrOutputParser()) == ["meow ", "meow "]
    assert [one.content for one in model.asked[0]] == ["You are a cat.", "hi"]


async def test_a_prompt_may_ask_for_the_text_and_the_history_apart():
    prompt = ChatPromptTemplate.from_messages(
        [MessagesPlaceholder("history"), ("human", "Say {input} politely.")]
    )
    model = Model(answers=["ok"])

    await reply_of(prompt | model, turn_of("no", [("user", "a"), ("assistant", "b")]))

    assert [one.content for one in model.asked[0]] == ["a", "b", "Say no politely."]


def test_a_prompt_that_asks_for_something_else_is_refused():
    prompt = ChatPromptTemplate.from_template("About {topic}: {input}")

    with pytest.raises(
        ImproperlyConfigured, match=r"asks for topic; there are history, input, mes"
    ):
        adapt(prompt | FakeListChatModel(responses=["a"]))


async def test_a_prompt_with_its_own_values_is_taken():
    prompt = ChatPromptTemplate.from_template("About {topic}: {input}").partial(topic="cats")
    model = Model(answers=["ok"])

    assert wrong(prompt | model) == ""
    await reply_of(prompt | model)
    assert model.asked[0][0].content == "About cats: hi"


async def test_a_function_gets_the_messages_and_returns_text():
    agent = RunnableLambda(lambda given: given["messages"][-1].content.upper())

    assert await reply_of(agent) == "HI"


async def test_a_generator_speaks_piece_by_piece():
    async def speak(given: AsyncIterator[Any]) -> AsyncIterator[str]:
        async for _ in given:
            yield "a"
            yield "b"

    assert await pieces_of(RunnableGenerator(speak)) == ["a", "b"]


async def test_a_function_may_return_another_runnable():
    model = GenericFakeChatModel(messages=iter([AIMessage("one two")]))
    agent = RunnableLambda(lambda given: RunnableLambda(lambda _: given["messages"]) | model)

    assert await pieces_of(agent) == ["one", " ", "two"]


async def test_what_follows_a_graph_gets_its_state():
    graph = graph_of(talk=asking(Model(answers=["abc"])))

    assert await reply_of(graph | (lambda state: state["messages"][-1].content[::-1])) == "cba"


async def test_messages_with_content_blocks_speak_their_text():
    async def speak(given: AsyncIterator[Any]) -> AsyncIterator[AIMessageChunk]:
        async for _ in given:
            yield AIMessageChunk([{"type": "reasoning", "reasoning": "hm"}])
            yield AIMessageChunk([{"type": "text", "text": "a", "index": 0}])
            yield AIMessageChunk([{"type": "text", "text": "b", "index": 0}])

    assert await pieces_of(RunnableGenerator(speak)) == ["a", "b"]


async def test_a_parser_whose_result_has_no_words_is_told_to_the_owner():
    agent = FakeListChatModel(responses=['{"a": 1}']) | JsonOutputParser()

    with pytest.raises(AgentError) as failure:
        await reply_of(agent)

    assert failure.value.reason.endswith("has no words: dict.")


async def test_the_tokens_of_a_chain_are_those_of_its_model():
    model = StreamingModel(answers=[costing(AIMessage("a b"), 3, 4)])

    assert await tokens_of(model | StrOutputParser()) == (3, 4)


async def test_tokens_that_nobody_reports_are_unknown():
    assert await tokens_of(FakeListChatModel(responses=["abc"])) == (None, None)


async def test_a_summary_speaks_as_the_system_and_prompts_as_the_user():
    summary = f"{SUMMARY_BEGINS} they met"
    history = [("system", summary), ("user", "a"), ("system", "prompt"), ("assistant", "b")]
    model = Model(answers=["ok"])

    await reply_of(model, turn_of("now", history))

    kinds = [(one.type, one.content) for one in model.asked[0]]
    assert kinds == [
        ("system", summary),
        ("human", "a"),
        ("human", "prompt"),
        ("ai", "b"),
        ("human", "now"),
    ]


async def test_a_schedule_asks_as_the_user_does():
    model = Model(answers=["ok"])

    await reply_of(model, turn_of("good morning?", is_scheduled=True))

    assert [(one.type, one.content) for one in model.asked[0]] == [("human", "good morning?")]


async def test_an_image_is_shown_to_the_model():
    image = "data:image/png;base64,AAAA"
    model = Model(answers=["a cat"])

    await reply_of(model, turn_of("what?", attachments=(image,)))

    assert model.asked[0][0].content == [
        {"type": "text", "text": "what?"},
        {"type": "image_url", "image_url": {"url": image}},
    ]


def test_what_comes_of_an_adapter_is_metered():
    assert adapt(FakeListChatModel(responses=["a"])).is_metered
