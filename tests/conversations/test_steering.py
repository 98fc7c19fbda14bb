"""Steering: a reader stops the answer they wait for, or has one tried again."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from conversations.agents import AgentError, Turn
from conversations.models import Conversation, Message
from conversations.steering import MessageNotFound, Steering, retry_answers, stop_answers
from scheduling import attempts
from scheduling.attempts import Ending
from scheduling.group_commit import group_commit
from scheduling.models import Run
from scheduling.states import RunState
from tests.conversations.working import NAME, MiniWorker, fresh, read, reply_to, say
from tests.harness.polling import eventually


async def stop(message: Message) -> None:
    await group_commit()(stop_answers, Steering(message.conversation_id))


async def retry(message: Message, wanted: uuid.UUID | None = None) -> list[dict[str, Any]]:
    wish = Steering(message.conversation_id, wanted or message.uuid)
    frames: Any = await group_commit()(retry_answers, wish)
    return [json.loads(frame.text) for frame in frames]


class Endless:
    """Says `half ` and waits; notes whether it was cancelled."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.is_cancelled = False

    async def __call__(self, turn: Turn) -> AsyncIterator[str]:
        yield "half "
        self.begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.is_cancelled = True
            raise


@pytest.fixture
def endless(use_agent: Callable[[Any], None]) -> Endless:
    agent = Endless()
    use_agent(agent)
    return agent


async def heed(worker: MiniWorker, run: Run, performing: asyncio.Task[Ending]) -> None:
    """Do as the worker does that sees a request to cancel."""
    assert await read(lambda: attempts.cancel_requests(NAME)) == {run.pk}
    await worker.interrupt(performing, run, "cancelled")
    await worker.end(run, performing.result())


async def test_a_stop_cancels_the_agent_and_keeps_what_it_said(worker, endless, web):
    [message] = await say("hi")
    run = await worker.start()
    performing = asyncio.create_task(worker.perform(run))
    await endless.begun.wait()

    await stop(message)
    await heed(worker, run, performing)

    message = await fresh(message)
    assert endless.is_cancelled
    assert performing.result().state == RunState.CANCELLED
    assert (message.state, message.reply.state) == ("stopped", "stopped")
    assert message.reply.content == "half "
    assert [frame["type"] for frame in web.frames[-2:]] == ["message", "status"]
    assert [frame["state"] for frame in web.frames[-2:]] == ["stopped", "stopped"]


async def test_a_message_whose_turn_has_not_come_is_stopped_at_once(worker, web):
    [message] = await say("hi")

    await stop(message)

    message = await fresh(message)
    assert message.state == "stopped"
    assert (await read(Run.objects.get)).state == RunState.CANCELLED
    await eventually(lambda: web.frames, "the frame that says so")
    assert (web.frames[-1]["state"], web.frames[-1]["seq"]) == ("stopped", message.seq)
    assert await worker.work() == []


async def test_a_stop_reads_no_finished_runs(worker):
    [message] = await say("hi")

    def plan() -> str:
        with CaptureQueriesContext(connection) as captured:
            stop_answers([Steering(message.conversation_id)])
        [query] = [q["sql"] for q in captured if "SELECT * FROM scheduling_run" in q["sql"]]
        with connection.cursor() as cursor:
            if connection.vendor == "postgresql":
                cursor.execute("SET enable_seqscan = off")
            cursor.execute(f"EXPLAIN {'QUERY PLAN ' * (connection.vendor == 'sqlite')}{query}")
            return str(cursor.fetchall())

    assert "run_key_order" in await read(plan)


async def test_a_message_that_lost_its_run_is_stopped_all_the_same(worker):
    [message] = await say("hi")
    await read(Run.objects.all().delete)

    await stop(message)

    assert (await fresh(message)).state == "stopped"


async def test_only_the_current_message_is_stopped(worker):
    first, second = await say("1", "2")

    await stop(first)
    await worker.work()

    assert [(await fresh(m)).state for m in (first, second)] == ["stopped", "answered"]


async def test_another_conversation_is_not_stopped(worker):
    [mine] = await say("1", address="a")
    [other] = await say("2", address="b")

    await stop(mine)

    assert (await fresh(other)).state == "queued"


async def test_a_stop_of_nothing_does_nothing(worker, web):
    [message] = await say("hi")
    await worker.work()
    before, shown = await fresh(message), len(web.frames)

    await stop(message)

    assert (await fresh(message)).seq == before.seq
    assert len(web.frames) == shown


