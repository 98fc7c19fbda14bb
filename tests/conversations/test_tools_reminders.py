"""An assistant sets up, lists and steers the tasks of its conversation, as commands do."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from conversations.models import Message
from conversations.tools import clock_tools
from scheduling.models import Schedule
from tests.conversations.commands.carrying import (
    command,
    is_near,
    notice,
    only_schedule,
    schedules,
)
from tests.conversations.tooling import CHINESE, SHANGHAI, remind, turn_in, use
from tests.conversations.working import read


async def said_unasked() -> list[str]:
    rows = Message.objects.filter(reply_to=None, role="assistant").order_by("pk")
    return await read(lambda: list(rows.values_list("content", flat=True)))


def without_distances(text: str) -> str:
    return re.sub(r"\(in [^)]*\)", "", text)


# -- creating --------------------------------------------------------------------------------------


async def test_a_reminder_is_told_of_like_one_that_was_typed_and_comes(worker):
    turn = await turn_in(**SHANGHAI)

    told = await remind(turn, "every weekday at 9", "stand-up")
    typed = await command(worker, "/remind every weekday at 9 stand-up", **SHANGHAI)

    assert without_distances(told) == without_distances(
        typed.replace("task 2", "task 1").replace("/cancel 2", "/cancel 1")
    )
    assert told.startswith("I will remind you: stand-up\n\nAt 09:00, Monday to Friday")
    assert len([line for line in told.split("\n") if line.startswith("- ")]) == 3
    assert told.endswith("This is task 1. To cancel it: /cancel 1")


async def test_its_text_is_said_once_its_time_has_come(worker):
    await remind(await turn_in())
    await worker.work()

    await notice(worker, timezone.now() + timedelta(minutes=10, seconds=1))

    assert await said_unasked() == ["stretch"]


async def test_in_chinese_from_the_tool_to_the_command(worker):
    turn = await turn_in(**CHINESE)

    told = await remind(turn, "每天早上9点", "喝水")
    listed = await command(worker, "/tasks", **CHINESE)

    times = [line for line in told.split("\n") if line.startswith("- ")]
    assert told.startswith("我会提醒你：喝水\n\n每天 09:00（Asia/Shanghai）")
    assert len(times) == 3
    assert all("星期" in line and "09:00" in line for line in times)
    assert "喝水" in listed
    schedule = await only_schedule()
    assert (schedule.expression, schedule.timezone) == ("0 9 * * *", "Asia/Shanghai")
    assert (schedule.owner, schedule.number) == (turn.conversation.owner, 1)
    assert schedule.args == {"conversation": str(turn.conversation.uuid), "text": "喝水"}


async def test_english_words_are_understood_in_a_chinese_conversation(worker):
    told = await remind(await turn_in(**CHINESE), "every day 9:00", "喝水")

    assert "每天 09:00（Asia/Shanghai）" in told


async def test_a_wait_counts_from_when_it_was_said(worker):
    said_at = timezone.now() - timedelta(minutes=4)
    turn = replace(await turn_in(), said_at=said_at)

    await remind(turn, "in 10 minutes")

    assert is_near((await only_schedule()).at, said_at + timedelta(minutes=10))


async def test_a_question_is_put_to_the_assistant_when_its_time_has_come(worker, use_agent):
    use_agent(lambda turn: f"asked by a schedule: {turn.text}")
    turn = await turn_in()
    await worker.work()

    told = await use(
        turn, "create_scheduled_question", when="in 10 minutes", question="What is new?"
    )
    await notice(worker, timezone.now() + timedelta(minutes=10, seconds=1))

    assert told.startswith("The assistant will be asked then: What is new?")
    assert (await only_schedule()).action == "conversations.ask"
    answer = await read(Message.objects.filter(role="assistant").order_by("-pk").first)
    assert answer and answer.content == "asked by a schedule: What is new?"


@pytest.mark.parametrize(
    ("when", "text", "part"),
    [
        ("soon", "stretch", "I do not understand the time in “soon”."),
        ("tomorrow", "stretch", "At what time of day? “tomorrow” does not say."),
        ("every day 9:00 stretch", "stretch", "Say the time alone; there is more: “stretch”."),
        ("every 59s", "stretch", "here a task may come every 60 seconds at most."),
        ("* * * * * *", "stretch", "That is too often"),
        ("2020-01-01 9:00", "stretch", "That is in the past"),
        ("every day 9:00" + " " * 200, "stretch", "A time may have 200 characters at most."),
        ("in 10 minutes", "", "The text is empty."),
        ("in 10 minutes", " \n\0\ud800", "The text is empty."),
        ("in 10 minutes", "x" * 20_001, "The text may have 20000 characters; this one has 20001."),
    ],
)
@pytest.mark.parametrize("tool", ["create_reminder", "create_scheduled_question"])
async def test_what_is_refused_is_told_and_sets_up_nothing(worker, tool, when, text, part):
    named = {"question" if tool.endswith("question") else "text": text}

    told = await use(await turn_in(), tool, when=when, **named)

    assert told.startswith("Error: ")
    assert part in told
    assert "stretch”, “tomorrow" not in told
    assert await schedules() == []


async def test_refusals_are_in_the_language_of_the_conversation(worker):
    told = await remind(await turn_in(**CHINESE), "明天")

    assert told == "Error: 几点？“明天”没有说明时间。"


async def test_a_text_as_long_as_a_message_may_be_is_said_whole(worker, settings):
    settings.BOTFLOW_MAX_MESSAGE_LENGTH = 5000

    told = await remind(await turn_in(), text="x" * 5000)
    refused = await remind(await turn_in(), text="x" * 5001)

    assert "This is task 1" in told
    assert "The text may have 5000 characters" in refused
    assert (await only_schedule()).args["text"] == "x" * 5000


# -- steering --------------------------------------------------------------------------------------


async def test_tasks_are_listed_paused_resumed_and_cancelled(worker):
    turn = await turn_in()
    empty = await use(turn, "list_reminders")
    await remind(turn, "every day 9:00", "drink")
    await command(worker, "/remind in 10m stretch")

    listed = await use(turn, "list_reminders")
    paused = await use(turn, "pause_reminder", number=1)
    again = await use(turn, "pause_reminder", number=1)
    shown = await use(turn, "list_reminders")
    resumed = await use(turn, "resume_reminder", number="1")
    cancelled = await use(turn, "cancel_reminder", number=2)

    assert empty.startswith("You have no tasks.")
    assert "#1 drink" in listed
    assert "#2 stretch" in listed
    assert paused == "Task 1 is paused: drink. To go on: /resume 1"
    assert again == "Task 1 is paused already: drink."
    assert "paused" in shown
    assert resumed.startswith("Task 1 goes on: drink. next: ")
    assert cancelled == "Task 2 is cancelled: stretch."
    assert (await only_schedule()).enabled


async def test_tasks_are_steered_in_chinese(worker):
    turn = await turn_in(**CHINESE)
    await remind(turn, "每天9点", "喝水")

    told = [
        await use(turn, name, number=1)
        for name in ("pause_reminder", "resume_reminder", "cancel_reminder")
    ]

    assert all("喝水" in text and "任务" in text for text in told)
    assert not any("Task" in text for text in told)
    assert await schedules() == []


async def test_a_number_there_is_no_task_of_is_told_with_those_there_are(worker):
    turn = await turn_in()
    await remind(turn)

    assert await use(turn, "cancel_reminder", number=7) == "There is no task 7. There are: 1."
    assert len(await schedules()) == 1


async def test_a_paused_task_notes_who_spoke(worker):
    turn = await turn_in(participant="visitor:1")
    await remind(turn, "every day 9:00")

    await use(turn, "pause_reminder", number=1)

    assert (await only_schedule()).paused_by == "visitor:1"


# -- readers ---------------------------------------------------------------------------------------


async def test_readers_are_shown_their_tasks_after_each_change(worker, web):
    turn = await turn_in()

    await remind(turn, "every day 9:00", "drink")
    await use(turn, "pause_reminder", number=1)
    await use(turn, "list_reminders")
    await use(turn, "cancel_reminder", number=1)
    await remind(turn, "soon")

    shown = [[(t["text"], t["state"]) for t in frame["tasks"]] for frame in web.of_type("tasks")]
    assert shown == [[("drink", "enabled")], [("drink", "paused")], []]


async def test_readers_who_cannot_be_shown_them_change_nothing(worker, web, monkeypatch, caplog):
    async def fail(*arguments: object) -> None:
        raise ConnectionError

    monkeypatch.setattr(web, "show", fail)

    assert "This is task 1" in await remind(await turn_in())
    assert "could not be shown" in caplog.text


async def test_a_channel_that_shows_no_frames_is_shown_none(worker, post):
    told = await remind(await turn_in(channel="post"))

    assert "This is task 1" in told


async def test_an_erased_conversation_has_no_tasks(worker):
    turn = await turn_in()
    await read(lambda: turn.conversation.__class__.objects.all().delete())

    gone = "Error: There is no such conversation, or it was erased."
    assert await remind(turn) == gone
    assert await use(turn, "list_reminders") == gone
    assert await read(Schedule.objects.count) == 0


# -- the time --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("more", "parts"),
    [
        ({}, ["Wednesday, 25 November 2026 at 02:03:04", "UTC+00:00"]),
        (SHANGHAI, ["Wednesday, 25 November 2026 at 10:03:04", "Asia/Shanghai", "UTC+08:00"]),
        (CHINESE, ["星期三", "2026", "10:03:04", "Asia/Shanghai", "UTC+08:00"]),
        ({"timezone": "America/St_Johns"}, ["Tuesday, 24 November", "22:33:04", "UTC-03:30"]),
    ],
)
async def test_the_time_is_told_where_the_user_is(worker, monkeypatch, more, parts):
    now = datetime(2026, 11, 25, 2, 3, 4, 5, tzinfo=UTC)
    monkeypatch.setattr(clock_tools.clock, "reckon", lambda: now)

    told = await use(await turn_in(**more), "current_time")

    assert [part for part in parts if part not in told] == []
