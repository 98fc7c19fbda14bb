"""Streaming: the reply comes as the model says it, and its tokens are those that are reported."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import gettext

from conversations.agents import AgentError, Chunk, get_agent, stream_reply
from conversations.agents.openai_compatible import OpenAICompatible
from conversations.agents.openai_compatible.errors import ModelError
from tests.agent_adapters.asking import answer, reply, tokens, turn
from tests.harness.model import Answer, Raw, sse

STREAM = {"Content-Type": "text/event-stream"}


def delta(text: str = "", *, finish: str | None = None, **more: Any) -> dict[str, Any]:
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return {"choices": [choice], **more}


def usage(given: int, made: int) -> dict[str, Any]:
    return {"usage": {"prompt_tokens": given, "completion_tokens": made}}


async def test_a_reply_comes_in_the_pieces_of_the_model(model):
    model.script(Answer(pieces=["Hel", "lo ", "世界"], usage=(12, 3)))

    chunks = await answer()

    assert [chunk.text for chunk in chunks if chunk.text] == ["Hel", "lo ", "世界"]
    assert tokens(chunks) == (12, 3)


async def test_a_piece_is_shown_before_the_next_is_said(model):
    model.script(Answer(pieces=["one", "two"], every=0.5))

    async with contextlib.aclosing(stream_reply(OpenAICompatible(), turn())) as chunks:
        began = time.monotonic()
        assert (await anext(chunks)).text == "one"
        assert time.monotonic() - began < 0.4


def test_the_agent_has_a_short_name(model):
    get_agent.cache_clear()
    agent = get_agent("openai_compatible")

    assert isinstance(agent, OpenAICompatible)
    assert agent.is_metered
    get_agent.cache_clear()


async def test_the_key_and_the_model_are_those_of_the_settings(model):
    await reply()

    [request] = model.requests
    assert request.headers["authorization"] == "Bearer sk-loopback"
    assert request.body["model"] == "loopback"
    assert request.body["stream_options"] == {"include_usage": True}
    assert [one["role"] for one in request.body["messages"]] == ["system", "user"]


async def test_a_prompt_of_its_own_goes_before_that_of_the_settings(model, settings):
    settings.BOTFLOW_SYSTEM_PROMPT = "You are a pirate."
    agent = OpenAICompatible(system_prompt="You answer from a list.")

    async for _chunk in stream_reply(agent, turn()):
        pass

    [body] = model.bodies
    assert body["messages"][0]["content"].startswith("You answer from a list.")


# -- tokens ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("events", "counts"),
    [
        ([delta("Hi"), delta(finish="stop"), {"choices": [], **usage(7, 2)}], (7, 2)),
        ([delta("H", **usage(7, 1)), delta("i", **usage(7, 2)), delta(finish="stop")], (7, 2)),
        ([delta("Hi"), delta(finish="stop", **usage(0, 0))], (0, 0)),
        ([delta("Hi"), delta(finish="stop")], (None, None)),
        ([delta("Hi", usage=None), delta(finish="stop", usage=None)], (None, None)),
    ],
    ids=["at the end", "counting on", "zeros", "none", "null"],
)
async def test_the_last_word_on_tokens_counts(model, events, counts):
    model.script(Raw(200, STREAM, sse(*events)))

    chunks = await answer()

    assert "".join(chunk.text for chunk in chunks) == "Hi"
    assert tokens(chunks) == counts


# -- ends ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("reason", ["length", "model_context_window_exceeded"])
@pytest.mark.parametrize("locale", ["en", "zh-hans"])
async def test_a_reply_that_was_cut_says_so(model, reason, locale):
    model.script(Answer("Once upon a", finish_reason=reason, usage=(5, 3)))

    chunks = await answer(locale=locale)

    with translation.override(locale):
        note = gettext("… (cut: the model's limit was reached)")
    assert "".join(chunk.text for chunk in chunks) == f"Once upon a\n\n{note}"
    assert tokens(chunks) == (5, 3)


async def test_a_model_that_only_thought_until_its_limit_has_said_nothing(model):
    model.script(Answer(pieces=[""], reasoning="Hm " * 50, finish_reason="length"))

    with pytest.raises(AgentError) as failed:
        await answer()

    assert str(failed.value) == "The assistant had nothing to say. Please try again."
    assert "max_tokens" in failed.value.reason


@pytest.mark.parametrize(
    "said", [Answer(pieces=[""]), Answer(" \n "), Answer("<think>Hm</think>"), Answer("<think>")]
)
async def test_an_empty_answer_is_a_failure(model, said):
    model.script(said)

    with pytest.raises(AgentError) as failed:
        await answer()

    assert failed.value.permanent
    assert str(failed.value) == "The assistant had nothing to say. Please try again."
    assert failed.value.reason == "The model's answer was empty."
    assert len(model.requests) == 1


@pytest.mark.parametrize("reason", ["content_filter", "sensitive"])
async def test_a_filtered_answer_is_a_failure_that_keeps_what_was_said(model, reason):
    model.script(Answer("Once upon", finish_reason=reason))
    said: list[Chunk] = []

    with pytest.raises(ModelError) as failed:
        async for chunk in stream_reply(OpenAICompatible(), turn()):
            said.append(chunk)

    assert (failed.value.kind, failed.value.permanent) == ("filtered", True)
    assert "".join(chunk.text for chunk in said) == "Once upon"
    assert str(failed.value) == "The provider of the model declined to answer this."


async def test_thoughts_without_end_end(model, monkeypatch):
    monkeypatch.setattr("conversations.agents.openai_compatible.reading.MOST_UNSEEN", 10_000)
    thought = {"choices": [{"index": 0, "delta": {"reasoning_content": "Hm " * 100}}]}
    model.script(Raw(200, STREAM, sse(*[thought] * 50, done=False), hang=True))

    with pytest.raises(ModelError) as failed:
        await answer()

    assert failed.value.kind == "garbage"


# -- stopping --------------------------------------------------------------------------------------


async def test_a_stopped_reply_hangs_up_at_once(model):
    model.script(Answer(pieces=["word "] * 1000, every=0.02))
    begun = asyncio.Event()

    async def listen() -> None:
        async with contextlib.aclosing(stream_reply(OpenAICompatible(), turn())) as chunks:
            async for _chunk in chunks:
                begun.set()

    task = asyncio.create_task(listen())
    await asyncio.wait_for(begun.wait(), 5)
    stopped_at = time.monotonic()
    task.cancel()
    await asyncio.wait([task])

    assert await left_at(model) - stopped_at < 1


async def test_a_reply_that_is_stopped_before_its_first_word_hangs_up_at_once(model):
    model.script(Raw(200, STREAM, sse(delta(), done=False), hang=True))

    task = asyncio.create_task(answer())
    async with asyncio.timeout(5):
        while not model.requests:
            await asyncio.sleep(0.01)
    stopped_at = time.monotonic()
    task.cancel()
    await asyncio.wait([task])

    assert await left_at(model) - stopped_at < 1


async def test_a_reply_that_nobody_reads_on_hangs_up(model):
    """The worker stops reading a reply that has reached its longest."""
    model.script(Answer(pieces=["word "] * 1000, every=0.02))

    async with contextlib.aclosing(stream_reply(OpenAICompatible(), turn())) as chunks:
        await anext(chunks)
    closed_at = time.monotonic()

    assert await left_at(model) - closed_at < 1


async def left_at(model: Any) -> float:
    async with asyncio.timeout(5):
        while not model.requests[0].disconnected_at:
            await asyncio.sleep(0.01)
    moment: float = model.requests[0].disconnected_at
    return moment
