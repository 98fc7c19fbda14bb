"""Rows spoiled by hand in SQLite, which stores any text in any column, fail alone, with a reason.

PostgreSQL refuses such values; rows that make no sense there too are in test_hand_edited_rows.py.
"""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.utils import timezone

from scheduling import claiming
from scheduling.ending import rescue
from scheduling.models import Run, Schedule
from scheduling.models.lenient import Lenient
from scheduling.planning import pause, resume
from scheduling.states import RunState
from scheduling.triggers import InvalidTrigger
from tests.harness.environment import chosen_database
from tests.scheduling.parts import again, aside, store, store_running
from tests.scheduling.schedule_parts import Clock, make, notice_all, occurrences, reconcile
from tests.scheduling.workers import Register, finished, hand_over, working

pytestmark = [
    pytest.mark.skipif(chosen_database() != "sqlite", reason="PostgreSQL refuses such values"),
]

NEXT = ("next", "")
SPOILED = [
    ("args", "{not json"),
    ("args", '["no", "object"]'),
    ("every", "a while"),
    ("start_at", "yesterday"),
    ("end_at", "2026-13-45 00:00:00"),
    ("end_at", "some day"),
    ("created_at", "some day"),
    ("misfire", "whatever"),
    ("overlap", "whatever"),
    ("kind", "weekly"),
    ("max_runs", "some"),
    ("jitter_seconds", "few"),
    ("misfire_grace_seconds", "long"),
    ("timezone", "Mars/Phobos"),
    ("expression", "garbage"),
]


@contextmanager
def unchecked() -> Iterator[None]:
    """Have SQLite store what the table's constraints would refuse, as its shell can be told to."""
    with connection.cursor() as cursor:
        cursor.execute("PRAGMA ignore_check_constraints = ON")
        try:
            yield
        finally:
            cursor.execute("PRAGMA ignore_check_constraints = OFF")


def spoil(row: Lenient, **values: Any) -> None:
    """Write into a row what no program would."""
    with unchecked(), connection.cursor() as cursor:
        for column, value in values.items():
            cursor.execute(
                f"UPDATE {row._meta.db_table} SET {column} = %s WHERE id = %s", [value, row.pk]
            )


# -- schedules -------------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize(("column", "value"), SPOILED)
def test_a_spoiled_schedule_fails_alone_while_its_neighbors_run_on_time(
    clock: Clock, column: str, value: str
) -> None:
    first, bad, last = make(), make(), make()
    spoil(bad, **{column: value})

    reconcile()
    clock.forward(60)
    notice_all()

    for good in (first, last):
        assert occurrences(good) == [(60, "pending", ""), (120, *NEXT)]
    after = Schedule.objects.get(pk=bad.pk)
    assert not after.enabled
    assert after.paused_reason
    [run] = Run.objects.filter(schedule=bad)
    assert (run.state, run.error) == (RunState.FAILED, after.paused_reason)


@pytest.mark.django_db
def test_the_reason_quotes_what_cannot_be_read(clock: Clock) -> None:
    schedule = make()
    spoil(schedule, args="{not json")

    clock.forward(60)
    notice_all()

    assert "{not json" in Schedule.objects.get().paused_reason


@pytest.mark.django_db
@pytest.mark.parametrize(("column", "value"), SPOILED)
def test_reconciling_passes_a_spoiled_schedule(clock: Clock, column: str, value: str) -> None:
    first, bad, last = make(), make(), make()
    spoil(bad, **{column: value})
    Run.objects.all().delete()

    reconcile()

    assert occurrences(first) == occurrences(last) == [(60, *NEXT)]
    after = Schedule.objects.get(pk=bad.pk)
    assert not after.enabled
    assert after.paused_reason
    assert not Run.objects.filter(schedule=bad).exists()


@pytest.mark.django_db
def test_it_can_be_paused_but_not_resumed_before_it_is_mended(clock: Clock) -> None:
    schedule = make()
    spoil(schedule, args="{not json")

    assert pause(schedule, now=clock.moment, by="ann")
    with pytest.raises(InvalidTrigger, match=r"\{not json"):
        resume(schedule, now=clock.moment)
    mended = Schedule.objects.get()
    mended.args = {}
    mended.save()

    assert resume(schedule, now=clock.moment)
    assert occurrences(schedule) == [(60, *NEXT)]


@pytest.mark.django_db
def test_it_can_be_deleted(clock: Clock) -> None:
    schedule = make()
    spoil(schedule, args="{not json", created_at="some day")

    Schedule.objects.all().delete()

    assert not Schedule.objects.exists()
    assert not Run.objects.exists()


# -- next occurrences ------------------------------------------------------------------------------


