"""The history of a schedule: its newest runs are kept, and it goes when nothing is left of it."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection

from scheduling import actions, retention
from scheduling.models import Run, Schedule
from scheduling.planning import pause
from scheduling.retention import prune
from scheduling.states import RunState
from tests.scheduling.parts import store, store_many
from tests.scheduling.schedule_parts import NOON, Clock, make, notice_all

pytestmark = pytest.mark.django_db

NOW = NOON + timedelta(days=100)


@pytest.fixture(autouse=True)
def kept(settings: Any) -> None:
    settings.BOTFLOW_RETENTION_DAYS = 30
    settings.BOTFLOW_SCHEDULE_HISTORY = 5


def fill(schedule: Schedule, count: int, **fields: Any) -> None:
    """Give a schedule a history, the newest run an hour old."""
    for n in range(count):
        moment = NOW - timedelta(hours=count - n)
        done = {"state": RunState.SUCCEEDED, "fire_at": moment, "finished_at": moment}
        store(schedule=schedule, **done | fields)


def hours(schedule: Schedule) -> list[int]:
    """Return how many hours ago each finished run was due."""
    runs = Run.objects.finished().filter(schedule=schedule).order_by("fire_at")
    return [round((NOW - run.fire_at).total_seconds() / 3600) for run in runs]


def test_the_newest_runs_of_each_schedule_are_kept(
    clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    long, short = make(), make()
    fill(long, 20)
    fill(short, 4)
    alone = store_many(10, state=RunState.SUCCEEDED, finished_at=NOW)

    assert prune(now=NOW) == 15

    assert hours(long) == [5, 4, 3, 2, 1]
    assert hours(short) == [4, 3, 2, 1]
    assert Run.objects.filter(schedule=None).count() == len(alone)


def test_what_has_not_ended_is_kept_and_does_not_count(clock: Clock) -> None:
    schedule = make(overlap="allow")
    clock.forward(60)
    notice_all()
    fill(schedule, 7)

    assert prune(now=NOW) == 2

    assert hours(schedule) == [5, 4, 3, 2, 1]
    assert Run.objects.unfinished().count() == 1
    assert schedule.next_run


def test_zero_keeps_the_whole_history(clock: Clock, settings: Any) -> None:
    settings.BOTFLOW_SCHEDULE_HISTORY = 0
    schedule = make()
    fill(schedule, 20)

    assert prune(now=NOW) == 0


def test_a_schedule_that_finished_long_ago_goes_with_its_last_run(clock: Clock) -> None:
    once = {"kind": "once", "at": NOON + timedelta(seconds=1)}
    without, with_run, paused, enabled = make(**once), make(**once), make(**once), make()
    pause(paused, now=clock.moment)
    clock.forward(1)
    notice_all()
    Run.objects.filter(schedule=without).delete()
    Run.objects.filter(schedule=with_run).update(state=RunState.FAILED, finished_at=NOW)
    Run.objects.filter(schedule=paused).delete()

    prune(now=NOW)

    assert set(Schedule.objects.all()) == {with_run, paused, enabled}


def test_one_that_finished_lately_is_kept(clock: Clock) -> None:
    schedule = make(kind="once", at=NOON + timedelta(seconds=1))
    clock.forward(1)
    notice_all()
    Run.objects.all().delete()

    prune(now=NOON + timedelta(days=29))

    assert Schedule.objects.get() == schedule


def test_long_histories_are_found_in_the_index_alone(clock: Clock) -> None:
    schedules = [make() for _ in range(20)]
    for n, schedule in enumerate(schedules):
        runs = [
            Run(
                schedule=schedule,
                action="tests.nothing",
                state=RunState.SUCCEEDED,
                fire_at=NOW - timedelta(minutes=k),
                finished_at=NOW,
            )
            for k in range(1000 if n == 0 else 10)
        ]
        Run.objects.bulk_create(runs)
    if connection.vendor == "sqlite":
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN QUERY PLAN {retention._LONG}", [5])
            plan = " ".join(str(row[-1]) for row in cursor.fetchall())
        assert "USING COVERING INDEX run_occurrence" in plan

    began = time.monotonic()
    deleted = prune(now=NOW)

    assert deleted == 995 + 19 * 5
    assert time.monotonic() - began < 5


# -- the action ------------------------------------------------------------------------------------


def test_old_rows_can_be_pruned_by_a_schedule_of_ones_own(clock: Clock) -> None:
    clock.moment = NOW
    for days in (1, 6, 8, 20):
        store(state=RunState.FAILED, finished_at=NOW - timedelta(days=days))
    run = store()

    result = actions.get_action("scheduling.prune").function(run, days=7)

    assert result == {"deleted": 2}
    assert Run.objects.count() == 3


@pytest.mark.parametrize("args", [{}, {"days": 0}, {"days": "soon"}, {"days": 10**9}])
def test_the_days_are_checked_when_it_is_set_up(clock: Clock, args: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as caught:
        make(action="scheduling.prune", args=args)

    assert caught.value.message_dict["args"][0].startswith("Days: ")
