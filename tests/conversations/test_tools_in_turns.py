"""A user asks for a reminder in plain words: a model calls the tool, the worker does the rest."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversations.agents import get_agent
from conversations.models import Message
from scheduling.models import Run
from tests.conversations.commands.carrying import command, notice, only_schedule, schedules
from tests.conversations.tooling import CHINESE
from tests.conversations.working import read, reply_to, say
from tests.harness.model import Answer, ModelServer, ToolCall


@pytest.fixture
def model(settings: Any) -> Iterator[ModelServer]:
    """The server of the agent that answers, which is offered all tools."""
    settings.BOTFLOW_AGENT = "openai_compatible"
    settings.BOTFLOW_TOOLS = ["all"]
    settings.BOTFLOW_MODEL = "loopback"
    settings.OPENAI_API_KEY = "sk-loopback"
    get_agent.cache_clear()
    with ModelServer() as server:
        settings.OPENAI_BASE_URL = server.base_url
        yield server


def calling(name: str, **arguments: Any) -> Answer:
    return Answer(tool_calls=[ToolCall(name, arguments, f"call_{name}")])


def repeating(body: dict[str, Any]) -> Answer:
    """Play a model that passes on what its last tool said."""
    return Answer(str(body["messages"][-1]["content"]))


def offered(body: dict[str, Any]) -> list[str]:
    return [tool["function"]["name"] for tool in body.get("tools", [])]


async def test_from_the_users_words_to_the_list_of_tasks(worker, web, model):
    model.script(calling("create_reminder", when="每天早上9点", text="喝水"), repeating)
    [message] = await say("每天早上9点提醒我喝水", **CHINESE)

    await worker.work()
    listed = await command(worker, "/任务", **CHINESE)

    reply = await reply_to(message)
    assert reply and reply.content.startswith("我会提醒你：喝水\n\n每天 09:00（Asia/Shanghai）")
    assert sum(line.startswith("- ") for line in reply.content.split("\n")) == 3
    assert "#1" in listed
    assert "喝水" in listed
    [frame] = web.of_type("tasks")
    assert [task["text"] for task in frame["tasks"]] == ["喝水"]


async def test_a_turn_whose_worker_died_sets_up_one_task_in_the_end(worker, model):
    create = calling("create_reminder", when="in 10 minutes", text="stretch")
    model.script(create, repeating, create, repeating)
    [message] = await say("remind me to stretch in ten minutes")
    run = await worker.start()
    assert run is not None
    ending = await worker.perform(run)
    # The worker dies before it stores the end of the attempt; another one takes the run over.
    await read(lambda: Run.objects.filter(pk=run.pk).update(state="pending"))

    await worker.work()

    reply = await reply_to(message)
    assert ending.commit
    assert len(model.requests) == 4
    assert reply and "This is task 1" in reply.content
    assert len(await schedules()) == 1


async def test_a_scheduled_question_is_answered_without_the_tools_that_set_up_others(worker, model):
    model.script(
        calling("create_scheduled_question", when="in 10 minutes", question="What is new?"),
        repeating,
        calling("create_reminder", when="in 1 hour", text="again"),
        repeating,
    )
    await say("what is new in ten minutes?")
    await worker.work()

    await notice(worker, timezone.now() + timedelta(minutes=11))

    first, *_others, last = [request.body for request in model.requests]
    assert {"create_reminder", "create_scheduled_question"} <= {*offered(first)}
    assert {"create_reminder", "create_scheduled_question"}.isdisjoint(offered(last))
    assert "list_reminders" in offered(last)
    answer = await read(Message.objects.filter(role="assistant").order_by("-pk").first)
    assert answer and answer.content.startswith("Error: A schedule asks here")
    assert (await only_schedule()).finished_at is not None