@pytest.mark.django_db
@pytest.mark.parametrize("moment", ["0 o'clock", "tomorrow"])
def test_a_next_occurrence_at_no_moment_fails_and_the_schedule_goes_on(
    clock: Clock, moment: str
) -> None:
    good, bad = make(), make()
    head = bad.next_run
    assert head is not None
    spoil(head, fire_at=moment)

    clock.forward(60)
    notice_all()
    reconcile()

    assert occurrences(good) == [(60, "pending", ""), (120, *NEXT)]
    assert occurrences(bad) == [(60, "failed", ""), (120, *NEXT)]
    assert f"fire_at = {moment}" in again(head).error
    assert Schedule.objects.get(pk=bad.pk).enabled


@pytest.mark.django_db
@pytest.mark.parametrize("column", ["not_before", "args", "max_attempts"])
def test_what_is_spoiled_of_a_next_occurrence_alone_is_written_anew(
    clock: Clock, column: str
) -> None:
    schedule = make()
    head = schedule.next_run
    assert head is not None
    spoil(head, **{column: "some day"})

    reconcile()

    assert occurrences(schedule) == [(60, *NEXT)]
    after = again(head)
    assert getattr(after, column) == getattr(head, column)
    assert after.due_at == head.due_at


@pytest.mark.django_db
def test_the_nearest_moment_is_unknown_where_it_is_none(clock: Clock) -> None:
    spoil(store(), fire_at="tomorrow")

    assert claiming.nearest_due_at(now=clock.moment) is None


# -- lists and single rows -------------------------------------------------------------------------


@pytest.mark.django_db
def test_a_query_returns_every_row_once_in_its_order(clock: Clock) -> None:
    schedules = [make(name=f"{n}") for n in range(5)]
    spoil(schedules[2], every="a while", at="2026-13-45 00:00:00")

    rows = Schedule.objects.order_by("-name").with_next_fire_at()[:4]

    assert [row.name for row in rows] == ["4", "3", "2", "1"]
    assert len({row.next_fire_at for row in rows}) == 1
    bad = rows[2]
    assert (bad.every, bad.at) == (None, None)
    assert bad.unreadable == {"every": "a while", "at": "2026-13-45 00:00:00"}
    assert not rows[1].unreadable
    assert Schedule.objects.in_bulk()[bad.pk].unreadable


@pytest.mark.django_db
def test_a_list_shows_a_schedule_whose_next_fire_time_is_none(clock: Clock) -> None:
    good, bad = make(), make()
    head = bad.next_run
    assert head is not None
    spoil(head, fire_at="tomorrow")

    rows = {row.pk: row.next_fire_at for row in Schedule.objects.with_next_fire_at()}

    assert rows[good.pk] is not None
    assert rows[bad.pk] is None


@pytest.mark.django_db
def test_the_admin_lists_runs_that_cannot_be_read(client: Client) -> None:
    run = store()
    spoil(run, args="{not json", finished_at="2026-13-45 00:00:00")
    user = get_user_model().objects.create_superuser("root", password="root")
    client.force_login(user)

    response = client.get("/admin/scheduling/run/")

    assert response.status_code == 200
    assert f"#{run.pk}" in response.content.decode()


@pytest.mark.django_db
def test_a_lost_run_that_cannot_be_read_is_rescued(clock: Clock) -> None:
    run = store_running(max_attempts=3)
    spoil(run, args="{not json")

    rescue(now=clock.moment)

    assert again(run).state == RunState.PENDING


# -- the worker ------------------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("args", "{not json"),
        ("args", "[1, 2]"),
        ("fire_at", "0 o'clock"),
        ("created_at", "some day"),
        ("timeout_seconds", "long"),
    ],
)
async def test_a_run_that_cannot_be_read_fails_with_its_reason_and_others_succeed(
    register: Register, column: str, value: str
) -> None:
    async def fine(run: Run) -> None: ...

    name = register(fine)
    runs = [await aside(lambda: store(action=name)) for _ in range(5)]
    await aside(lambda: spoil(runs[2], **{column: value}))

    async with working() as worker:
        await hand_over(worker)
        ended = await finished(*runs)

    assert [run.state for run in ended] == ["succeeded"] * 2 + ["failed"] + ["succeeded"] * 2
    assert ended[2].error


@pytest.mark.django_db(transaction=True)
async def test_the_end_of_a_bad_run_is_the_end_of_it(register: Register) -> None:
    async def fine(run: Run) -> None: ...

    run = await aside(lambda: store(action=register(fine)))
    await aside(lambda: spoil(run, args="{not json"))

    async with working() as worker:
        await hand_over(worker)
        await finished(run)
        await hand_over(worker)
        await asyncio.sleep(0)

    after = await aside(again, run)
    assert after.state == RunState.FAILED
    assert "arguments must be an object" in after.error
    assert after.finished_at is not None
    assert after.finished_at <= timezone.now()
