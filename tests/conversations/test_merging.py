"""Several quick messages are one turn: answered together, ended together, none lost."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.utils import timezone

from conversations.agents import AgentError, Turn
from conversations.models import Message
from conversations.steering import Steering, retry_answers, stop_answers
from scheduling.group_commit import group_commit
from scheduling.models import Run
from scheduling.states import RunState
from tests.conversations.working import fresh, read, reply_to, say


class Recorder:
    """An agent that keeps the turns it was shown."""

    def __init__(self, *failures: Exception) -> None:
        self.turns: list[Turn] = []
        self.failures = list(failures)

    async def __call__(self, turn: Turn) -> AsyncIterator[str]:
        self.turns.append(turn)
        yield "half "
        if self.failures:
            raise self.failures.pop(0)
        yield "whole"

    @property
    def texts(self) -> list[str]:
        return [turn.text for turn in self.turns]


@pytest.fixture(autouse=True)
def pause(settings: Any) -> None:
    settings.BOTFLOW_MERGE_PAUSE = 2.0


@pytest.fixture
def recorder(use_agent: Any) -> Recorder:
    agent = Recorder()
    use_agent(agent)
    return agent


async def said(*gaps: float) -> list[Message]:
    """Say messages with so many seconds before each of them."""
    messages = await say(*(f"m{number}" for number in range(len(gaps))))
    at = timezone.now() - timedelta(seconds=sum(gaps) + 60)
    for message, gap in zip(messages, gaps, strict=True):
        at += timedelta(seconds=gap)
        row = Message.objects.filter(pk=message.pk)
        await read(lambda row=row, at=at: row.update(created_at=at))
    return messages


async def states(messages: list[Message]) -> list[str]:
    return [(await fresh(message)).state for message in messages]


async def test_quick_messages_are_one_turn_with_one_reply(worker, recorder, web):
    messages = await said(0, 1, 2)

    await worker.work()

    assert recorder.texts == ["m0\nm1\nm2"]
    assert await states(messages) == ["answered"] * 3
    assert (await reply_to(messages[2])).content == "half whole"
    assert await reply_to(messages[0]) is None
    shown = [(f["id"], f["state"]) for f in web.of_type("status") if f["state"] == "answered"]
    assert sorted(shown) == sorted((str(one.uuid), "answered") for one in messages)


async def test_a_message_after_a_longer_silence_is_a_turn_of_its_own(worker, recorder):
    await said(0, 2.5, 1)

    await worker.work()

    assert recorder.texts == ["m0", "m1\nm2"]


async def test_without_a_pause_each_message_is_a_turn(worker, recorder, settings):
    settings.BOTFLOW_MERGE_PAUSE = 0
    await said(0, 0, 0)

    await worker.work()

    assert recorder.texts == ["m0", "m1", "m2"]


async def test_an_answer_waits_for_the_pause_to_pass(worker):
    [message] = await say("hi")

    run = await read(Run.objects.get)

    assert run.fire_at == message.created_at + timedelta(seconds=2)


async def test_a_command_is_no_part_of_a_turn(worker, recorder):
    [_, command, _] = await say("before", "/tasks", "after")

    await worker.work()

    assert recorder.texts == ["before", "after"]
    assert (await reply_to(command)) is not None


async def test_pictures_come_with_the_words_after_them(worker, recorder):
    await say("[Image]", content_type="image", attachment="https://example.org/cat.png")
    await say("What is this?")

    await worker.work()

    [turn] = recorder.turns
    assert turn.attachments == ("https://example.org/cat.png",)
    assert turn.text == "[Image]\nWhat is this?"


async def test_a_merged_turn_is_history_in_the_order_it_was_said(worker, recorder):
    await said(0, 1)
    await worker.work()
    await say("next")

    await worker.work()

    history = [(one.role, one.content) for one in recorder.turns[-1].history]
    assert history == [("user", "m0"), ("user", "m1"), ("assistant", "half whole")]


async def test_whoever_goes_on_without_a_pause_is_answered_all_the_same(worker, recorder):
    await said(*[0.1] * 45)

    await worker.work(most=45)

    assert [text.count("\n") + 1 for text in recorder.texts] == [20, 20, 5]


async def test_a_turn_that_fails_ends_all_that_was_said_in_it(worker, use_agent, web):
    use_agent(Recorder(AgentError("Not today.")))
    messages = await said(0, 1)

    await worker.work()

    assert await states(messages) == ["failed", "failed"]
    shown = [f["detail"] for f in web.of_type("status") if f["state"] == "failed"]
    assert shown == ["Not today.", "Not today."]


@pytest.mark.parametrize("place", [0, 1])
async def test_either_part_can_be_retried_and_brings_the_whole_turn(worker, use_agent, place):
    agent = Recorder(AgentError("Not today."))
    use_agent(agent)
    messages = await said(0, 1)
    await worker.work()
    wish = Steering(messages[0].conversation_id, messages[place].uuid)

    await group_commit()(retry_answers, wish)
    waiting = await states(messages)
    await worker.work()

    assert waiting == ["queued", "queued"]
    assert agent.texts == ["m0\nm1", "m0\nm1"]
    assert await states(messages) == ["answered", "answered"]


async def test_a_worker_that_dies_after_merging_loses_nothing(worker, recorder):
    messages = await said(0, 1, 1)
    run = await worker.start()
    await worker.perform(run)  # merged and committed; the end of its run was never stored
    await read(lambda: Run.objects.filter(pk=run.pk).update(state=RunState.PENDING))

    await worker.work()

    assert recorder.texts == ["m0\nm1\nm2"]
    assert await states(messages) == ["answered"] * 3


async def test_a_message_whose_run_came_late_joins_the_turn_of_the_next_ones(worker, recorder):
    messages = await said(0, 1, 1)
    late = Run.objects.filter(args={"message": messages[0].pk})
    in_time = await read(lambda: late.get().fire_at)
    await read(lambda: late.update(fire_at=in_time + timedelta(hours=2)))
    await worker.carry(await worker.start())
    await read(lambda: late.update(fire_at=in_time))

    await worker.work()

    assert recorder.texts == ["m0\nm1\nm2"]
    assert await states(messages) == ["answered"] * 3


async def test_a_stop_ends_the_whole_turn(worker, use_agent):
    reached = asyncio.Event()

    async def waits(turn: Turn) -> str:
        reached.set()
        await asyncio.Event().wait()
        return ""

    use_agent(waits)
    messages = await said(0, 1)
    await worker.carry(await worker.start())
    run = await worker.start()
    task = asyncio.create_task(worker.carry(run))
    await asyncio.wait_for(reached.wait(), 5)

    await group_commit()(stop_answers, Steering(messages[0].conversation_id))
    asked = await read(lambda: Run.objects.get(pk=run.pk))
    await worker.interrupt(task, run, "cancelled")

    assert asked.cancel_requested_at is not None
    assert await states(messages) == ["stopped", "stopped"]


async def test_a_turn_that_waits_is_stopped_as_a_whole(worker, recorder):
    messages = await said(0, 1)
    await worker.carry(await worker.start())

    await group_commit()(stop_answers, Steering(messages[0].conversation_id))
    await worker.work()

    assert recorder.texts == []
    assert await states(messages) == ["stopped", "stopped"]


async def test_what_was_stopped_meanwhile_takes_nothing_in(worker, recorder):
    messages = await said(0, 1)
    later = Message.objects.filter(pk=messages[1].pk)
    await read(lambda: later.update(state=Message.State.STOPPED, seq=F("seq")))

    await worker.work()

    assert recorder.texts == ["m0"]
