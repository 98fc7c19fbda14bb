"""`/remind` stores a schedule, tells what it understood, and says its text when the time comes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from conversations.commands import executing, reminding
from conversations.models import Message
from conversations.steering import Steering, retry_answers
from scheduling.group_commit import group_commit
from scheduling.models import Run, Schedule
from tests.conversations.commands.carrying import (
    answer_to,
    command,
    is_near,
    notice,
    only_schedule,
    schedules,
)
from tests.conversations.working import read, say

SHANGHAI = {"timezone": "Asia/Shanghai"}


async def texts() -> list[str]:
    rows = Message.objects.filter(reply_to=None, role="assistant").order_by("pk")
    return await read(lambda: list(rows.values_list("content", flat=True)))


async def test_a_reminder_says_its_text_once_its_time_has_come(worker):
    await command(worker, "/remind in 10m stretch")
    assert await texts() == []

    await notice(worker, timezone.now() + timedelta(minutes=10, seconds=1))

    assert await texts() == ["stretch"]
    assert (await only_schedule()).finished_at is not None


async def test_a_reminder_comes_late_rather_than_never(worker):
    await command(worker, "/remind in 10m stretch")

    await notice(worker, timezone.now() + timedelta(days=30))

    assert await texts() == ["stretch"]


async def test_a_repeated_reminder_that_was_missed_for_days_is_said_once(worker):
    await command(worker, "/remind every 2h drink")
    schedule = await only_schedule()
    begun = schedule.start_at - timedelta(days=3)
    await read(lambda: Schedule.objects.update(start_at=begun))
    await read(lambda: Run.objects.next_occurrences().update(fire_at=begun))

    await notice(worker, timezone.now())

    assert await texts() == ["drink"]
    assert (await only_schedule()).enabled


async def test_the_agent_is_not_asked_when_a_command_is_said(worker, use_agent):
    turns = []
    use_agent(lambda turn: turns.append(turn) or "answered by the agent")

    reply = await command(worker, "/remind in 10m stretch")

    assert turns == []
    assert "by the agent" not in reply


async def test_a_slash_that_is_no_command_is_for_the_agent(worker):
    assert await command(worker, "/usr/bin is full") == "/usr/bin is full"


async def test_the_reply_says_what_was_understood(worker):
    reply = await command(worker, "/remind every weekday at 9 stand-up", **SHANGHAI)

    lines = reply.split("\n")
    assert lines[0] == "I will remind you: stand-up"
    assert lines[2] == "At 09:00, Monday to Friday (Asia/Shanghai)"
    assert len([line for line in lines if line.startswith("- ")]) == 3
    assert all("day, " in line and "at 09:00 (in " in line for line in lines[3:6])
    assert lines[-1] == "This is task 1. To cancel it: /cancel 1"


async def test_a_single_reminder_tells_its_one_moment_and_how_soon_it_is(worker):
    reply = await command(worker, "/remind in 3h stretch")

    [moment] = [line for line in reply.split("\n") if line.startswith("- ")]
    assert moment.endswith(("(in 3 hours)", "(in 2 h 59 min)"))


async def test_a_chinese_conversation_is_answered_in_chinese(worker):
    reply = await command(worker, "/提醒 每天9:00 喝水", locale="zh-hans", **SHANGHAI)

    assert "我会提醒你：喝水" in reply
    assert "每天 09:00（Asia/Shanghai）" in reply
    assert "星期" in reply
    assert "/取消 1" in reply


async def test_times_are_those_of_the_speaker(worker):
    await command(worker, "/remind tomorrow at 18:30 call Ann", **SHANGHAI)

    schedule = await only_schedule()
    tomorrow = datetime.now(ZoneInfo("Asia/Shanghai")).date() + timedelta(days=1)
    assert schedule.at is not None
    assert schedule.at.astimezone(UTC).strftime("%H:%M") == "10:30"
    assert schedule.at.astimezone(ZoneInfo("Asia/Shanghai")).date() == tomorrow
    assert schedule.timezone == "Asia/Shanghai"


async def test_times_are_those_of_the_site_where_the_speaker_has_told_none(worker, settings):
    settings.TIME_ZONE = "America/New_York"

    reply = await command(worker, "/remind daily 9:00 stretch")

    assert "(America/New_York)" in reply
    assert (await only_schedule()).timezone == "America/New_York"


async def test_a_wait_counts_from_when_it_was_said(worker):
    [message] = await say("/remind in 10m stretch")
    said_at = timezone.now() - timedelta(minutes=4)
    await read(lambda: Run.objects.update(created_at=said_at))

    await answer_to(worker, message)

    assert is_near((await only_schedule()).at, said_at + timedelta(minutes=10))


async def test_what_was_due_before_the_command_had_its_turn_is_said_at_once(worker):
    [message] = await say("/remind in 10m stretch")
    await read(lambda: Run.objects.update(created_at=timezone.now() - timedelta(hours=1)))

    await answer_to(worker, message)
    assert is_near((await only_schedule()).at, timezone.now() + reminding.SOON)
    await notice(worker, timezone.now() + timedelta(seconds=2))

    assert await texts() == ["stretch"]


@pytest.mark.parametrize(
    ("typed", "part"),
    [
        ("/remind", "When, and of what"),
        ("/remind sometime stretch", "I do not understand the time"),
        ("/remind in 10m", "Of what should I remind you"),
        ('/remind cron "0 0 31 2 *" never', "does not work"),
    ],
)
async def test_what_is_unclear_is_asked_back_with_examples(worker, typed, part):
    reply = await command(worker, typed)

    assert part in reply
    assert "in 10m stretch" in reply or "after the time" in reply
    assert await schedules() == []


async def test_a_text_as_long_as_a_message_may_be_is_said_whole(worker, settings):
    text = "x" * (settings.BOTFLOW_MAX_MESSAGE_LENGTH - len("/提醒1秒后"))

    reply = await command(worker, f"/提醒1秒后{text}")
    await notice(worker, timezone.now() + timedelta(seconds=2))

    assert len(reply) < 400
    assert await texts() == [text]


async def test_a_text_without_a_printable_character_has_a_name_all_the_same(worker):
    await command(worker, "/remind in 10m \u200d\u2060")

    assert (await only_schedule()).name == "…"


async def test_numbers_go_on_from_the_last_task_even_when_earlier_ones_are_over(worker):
    for _ in range(2):
        await command(worker, "/remind in 10m stretch")
    await notice(worker, timezone.now() + timedelta(minutes=11))
    await command(worker, "/remind in 10m stretch", address="another")

    assert "task 3" in await command(worker, "/remind in 10m stretch")


async def test_a_command_that_was_carried_out_is_not_carried_out_again(worker):
    [message] = await say("/remind in 10m stretch")
    await answer_to(worker, message)

    wish = Steering(message.conversation_id, message.uuid)
    frames = await group_commit()(retry_answers, wish)
    await worker.work()

    assert [frame.settles for frame in frames if frame.settles] == [str(message.uuid)]
    assert len(await schedules()) == 1


async def test_an_unexpected_failure_is_a_sentence_and_leaves_no_task(worker, monkeypatch, caplog):
    def fail(*arguments: object, **more: object) -> str:
        raise RuntimeError("secret inner reason")

    monkeypatch.setattr(reminding, "_understood", fail)

    reply = await command(worker, "/remind in 10m stretch")

    assert reply == "Something went wrong while answering. Please try again."
    assert "secret inner reason" in caplog.text
    assert await schedules() == []


async def test_a_definition_that_is_refused_is_answered_with_the_reason(worker, monkeypatch):
    monkeypatch.setattr(reminding, "SEND_TEXT", "no.such.action")

    reply = await command(worker, "/remind in 10m stretch")

    assert "There is no such action" in reply


async def test_readers_are_shown_their_tasks_after_a_reminder_was_set_up_and_said(worker, web):
    await command(worker, "/remind in 10m stretch")
    await notice(worker, timezone.now() + timedelta(minutes=11))

    shown = [[task["text"] for task in frame["tasks"]] for frame in web.of_type("tasks")]
    assert shown == [["stretch"], []]


async def test_a_prompt_is_no_command(worker, monkeypatch):
    prompt = Message(role=Message.Role.SYSTEM, content="/remind in 10m stretch")

    assert executing.command_of(prompt) is None


async def test_a_schedule_of_a_conversation_names_its_owner_and_number(worker):
    [message] = await say("/remind every 2h drink")
    await answer_to(worker, message)

    schedule = await only_schedule()
    assert (schedule.owner, schedule.number) == (message.conversation.owner, 1)
    assert schedule.args == {
        "conversation": str(message.conversation.uuid),
        "text": "drink",
    }
    assert schedule.kind == Schedule.Kind.INTERVAL