async def test_stopping_twice_is_stopping_once(worker, endless):
    [message] = await say("hi")
    run = await worker.start()
    performing = asyncio.create_task(worker.perform(run))
    await endless.begun.wait()

    await stop(message)
    await stop(message)
    await heed(worker, run, performing)

    assert (await fresh(message)).state == "stopped"


async def test_a_reply_that_is_finished_in_the_same_moment_is_kept(worker):
    [message] = await say("hi")
    run = await worker.start()
    ending = await worker.perform(run)

    await stop(message)
    await worker.end(run, ending)

    message = await fresh(message)
    assert (message.state, message.reply.state) == ("answered", "done")


async def fail_first(worker: MiniWorker, use_agent: Callable[[Any], None]) -> Message:
    async def failing(turn: Turn) -> AsyncIterator[str]:
        yield "half"
        raise AgentError("No.")

    use_agent(failing)
    [message] = await say("hi")
    await worker.work()
    use_agent(lambda turn: "whole")
    return await fresh(message)


@pytest.mark.parametrize("by", ["message", "reply"])
async def test_a_retry_resets_the_reply_and_finishes_it_under_the_same_id(worker, use_agent, by):
    failed = await fail_first(worker, use_agent)

    frames = await retry(failed, failed.uuid if by == "message" else failed.reply.uuid)
    reset = await fresh(failed)
    await worker.work()

    assert (reset.state, reset.detail) == ("queued", "")
    assert (reset.reply.content, reset.reply.state) == ("", "streaming")
    shown, status = frames
    assert (shown["id"], shown["content"]) == (str(failed.reply.uuid), "")
    assert shown["reply_to"] == str(failed.uuid)
    assert (status["id"], status["state"], status["seq"]) == (
        str(failed.uuid),
        "queued",
        reset.seq,
    )
    after = await fresh(failed)
    assert (after.state, after.detail) == ("answered", "")
    assert (after.reply.pk, after.reply.uuid) == (failed.reply.pk, failed.reply.uuid)
    assert (after.reply.content, after.reply.state) == ("whole", "done")
    assert after.seq > reset.seq > failed.seq


async def test_a_message_without_a_reply_can_be_retried(worker):
    [message] = await say("hi")
    await stop(message)

    frames = await retry(message)
    await worker.work()

    assert [frame["type"] for frame in frames] == ["status"]
    assert (await reply_to(message)).content == "hi"


async def test_an_answered_message_can_be_answered_anew(worker, use_agent):
    [message] = await say("hi")
    await worker.work()
    use_agent(lambda turn: "another")

    await retry(message)
    await worker.work()

    assert (await reply_to(message)).content == "another"
    assert await read(Message.objects.count) == 2


async def test_a_retry_of_one_that_waits_changes_nothing(worker):
    [message] = await say("hi")

    assert await retry(message) == []

    assert (await fresh(message)).seq == message.seq
    assert await read(Run.objects.count) == 1


async def test_two_retries_at_once_queue_one_answer(worker, use_agent):
    failed = await fail_first(worker, use_agent)

    both = await asyncio.gather(retry(failed), retry(failed))

    assert sorted(len(frames) for frames in both) == [0, 2]
    pending = Run.objects.filter(state=RunState.PENDING)
    assert await read(pending.count) == 1


async def test_a_message_of_another_conversation_is_not_found(worker):
    [mine] = await say("1", address="a")
    [other] = await say("2", address="b")
    await worker.work()

    for wanted in (other.uuid, other.reply_uuid, uuid.uuid4()):
        with pytest.raises(MessageNotFound):
            await retry(mine, wanted)

    assert (await fresh(other)).state == "answered"


async def test_what_the_assistant_said_of_itself_cannot_be_retried(worker):
    [message] = await say("hi")

    def remind() -> Message:
        place = Conversation.objects.get()
        return Message.objects.create(
            conversation=place, role="assistant", state="done", content="Drink!", seq=99
        )

    reminder = await read(remind)

    with pytest.raises(MessageNotFound):
        await retry(message, reminder.uuid)


async def test_a_wish_that_cannot_be_met_does_not_harm_another(worker, use_agent):
    failed = await fail_first(worker, use_agent)

    found, missing = await asyncio.gather(
        retry(failed), retry(failed, uuid.uuid4()), return_exceptions=True
    )

    assert isinstance(missing, MessageNotFound)
    assert len(found) == 2
