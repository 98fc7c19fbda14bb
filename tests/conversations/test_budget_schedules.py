"""A schedule that asks more than its budget pauses itself, and says so once."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from conversations.asking import prompt_uuid
from conversations.commands.tasks import Steer, TaskWish, steer_tasks
from conversations.models import Conversation, Message
from scheduling.group_commit import group_commit
from scheduling.models import Run, Schedule
from tests.conversations.budgeting import Metered, let_pass, use, used
from tests.conversations.working import MiniWorker, fresh, read, say
from tests.scheduling.schedule_parts import notice_all

SENTENCE = "This conversation has reached its limit for today. It can go on from "
RESUME = " Task 1 is paused: Morning. To go on: /resume 1"


@pytest.fixture
def agent(use_agent, settings):
    settings.BOTFLOW_CONVERSATION_TOKENS_PER_DAY = 100
    metered = Metered(["said"])
    use_agent(metered)
    return metered


async def place(**more: Any) -> Conversation:
    """Return a conversation in which a command was carried out."""
    [message] = await say("/help", **more)
    return message.conversation


async def schedule(conversation: Conversation, **fields: Any) -> Schedule:
    """Store a task that asks the agent within the hour, and again later."""
    start = timezone.now() + timedelta(minutes=30)
    values = {
        "name": "Morning",
        "action": "conversations.ask",
        "args": {"conversation": str(conversation.uuid), "prompt": "Good morning?"},
        "kind": "interval",
        "every": timedelta(hours=2),
        "start_at": start,
        "owner": conversation.owner,
        "number": 1,
    } | fields

    def store() -> Schedule:
        row = Schedule(**values)
        row.save()
        return row

    return await read(store)


async def come(worker: MiniWorker) -> None:
    """Have the time of every task come, and work until all is done."""
    later = timezone.now() + timedelta(minutes=31)
    await read(lambda: notice_all(later))
    await worker.work()


async def again(row: Schedule) -> Schedule:
    return await read(lambda: Schedule.objects.get(pk=row.pk))


async def prompts() -> list[Message]:
    return await read(lambda: list(Message.objects.filter(role="system").order_by("pk")))


async def test_it_pauses_at_once_with_the_reason(worker, agent):
    conversation = await place()
    task = await schedule(conversation)
    await read(lambda: use(conversation, 100))

    await come(worker)

    task = await again(task)
    assert (task.is_paused, task.paused_by) == (True, "")
    assert task.paused_reason.startswith(SENTENCE)
    assert agent.asked == []
    runs = await read(lambda: list(Run.objects.filter(schedule=task).order_by("fire_at")))
    assert [(run.state, run.skip_reason) for run in runs] == [("failed", ""), ("skipped", "paused")]
    assert runs[0].error.endswith("BOTFLOW_CONVERSATION_TOKENS_PER_DAY is 100.")


async def test_within_its_budget_it_goes_on(worker, agent):
    conversation = await place()
    task = await schedule(conversation)
    await read(lambda: use(conversation, 99))

    await come(worker)

    assert agent.asked == ["Good morning?"]
    assert (await again(task)).enabled


async def test_the_conversation_is_told_with_the_prompt_and_shown_its_tasks(worker, agent, web):
    conversation = await place()
    await schedule(conversation)
    await read(lambda: use(conversation, 100))

    await come(worker)

    [prompt] = await prompts()
    assert prompt.state == "failed"
    assert prompt.detail.startswith(SENTENCE)
    assert prompt.detail.endswith(RESUME)
    shown, tasks, status = web.frames[-3:]
    assert (shown["id"], shown["content"]) == (str(prompt.uuid), "Good morning?")
    assert [task["state"] for task in tasks["tasks"]] == ["paused"]
    assert (status["id"], status["state"], status["detail"]) == (
        str(prompt.uuid),
        "failed",
        prompt.detail,
    )


async def test_where_texts_are_posted_it_is_told_in_one(worker, agent, post):
    conversation = await place(channel="post")
    await worker.work()
    await schedule(conversation)
    await read(lambda: use(conversation, 100))

    await come(worker)

    told = post.delivered[1:]
    assert len(told) == 1
    assert told[0].startswith(SENTENCE)
    assert told[0].endswith(RESUME)


async def test_it_is_told_in_the_language_of_the_conversation(worker, agent):
    conversation = await place(locale="zh-hans")
    task = await schedule(conversation, name="早安")
    await read(lambda: use(conversation, 100))

    await come(worker)

    [prompt] = await prompts()
    assert prompt.detail.startswith("这个对话今天的额度已经用完")
    assert prompt.detail.endswith("之后可以继续。任务 1 已暂停：早安。恢复请输入：/恢复 1")
    assert (await again(task)).paused_reason.startswith("这个对话今天的额度已经用完")


async def test_one_of_the_owners_own_is_named_without_a_command(worker, agent):
    conversation = await place()
    task = await schedule(conversation, owner="", number=None)
    await read(lambda: use(conversation, 100))

    await come(worker)

    [prompt] = await prompts()
    assert prompt.detail.endswith(" “Morning” is paused.")
    assert (await again(task)).is_paused


async def test_a_task_of_another_conversation_is_named_without_a_command(worker, agent):
    """Its number means another task here, or none."""
    conversation, other = await place(), await place(address="b")
    await schedule(conversation, owner=other.owner)
    await read(lambda: use(conversation, 100))

    await come(worker)

    [prompt] = await prompts()
    assert prompt.detail.endswith(" “Morning” is paused.")


async def test_one_that_is_over_is_not_said_to_be_paused(worker, agent):
    conversation = await place()
    moment = {"kind": "once", "every": None, "start_at": None}
    at = timezone.now() + timedelta(minutes=30)
    task = await schedule(conversation, **moment, at=at)
    await read(lambda: use(conversation, 100))

    await come(worker)

    [prompt] = await prompts()
    assert prompt.detail.startswith(SENTENCE)
    assert "paused" not in prompt.detail
    assert (await again(task)).finished_at


async def test_the_limit_of_the_site_pauses_every_schedule_that_meets_it(worker, agent, settings):
    settings.BOTFLOW_SITE_TOKENS_PER_DAY = 500
    tasks = [await schedule(await place(address=name)) for name in "abc"]
    await read(lambda: use(999, 500))

    await come(worker)

    assert [(await again(task)).is_paused for task in tasks] == [True] * 3


async def test_the_schedule_of_another_conversation_goes_on(worker, agent):
    conversation, other = await place(), await place(address="b")
    tasks = [await schedule(conversation), await schedule(other)]
    await read(lambda: use(conversation, 100))

    await come(worker)

    assert [(await again(task)).is_paused for task in tasks] == [True, False]


async def test_a_reminder_of_the_same_conversation_goes_on(worker, agent):
    conversation = await place()
    args = {"conversation": str(conversation.uuid), "text": "Stretch!"}
    reminder = await schedule(conversation, action="conversations.send_text", args=args)
    await read(lambda: use(conversation, 100))

    await come(worker)

    assert (await again(reminder)).enabled
    said = await read(lambda: list(Message.objects.filter(content="Stretch!")))
    assert [message.state for message in said] == ["done"]


async def test_an_attempt_after_a_worker_died_says_the_same(worker, agent):
    conversation = await place()
    await worker.work()
    task = await schedule(conversation, max_attempts=3)
    await read(lambda: use(conversation, 100))
    await read(lambda: notice_all(timezone.now() + timedelta(minutes=31)))
    run = await worker.start()
    await worker.perform(run)  # and died before the end was written
    [first] = await prompts()

    lost = {"state": "pending", "lease_expires_at": None, "losses": 1}
    await read(lambda: Run.objects.filter(pk=run.pk).update(**lost))
    await come(worker)

    [prompt] = await prompts()
    assert prompt.uuid == prompt_uuid(run.pk)
    assert (prompt.state, prompt.detail) == ("failed", first.detail)
    assert prompt.detail.endswith(RESUME)
    assert (await again(task)).is_paused


async def test_on_the_next_day_it_can_be_resumed(worker, agent):
    conversation = await place()
    task = await schedule(conversation)
    await read(lambda: use(conversation, 100))
    await come(worker)
    soon = {"start_at": timezone.now() + timedelta(minutes=30, seconds=30)}
    await read(lambda: Schedule.objects.filter(pk=task.pk).update(**soon))

    await read(lambda: let_pass(days=1))
    await group_commit()(steer_tasks, TaskWish(conversation.pk, 1, Steer.RESUME))
    await come(worker)

    assert agent.asked == ["Good morning?"]
    assert (await again(task)).enabled
    assert [turns for turns, _read, _written in await used()] == [1, 1]
    assert [message.state for message in await prompts()] == ["failed", "answered"]


async def test_a_question_of_a_user_pauses_nothing(worker, agent):
    conversation = await place()
    task = await schedule(conversation, start_at=timezone.now() + timedelta(hours=5))
    await read(lambda: use(conversation, 100))

    [message] = await say("hi")
    await come(worker)

    message = await fresh(message)
    assert message.state == "failed"
    assert "paused" not in message.detail
    assert (await again(task)).enabled
