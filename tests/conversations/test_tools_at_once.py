"""Turns at once share neither numbers nor the last place; a turn tried again adds nothing."""

from __future__ import annotations

import asyncio
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.utils import timezone

from conversations.agents import Turn
from scheduling.group_commit import group_commit
from scheduling.models import Schedule
from tests.conversations.commands.carrying import command, notice, only_schedule, schedules
from tests.conversations.tooling import remind, turn_in, turn_of, use
from tests.conversations.working import close, read, receive


async def question(turn: Turn, when: str = "in 10 minutes", text: str = "stretch") -> str:
    return await use(turn, "create_scheduled_question", when=when, question=text)


async def numbers() -> list[int | None]:
    return [schedule.number for schedule in await schedules()]


# -- quotas ----------------------------------------------------------------------------------------


async def test_a_task_too_many_is_refused_whoever_sets_it_up(worker, settings):
    settings.BOTFLOW_MAX_TASKS = 2
    turn = await turn_in()
    await command(worker, "/remind in 10m stretch")
    await remind(turn, "in 1 hour")

    refused = [await remind(turn, "in 2 hours"), await question(turn, "in 2 hours")]
    await use(turn, "cancel_reminder", number=1)
    fits = await question(turn, "in 2 hours")

    full = "Error: There is room for 2 tasks only. Cancel one first: /tasks shows them."
    assert refused == [full, full]
    assert "This is task 3" in fits


async def test_a_site_may_have_no_tasks_at_all(worker, settings):
    settings.BOTFLOW_MAX_TASKS = 0

    assert await remind(await turn_in()) == "Error: No tasks can be set up here."


async def test_the_least_interval_is_a_setting(worker, settings):
    settings.BOTFLOW_MIN_TASK_INTERVAL = 7200

    told = await remind(await turn_in(), "every hour")

    assert told == "Error: That is too often: here a task may come every 7200 seconds at most."


async def test_calls_at_once_are_numbered_one_by_one_up_to_the_quota(worker, settings):
    settings.BOTFLOW_MAX_TASKS = 5
    first, second, other = await turn_in(), await turn_in(), await turn_in("another")

    told = await asyncio.gather(
        *[remind(turn, f"in {n} hours") for n in range(1, 5) for turn in (first, second, other)]
    )

    own = await read(lambda: list(Schedule.objects.filter(owner=first.conversation.owner)))
    assert sorted(schedule.number for schedule in own) == [1, 2, 3, 4, 5]
    assert sum("room for 5 tasks" in text for text in told) == 3
    assert len(await schedules()) == 9


def set_up_from_loops(turns: list[Turn]) -> list[str]:
    """Have each turn set up two tasks, in an event loop of its own; return what was told."""
    barrier, told = threading.Barrier(len(turns), timeout=10), []

    async def work(turn: Turn) -> None:
        barrier.wait()
        told.extend(await asyncio.gather(remind(turn, "in 1 hour"), remind(turn, "every day 9:00")))
        close(group_commit())

    def run(turn: Turn) -> None:
        asyncio.run(work(turn))
        connection.close()

    threads = [threading.Thread(target=run, args=(turn,)) for turn in turns]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return told


@pytest.mark.django_db(transaction=True)
def test_workers_at_once_neither_exceed_the_quota_nor_share_a_number(settings):
    settings.BOTFLOW_MAX_TASKS = 5
    messages = receive(*["remind me"] * 4)
    for message in messages:
        message.conversation.refresh_from_db()
    # Each later than what any of the others sets up: none takes another's for its own.
    later = timezone.now() + timedelta(minutes=1)

    told = set_up_from_loops([turn_of(message, said_at=later) for message in messages])

    assert len(told) == 8
    assert sorted(Schedule.objects.values_list("number", flat=True)) == [1, 2, 3, 4, 5]
    assert sum("room for 5 tasks" in text for text in told) == 3


# -- the same again --------------------------------------------------------------------------------

WHENS = ["in 10 minutes", "tomorrow 18:30", "every 2 hours", "every day 9:00", "30 9 * * 1-5"]


@pytest.mark.parametrize("when", WHENS)
@pytest.mark.parametrize("create", [remind, question])
async def test_a_turn_that_is_answered_again_finds_its_task(worker, create, when):
    turn = await turn_in()

    told = [await create(turn, when) for _ in range(2)]
    told += await asyncio.gather(*[create(turn, when) for _ in range(3)])

    assert await numbers() == [1]
    assert {text.split("\n")[0] for text in told} == {told[0].split("\n")[0]}
    assert all(text.endswith("This is task 1. To cancel it: /cancel 1") for text in told)


async def test_the_quota_does_not_refuse_what_is_there_already(worker, settings):
    settings.BOTFLOW_MAX_TASKS = 1
    turn = await turn_in()

    told = [await remind(turn) for _ in range(2)]

    assert ["This is task 1" in text for text in told] == [True, True]


async def test_what_was_due_before_the_turn_had_its_turn_is_set_up_once(worker):
    turn = replace(await turn_in(), said_at=timezone.now() - timedelta(hours=1))

    told = [await remind(turn) for _ in range(2)]

    assert await numbers() == [1]
    assert all("This is task 1" in text for text in told)


async def test_a_reminder_that_has_come_meanwhile_is_told_of_and_not_set_up_again(worker):
    turn = await turn_in()
    await remind(turn)
    await notice(worker, timezone.now() + timedelta(minutes=11))

    told = await remind(turn)

    assert "This is task 1" in told
    assert (await only_schedule()).finished_at is not None


@pytest.mark.parametrize(
    ("when", "text"),
    [("in 11 minutes", "stretch"), ("in 10 minutes", "drink"), ("9:00", "stretch")],
)
async def test_another_time_or_text_is_another_task(worker, when, text):
    turn = await turn_in()
    await remind(turn)

    await remind(turn, when, text)

    assert await numbers() == [1, 2]


async def test_a_reminder_and_a_question_of_one_text_are_two(worker):
    turn = await turn_in()

    await remind(turn)
    await question(turn)

    assert await numbers() == [1, 2]


async def test_the_same_of_another_conversation_is_another(worker):
    await remind(await turn_in(), "every day 9:00")

    assert "This is task 1" in await remind(await turn_in("another"), "every day 9:00")
    assert await numbers() == [1, 1]


async def test_what_is_said_again_later_is_set_up_again(worker):
    await remind(await turn_in(), "every day 9:00")

    await remind(await turn_in(), "every day 9:00")

    assert await numbers() == [1, 2]


async def test_a_task_cancelled_within_the_turn_may_be_set_up_again(worker):
    turn = await turn_in()
    await remind(turn, "every day 9:00")
    await use(turn, "cancel_reminder", number=1)

    told: Any = await remind(turn, "every day 9:00")

    assert "This is task 1" in told
    assert len(await schedules()) == 1
