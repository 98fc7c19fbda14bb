"""`/tasks` lists what is not over; `/cancel`, `/pause`, `/resume` touch the speaker's own only."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from scheduling import planning
from scheduling.models import Run, Schedule
from tests.conversations.commands.carrying import command, notice, only_schedule, schedules
from tests.conversations.working import MiniWorker, read


@pytest.fixture
async def three(worker: MiniWorker) -> MiniWorker:
    """Three tasks: 1 in two hours, 2 every day, 3 in an hour; and another user's, also number 1."""
    await command(worker, "/remind in 2h stretch")
    await command(worker, "/remind every 30h drink")
    await command(worker, "/remind in 1h tea")
    await command(worker, "/remind in 1h secret", address="another")
    return worker


async def own() -> dict[int | None, Schedule]:
    found = [s for s in await schedules() if s.name != "secret"]
    assert len(await schedules()) == len(found) + 1, "The other user's task was touched."
    return {schedule.number: schedule for schedule in found}


async def test_tasks_are_listed_the_next_one_first(three):
    reply = await command(three, "/tasks")

    lines = [line for line in reply.split("\n") if line.startswith("- ")]
    assert [line[:9] for line in lines] == ["- #3 tea ", "- #1 stre", "- #2 drin"]
    assert " · Every 1 day 6 hours · next: " in lines[2]
    assert lines[0].endswith(("(in 1 hour)", " s)"))


async def test_a_paused_task_is_listed_with_the_reason_and_a_finished_one_is_not(three):
    paused = (await own())[2]
    now = timezone.now()
    await read(lambda: planning.pause(paused, now=now, reason="It failed 10 times in a row."))
    await notice(three, timezone.now() + timedelta(minutes=61))

    reply = await command(three, "/tasks")

    assert "#3" not in reply
    assert "paused: It failed 10 times in a row." in reply


async def test_without_tasks_the_list_says_how_to_set_one_up(worker):
    assert "/remind in 10m stretch" in await command(worker, "/tasks")


@pytest.mark.parametrize("typed", ["/cancel 1", "/取消 1", "／cancel １", "/cancel #1", "/取消1"])
async def test_a_cancelled_task_is_gone(three, typed):
    reply = await command(three, typed)

    assert reply in ("Task 1 is cancelled: stretch.", "任务 1 已取消：stretch。")
    assert set(await own()) == {2, 3}


@pytest.mark.parametrize(
    "typed", ["/cancel 1 2", "/cancel 1,2", "/取消 １、２", "/cancel #2 and 1 1"]
)
async def test_several_tasks_are_cancelled_at_once(three, typed):
    reply = await command(three, typed)

    english = ["Task 1 is cancelled: stretch.", "Task 2 is cancelled: drink."]
    chinese = ["任务 1 已取消：stretch。", "任务 2 已取消：drink。"]
    assert sorted(reply.split("\n")) in (english, chinese)
    assert set(await own()) == {3}


@pytest.mark.parametrize("typed", ["/cancel all", "/取消 全部", "/cancel ALL!"])
async def test_all_tasks_are_cancelled_and_counted(three, typed):
    assert await command(three, typed) in ("Cancelled 3 tasks.", "已取消 3 个任务。")
    assert await own() == {}
    assert await command(three, typed) in ("Cancelled 0 tasks.", "已取消 0 个任务。")


async def test_what_a_cancelled_task_did_stays_on_record(three):
    await command(three, "/cancel 1")

    runs = await read(lambda: list(Run.objects.filter(title="stretch")))
    assert [run for run in runs if run.is_next] == []


async def test_an_occurrence_that_waits_for_the_command_is_withdrawn(three):
    """It was due while `/cancel` was being answered, so it never began."""

    def due() -> None:
        Run.objects.filter(title="tea").update(is_next=False)

    await read(due)
    await command(three, "/cancel 3")
    await three.work()

    [run] = await read(lambda: list(Run.objects.filter(title="tea")))
    assert run.state == "cancelled"


async def test_a_paused_task_does_not_come_and_a_resumed_one_does(three):
    paused = await command(three, "/pause 2")
    again = await command(three, "/pause 2")
    is_enabled = (await own())[2].enabled

    resumed = await command(three, "/resume 2")
    running = await command(three, "/继续 2")

    assert paused == "Task 2 is paused: drink. To go on: /resume 2"
    assert again == "Task 2 is paused already: drink."
    assert is_enabled is False
    assert resumed.startswith("Task 2 goes on: drink. next: ")
    assert running.startswith("任务 2 没有暂停：drink。")
    assert (await own())[2].enabled is True


async def test_all_tasks_are_paused_and_resumed(three):
    assert await command(three, "/pause all") == "Paused 3 tasks."
    assert await command(three, "/pause all") == "Paused 0 tasks."
    assert await command(three, "/resume all") == "Resumed 3 tasks."


async def test_a_task_whose_time_passed_while_it_was_paused_is_over(worker):
    await command(worker, "/remind in 10m stretch")
    await command(worker, "/pause 1")
    past = timezone.now() - timedelta(minutes=1)
    await read(lambda: Schedule.objects.update(at=past))

    reply = await command(worker, "/resume 1")

    assert reply == "Task 1 is over: its time passed while it was paused. (stretch)"
    assert (await only_schedule()).finished_at is not None


async def test_a_task_that_cannot_go_on_says_why(worker):
    await command(worker, "/remind daily 9:00 stretch")
    await command(worker, "/pause 1")
    await read(lambda: Schedule.objects.update(expression="x x x x x"))

    reply = await command(worker, "/resume 1")

    assert reply.startswith("Task 1 cannot go on: ")
    assert (await only_schedule()).is_paused


@pytest.mark.parametrize("typed", ["/cancel 7", "/pause 7", "/resume 7 8"])
async def test_an_unknown_number_is_answered_with_those_there_are(three, typed):
    reply = await command(three, typed)

    assert reply.startswith("There is no task 7")
    assert reply.endswith("There are: 3, 1, 2.")
    assert len(await own()) == 3


@pytest.mark.parametrize("typed", ["/cancel", "/cancel tea", "/pause 1 tea", "/resume"])
async def test_without_a_number_the_command_asks_which_task(three, typed):
    reply = await command(three, typed)

    assert reply.startswith("Which task?")
    assert "#1 stretch" in reply
    assert all(schedule.enabled for schedule in (await own()).values())


async def test_a_user_without_tasks_cannot_touch_those_of_others(three):
    for typed in ("/cancel 1", "/cancel all", "/pause 1", "/tasks"):
        reply = await command(three, typed, address="a third")
        assert "#" not in reply
        assert "secret" not in reply

    assert len(await own()) == 3


async def test_a_text_with_a_percent_sign_does_no_harm(worker):
    await command(worker, "/remind every 2h drink 100% %(x)s %d")

    for typed in ("/tasks", "/pause 1", "/resume 1", "/resume 1", "/cancel 1"):
        assert "100% %(x)s %d" in await command(worker, typed)


async def test_the_chinese_replies_name_the_chinese_commands(worker):
    chinese: dict[str, Any] = {"locale": "zh-hans"}
    assert "/提醒" in await command(worker, "/任务", **chinese)
    await command(worker, "/提醒 每2小时 喝水", **chinese)

    assert "#1 喝水 · 每 2 小时 · 下次：" in await command(worker, "/任务", **chinese)
    assert "/恢复 1" in await command(worker, "/暂停 1", **chinese)
    assert "/取消 1" in await command(worker, "/取消", **chinese)
    assert await command(worker, "/取消 全部", **chinese) == "已取消 1 个任务。"
