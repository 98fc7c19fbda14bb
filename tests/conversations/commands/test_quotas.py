"""How many tasks a conversation may have and how often they may come, whoever competes."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from conversations.commands.executing import Order
from conversations.commands.parsing import Command
from conversations.finishing import finish
from conversations.models import Message
from scheduling import clock
from scheduling.claiming import Claim
from scheduling.models import Schedule
from tests.conversations.commands.carrying import command, schedules
from tests.conversations.working import receive


async def test_a_task_too_many_is_refused_and_one_more_fits_after_a_cancel(worker, settings):
    settings.BOTFLOW_MAX_TASKS = 2
    for _ in range(2):
        await command(worker, "/remind in 10m stretch")

    refused = await command(worker, "/remind in 10m stretch")
    await command(worker, "/pause 1")
    paused = await command(worker, "/remind in 10m stretch")
    await command(worker, "/cancel 1")
    fits = await command(worker, "/remind in 10m stretch")

    assert refused == "There is room for 2 tasks only. Cancel one first: /tasks shows them."
    assert paused == refused
    assert "task 3" in fits
    assert len(await schedules()) == 2


async def test_tasks_that_are_over_and_those_of_others_do_not_count(worker, settings):
    settings.BOTFLOW_MAX_TASKS = 1
    await command(worker, "/remind in 10m stretch", address="another")

    assert "task 1" in await command(worker, "/remind in 10m stretch")


async def test_a_site_may_have_no_tasks_at_all(worker, settings):
    settings.BOTFLOW_MAX_TASKS = 0

    assert await command(worker, "/remind in 10m stretch") == "No tasks can be set up here."


@pytest.mark.parametrize(
    "typed",
    [
        "every 59s drink",
        "every second drink",
        'cron "* * * * * *" drink',
        'cron "0,30 0 9 * * *" drink',
        'cron "30 59 8 * * *" drink',
        'cron "0,59 0 9 29 2 *" drink',
        "每30秒 喝水",
    ],
)
async def test_what_comes_too_often_is_refused(worker, typed):
    reply = await command(worker, f"/remind {typed}")

    is_fine = typed.startswith('cron "30 59')
    assert (len(await schedules()) == 1) == is_fine
    if not is_fine:
        assert reply == "That is too often: here a task may come every 60 seconds at most."


@pytest.mark.parametrize("typed", ["every 1m drink", 'cron "* * * * *" drink', "in 1s drink"])
async def test_what_comes_as_often_as_it_may_is_accepted(worker, typed):
    assert "task 1" in await command(worker, f"/remind {typed}")


async def test_the_least_interval_is_a_setting(worker, settings):
    settings.BOTFLOW_MIN_TASK_INTERVAL = 3600

    reply = await command(worker, '/remind cron "0,30 9 * * *" drink')

    assert "every 3600 seconds" in reply
    assert await schedules() == []


def set_up_at_once(messages: list[Message]) -> None:
    """Carry out `/remind` for each message, in threads that begin together."""
    barrier = threading.Barrier(len(messages), timeout=10)
    errors: list[BaseException] = []

    def run(message: Message) -> None:
        order = Order(
            message, Command("remind", "in 10m tea"), Claim(0, 1), clock.now(), message.seq
        )
        try:
            barrier.wait()
            with transaction.atomic():
                finish([order])
        except BaseException as error:  # noqa: BLE001  Boundary: shown to the test.
            errors.append(error)
        finally:
            connection.close()

    threads: list[Any] = [threading.Thread(target=run, args=(message,)) for message in messages]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(3))
def test_commands_at_once_neither_exceed_the_quota_nor_share_a_number(round_, settings):
    settings.BOTFLOW_MAX_TASKS = 3
    messages = receive(*["/remind in 10m tea"] * 6)

    set_up_at_once(messages)

    assert sorted(Schedule.objects.values_list("number", flat=True)) == [1, 2, 3]
    replies = Message.objects.filter(role="assistant").values_list("content", flat=True)
    assert sum("room for 3 tasks" in reply for reply in replies) == 3
