"""Asking: a prompt is stored as a message of the system and answered as what a user says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.utils import timezone

from conversations.agents import AgentError, Turn
from conversations.asking import prompt_uuid
from conversations.models import Conversation, Message
from conversations.steering import MessageNotFound, Steering, retry_answers, stop_answers
from scheduling import attempts
from scheduling.actions import ActionError, submit
from scheduling.ending import cancel
from scheduling.ending import retry as retry_run
from scheduling.group_commit import group_commit
from scheduling.models import Run
from scheduling.states import RunState
from tests.conversations.working import NAME, MiniWorker, fresh, read, say


@pytest.fixture
async def conversation(worker: MiniWorker, channels: None) -> Conversation:
    """Where a user said `hi` and was answered."""
    [message] = await say("hi")
    await worker.work()
    return message.conversation


async def put(conversation: Conversation, prompt: str = "Good morning?", **more: Any) -> Run:
    args = {"conversation": str(conversation.uuid), "prompt": prompt}
    more = {"key": conversation.key, "max_attempts": 4} | more
    return await read(lambda: submit("conversations.ask", args, **more))


async def prompt_of(run: Run) -> Message:
    return await fresh(await read(lambda: Message.objects.get(uuid=prompt_uuid(run.pk))))


async def again(run: Run) -> Run:
    return await read(lambda: Run.objects.get(pk=run.pk))


async def test_the_prompt_and_its_answer_are_stored_and_shown(worker, conversation, web):
    run = await put(conversation)

    await worker.work()

    prompt = await prompt_of(run)
    assert (prompt.role, prompt.state, prompt.content) == ("system", "answered", "Good morning?")
    assert (prompt.reply.state, prompt.reply.content) == ("done", "Good morning?")
    assert (await again(run)).result == {"messages": [str(prompt.reply.uuid)]}
    frames = [
        frame for frame in web.frames if prompt.uuid.hex in json.dumps(frame).replace("-", "")
    ]
    asked, answering, whole, answered = frames
    assert (asked["role"], asked["state"], asked["seq"]) == ("system", "answering", prompt.seq - 2)
    assert (answering["type"], answering["state"]) == ("status", "answering")
    assert (whole["reply_to"], whole["state"]) == (str(prompt.uuid), "done")
    assert (answered["type"], answered["state"]) == ("status", "answered")


async def test_a_prompt_is_shown_as_it_was_typed(worker, conversation, web):
    await put(conversation, "# 1 < 2")

    await worker.work()

    [asked] = [frame for frame in web.of_type("message") if frame["role"] == "system"]
    assert asked["html"] == '<p class="plain"># 1 &lt; 2</p>\n'


async def test_the_agent_sees_the_prompt_and_what_was_said_before(worker, conversation, use_agent):
    turns: list[Turn] = []
    use_agent(lambda turn: turns.append(turn) or f"re: {turn.text}")
    await put(conversation)
    await worker.work()

    await say("Thanks")
    await worker.work()

    assert turns[0].text == "Good morning?"
    lines = [[(m.role, m.content) for m in turn.history] for turn in turns]
    before = [("user", "hi"), ("assistant", "hi")]
    assert lines == [
        before,
        [*before, ("system", "Good morning?"), ("assistant", "re: Good morning?")],
    ]


async def test_what_is_said_meanwhile_is_answered_after_it(worker, conversation, use_agent):
    run = await put(conversation)
    [said] = await say("hello")

    started = await worker.start()

    assert started.pk == run.pk
    assert await worker.start() is None
    await worker.carry(started)
    await worker.work()
    assert (await fresh(said)).state == "answered"


async def test_the_answer_is_delivered_where_rows_are_not_read(worker, post, channels):
    [message] = await say("hi", channel="post")
    await worker.work()
    await put(message.conversation)

    await worker.work()

    assert post.delivered == ["hi", "Good morning?"]


async def test_an_attempt_that_died_is_taken_up_in_the_same_rows(worker, conversation, use_agent):
    async def half(turn: Turn) -> AsyncIterator[str]:
        yield "half"
        raise ConnectionError

    use_agent(half)
    run = await put(conversation)
    await worker.carry(await worker.start())
    first = await prompt_of(run)
    assert (first.state, first.reply.content) == ("answering", "half")
    use_agent(lambda turn: "whole")

    await worker.work()

    prompt = await prompt_of(run)
    assert (prompt.pk, prompt.state) == (first.pk, "answered")
    assert (prompt.reply.pk, prompt.reply.content) == (first.reply.pk, "whole")
    assert await read(Message.objects.count) == 4


async def test_a_failure_is_told_by_the_prompt(worker, conversation, use_agent, web):
    async def failing(turn: Turn) -> str:
        raise AgentError("Not today.")

    use_agent(failing)
    run = await put(conversation)

    await worker.work()

    prompt = await prompt_of(run)
    assert (prompt.state, prompt.detail) == ("failed", "Not today.")
    assert (await again(run)).state == RunState.FAILED


async def test_a_failure_is_delivered_where_rows_are_not_read(worker, post, use_agent):
    async def failing(turn: Turn) -> str:
        raise AgentError("Not today.")

    [message] = await say("hi", channel="post")
    await worker.work()
    use_agent(failing)
    await put(message.conversation)

    await worker.work()

    assert post.delivered == ["hi", "Not today."]


async def test_a_run_that_is_cancelled_before_it_begins_asks_nothing(worker, conversation):
    run = await put(conversation)

    await read(lambda: cancel(run, now=timezone.now()))
    await worker.work()

    assert await read(Message.objects.count) == 2


async def test_a_worker_that_lost_the_run_leaves_no_prompt(worker, conversation):
    run = await put(conversation)
    lost = await worker.start()
    moment = {"state": RunState.FAILED, "lease_expires_at": None, "finished_at": timezone.now()}
    await read(lambda: Run.objects.filter(pk=run.pk).update(**moment))

    await worker.perform(lost)

    assert await read(Message.objects.count) == 2


async def test_a_conversation_that_is_erased_during_the_answer_fails_for_good(
    worker, conversation, use_agent
):
    async def erasing(turn: Turn) -> str:
        await read(Conversation.objects.filter(pk=conversation.pk).delete)
        return "too late"

    use_agent(erasing)
    await put(conversation, key="")
    run = await worker.start()
    ending = await worker.perform(run)

    with pytest.raises(ActionError, match="There is no such conversation") as raised:
        await worker.end(run, ending)

    assert raised.value.permanent


# -- steering --------------------------------------------------------------------------------------


class Endless:
    def __init__(self) -> None:
        self.begun = asyncio.Event()

    async def __call__(self, turn: Turn) -> AsyncIterator[str]:
        yield "half "
        self.begun.set()
        await asyncio.Event().wait()


async def stop(conversation: Conversation) -> None:
    await group_commit()(stop_answers, Steering(conversation.pk))


@pytest.mark.parametrize("key", ["own", ""])
@pytest.mark.parametrize("has_waiting", [False, True])
async def test_a_stop_stops_the_answer_to_a_prompt(
    worker, conversation, use_agent, web, key, has_waiting
):
    agent = Endless()
    use_agent(agent)
    run = await put(conversation, key=conversation.key if key else "")
    if has_waiting and key:
        [said] = await say("said before the prompt is stored")
    started = await worker.start()
    performing = asyncio.create_task(worker.perform(started))
    await agent.begun.wait()

    await stop(conversation)

    assert await read(lambda: attempts.cancel_requests(NAME)) == {run.pk}
    await worker.interrupt(performing, started, "cancelled")
    await worker.end(started, performing.result())
    prompt = await prompt_of(run)
    assert (prompt.state, prompt.reply.state, prompt.reply.content) == (
        *("stopped", "stopped"),
        "half ",
    )
    if has_waiting and key:
        assert (await fresh(said)).state == "queued"


async def test_a_prompt_that_waits_for_its_next_attempt_is_stopped_at_once(
    worker, conversation, use_agent
):
    async def failing(turn: Turn) -> str:
        raise ConnectionError

    use_agent(failing)
    run = await put(conversation)
    await worker.carry(await worker.start())

    await stop(conversation)

    assert (await again(run)).state == RunState.CANCELLED
    assert (await prompt_of(run)).state == "stopped"


async def fail(worker: MiniWorker, conversation: Conversation, use_agent: Any) -> Run:
    async def failing(turn: Turn) -> AsyncIterator[str]:
        yield "half"
        raise AgentError("No.")

    use_agent(failing)
    run = await put(conversation)
    await worker.work()
    use_agent(lambda turn: f"whole: {turn.text}")
    return run


@pytest.mark.parametrize("by", ["prompt", "reply"])
async def test_a_failed_prompt_is_tried_again_by_its_reader(worker, conversation, use_agent, by):
    run = await fail(worker, conversation, use_agent)
    prompt = await prompt_of(run)
    wanted = prompt.uuid if by == "prompt" else prompt.reply.uuid

    frames: Any = await group_commit()(retry_answers, Steering(conversation.pk, wanted))
    await worker.work()

    assert [json.loads(frame.text)["type"] for frame in frames] == ["message", "status"]
    after = await prompt_of(run)
    assert (after.state, after.reply.content) == ("answered", "whole: Good morning?")
    assert after.reply.pk == prompt.reply.pk


async def test_a_failed_run_is_tried_again_by_an_operator(worker, conversation, use_agent):
    run = await fail(worker, conversation, use_agent)
    run = await again(run)

    await read(lambda: retry_run(run, now=timezone.now()))
    await worker.work()

    prompt = await prompt_of(run)
    assert (prompt.state, prompt.reply.content) == ("answered", "whole: Good morning?")
    assert (await again(run)).result == {"messages": [str(prompt.reply.uuid)]}


async def test_a_note_of_the_system_cannot_be_tried_again(worker, conversation):
    def write() -> Message:
        return Message.objects.create(
            conversation=conversation, role="system", state="done", content="Note", seq=99
        )

    note = await read(write)

    with pytest.raises(MessageNotFound):
        await group_commit()(retry_answers, Steering(conversation.pk, note.uuid))


async def test_asking_again_later_is_another_prompt(worker, conversation):
    first, second = await put(conversation), await put(conversation)

    await worker.work()

    assert (await prompt_of(first)).pk != (await prompt_of(second)).pk
    assert await read(Message.objects.filter(role="system", state="answered").count) == 2
