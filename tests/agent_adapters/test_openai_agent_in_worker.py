"""The agent in a worker: what becomes of messages and runs when its model answers, or does not."""

from __future__ import annotations

import asyncio
import logging
from datetime import timedelta
from typing import Any

import pytest
from django.utils import translation
from django.utils.translation import gettext

from conversations.agents import get_agent
from scheduling.models import Run, Schedule
from scheduling.states import RunState
from tests.conversations.conftest import channels as channels
from tests.conversations.conftest import web as web
from tests.conversations.conftest import worker as worker
from tests.conversations.working import fresh, read, reply_to, say
from tests.harness.model import Answer, Raw, ToolCall, failure, sse
from tests.harness.polling import eventually

STREAM = {"Content-Type": "text/event-stream"}
KEY = "sk-loopback"


@pytest.fixture(autouse=True)
def agent(settings: Any, model: Any, channels: None) -> None:
    settings.BOTFLOW_AGENT = "openai_compatible"
    settings.BOTFLOW_TOOLS = ["all"]
    get_agent.cache_clear()


def half(*more: dict[str, Any]) -> list[bytes]:
    said = {"choices": [{"index": 0, "delta": {"content": "Half an "}}]}
    return sse(said, *more, done=False)


async def test_a_reply_is_stored_whole_with_its_tokens(worker, model, web):
    model.script(Answer("It is sunny.", usage=(42, 4)))
    [message] = await say("Weather?")

    [ending] = await worker.work()

    reply = await reply_to(message)
    assert ending.state == RunState.SUCCEEDED
    assert (reply.content, reply.state) == ("It is sunny.", "done")
    assert (reply.input_tokens, reply.output_tokens) == (42, 4)
    assert web.of_type("delta")


async def test_the_model_is_shown_what_was_said_before(worker, model):
    await say("My name is Ada.")
    await worker.work()
    await say("What is my name?")

    await worker.work()

    assert [one["content"] for one in model.bodies[1]["messages"][1:]] == [
        *("My name is Ada.", "Hello from the model.", "What is my name?")
    ]


async def test_a_wrong_key_is_told_to_the_owner_and_not_to_the_user(worker, model, caplog):
    body = {"error": {"message": f"Incorrect API key: {KEY}", "code": "invalid_api_key"}}
    model.script(failure(401, body))
    caplog.set_level(logging.DEBUG)
    [message] = await say("hi")

    [ending] = await worker.work()

    message, run = await fresh(message), await read(Run.objects.get)
    assert ending.state == RunState.FAILED
    assert message.state == "failed"
    assert message.detail == "The assistant cannot answer at the moment; its owner has been told."
    assert "Check OPENAI_API_KEY." in run.error
    assert KEY not in caplog.text + run.error + message.detail


async def test_a_failure_is_told_in_the_language_of_the_conversation(worker, model):
    model.script(Answer(pieces=[""]))
    [message] = await say("你好", locale="zh-hans")

    await worker.work()

    with translation.override("zh-hans"):
        sentence = gettext("The assistant had nothing to say. Please try again.")
    assert (await fresh(message)).detail == sentence


async def test_a_busy_server_is_asked_again_when_it_says(worker, model):
    model.script(failure(429, headers={"Retry-After": "7"}), Answer("Now."))
    [message] = await say("hi")

    first, second = await worker.work()

    assert (first.state, first.retry_at - first.at) == (RunState.PENDING, timedelta(seconds=7))
    assert second.state == RunState.SUCCEEDED
    assert (await reply_to(message)).content == "Now."


async def test_a_reply_that_broke_is_begun_anew_and_shown_once(worker, model, web):
    model.script(Raw(200, STREAM, half(), cut=True), Answer("A whole answer."))
    [message] = await say("hi")

    endings = await worker.work()

    assert [one.state for one in endings] == [RunState.PENDING, RunState.SUCCEEDED]
    message = await fresh(message)
    assert (message.state, message.reply.content) == ("answered", "A whole answer.")
    shown = [frame for frame in web.of_type("message") if frame["role"] == "assistant"]
    assert {frame["id"] for frame in shown} == {str(message.reply.uuid)}
    assert (shown[-1]["content"], shown[-1]["state"]) == ("A whole answer.", "done")


async def test_a_stopped_answer_ends_the_request(worker, model):
    model.script(Answer(pieces=["word "] * 1000, every=0.02))
    await say("hi")
    run = await worker.start()
    performing = asyncio.create_task(worker.perform(run))
    await eventually(lambda: model.requests, "the model is asked")

    await worker.interrupt(performing, run, "cancelled")

    await eventually(lambda: model.requests[0].disconnected_at, "the client hung up", seconds=1)
    assert performing.result().state == RunState.CANCELLED


async def test_a_reminder_is_set_up_when_it_is_asked_for(worker, model):
    """The whole way: what is said, the model's call, the schedule, the answer, and `/tasks`."""
    wanted = {"when": "每天早上9点", "text": "喝水"}

    def confirm(body: dict[str, Any]) -> Answer:
        return Answer(f"好的。{body['messages'][-1]['content']}")

    model.script(Answer(tool_calls=[ToolCall("create_reminder", wanted)]), confirm)
    where = {"locale": "zh-hans", "timezone": "Asia/Shanghai"}
    [message] = await say("每天早上9点提醒我喝水", **where)

    # One run only: the worker is ahead by an hour, in which the reminder may be due.
    await worker.carry(await worker.start())

    [schedule] = await read(lambda: list(Schedule.objects.all()))
    said = (await reply_to(message)).content
    assert schedule.owner == f"conversation:{message.conversation.uuid}"
    assert said.startswith("好的。")
    assert said.count("9:00") >= 3
    assert "喝水" in said

    [listing] = await say("/tasks", **where)
    run = await worker.start()
    while run.args.get("message") != listing.pk:
        run = await worker.start()
    await worker.carry(run)
    assert "喝水" in (await reply_to(listing)).content
    assert len(model.requests) == 2
