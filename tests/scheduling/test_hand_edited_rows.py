"""Rows written past the models, in SQL or in bulk: what makes sense is followed, the rest fails."""

from datetime import timedelta
from typing import Any

import pytest

from scheduling.models import Run, Schedule
from scheduling.reconciling import Reconciler
from scheduling.states import RunState
from tests.scheduling.schedule_parts import (
    NOON,
    Clock,
    make,
    notice_all,
    occurrences,
    reconcile,
)

pytestmark = pytest.mark.django_db

PAST, NEXT = ("pending", ""), ("next", "")


def write(schedule: Schedule, **values: Any) -> None:
    Schedule.objects.filter(pk=schedule.pk).update(**values)


@pytest.fixture(autouse=True)
def in_small_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOOKED_THROUGH", "RECOMPUTED", "PLANNED"):
        monkeypatch.setattr(f"scheduling.reconciling.{name}", 2)


@pytest.fixture
def watching(clock: Clock) -> Reconciler:
    """A reconciler that has begun before the test, and recomputes nothing any more."""
    reconciler = Reconciler()
    reconcile(reconciler)
    return reconciler


def test_one_disabled_in_sql_does_not_run_and_its_occurrence_says_why(
    clock: Clock, watching: Reconciler
) -> None:
    schedule = make()
    write(schedule, enabled=False)

    clock.forward(60)
    notice_all()
    reconcile(watching)

    assert occurrences(schedule) == [(60, "skipped", "paused")]
    assert Schedule.objects.paused().exists()


def test_one_enabled_in_sql_goes_on_after_now(clock: Clock, watching: Reconciler) -> None:
    schedule = make(enabled=False)
    write(schedule, enabled=True)

    clock.forward(90)
    reconcile(watching)

    assert notice_all() == 0
    assert occurrences(schedule) == [(120, *NEXT)]


@pytest.mark.parametrize(
    "values",
    [
        {"expression": "99 99 * * *"},
        {"expression": "0 0 31 2 *"},
        {"timezone": "Mars/Phobos"},
        {"args": ["no", "object"]},
        {"args": "text"},
    ],
)
def test_what_makes_no_sense_fails_alone_with_its_reason(
    clock: Clock, values: dict[str, Any]
) -> None:
    first, bad, last = make(), make(), make()
    write(bad, **values)

    clock.forward(60)
    notice_all()

    for good in (first, last):
        assert occurrences(good) == [(60, *PAST), (120, *NEXT)]
    failed = Run.objects.get(schedule=bad)
    after = Schedule.objects.get(pk=bad.pk)
    assert (failed.state, failed.finished_at) == (RunState.FAILED, clock.moment)
    assert failed.error == after.paused_reason
    assert after.is_paused


def test_it_fails_while_an_earlier_run_of_it_goes_on(clock: Clock) -> None:
    bad, good = make(), make()
    clock.forward(60)
    notice_all()
    Run.objects.unfinished().filter(schedule=bad).update(
        state=RunState.RUNNING, attempt=1, lease_expires_at=clock.moment + timedelta(hours=1)
    )
    write(bad, expression="99 99 * * *")

    clock.forward(60)
    notice_all()

    assert occurrences(bad) == [(60, "running", ""), (120, "failed", "")]
    assert occurrences(good)[-1] == (180, *NEXT)


def test_once_mended_it_goes_on(clock: Clock) -> None:
    schedule = make()
    write(schedule, expression="99 99 * * *")
    clock.forward(60)
    notice_all()

    schedule.refresh_from_db()
    schedule.expression, schedule.enabled = "* * * * *", True
    schedule.save()

    assert occurrences(schedule) == [(60, "failed", ""), (120, *NEXT)]
    schedule.refresh_from_db()
    assert schedule.paused_reason == ""


def test_one_that_has_had_its_runs_already_ends_without_another(clock: Clock) -> None:
    schedule = make()
    write(schedule, max_runs=1, run_count=5)

    clock.forward(60)
    notice_all()

    assert occurrences(schedule) == []
    assert Schedule.objects.finished().exists()


def test_bulk_inserted_schedules_are_planned(clock: Clock, watching: Reconciler) -> None:
    common: dict[str, Any] = {"action": "tests.nothing", "timezone": "UTC"}
    Schedule.objects.bulk_create(
        [
            *(Schedule(name=f"{n}", kind="cron", expression="* * * * *", **common) for n in "ab"),
            Schedule(name="c", kind="cron", expression="99 * * * *", **common),
            Schedule(name="d", kind="once", at=NOON + timedelta(seconds=5), **common),
            Schedule(name="e", kind="once", at=NOON - timedelta(seconds=5), **common),
            Schedule(name="f", kind="cron", expression="* * * * *", enabled=False, **common),
        ]
    )

    reconcile(watching)

    found = {schedule.name: occurrences(schedule) for schedule in Schedule.objects.all()}
    assert found == {
        **{name: [(60, *NEXT)] for name in "ab"},
        "d": [(5, *NEXT)],
        **{name: [] for name in "cef"},
    }
    states = {s.name: (s.enabled, s.is_paused) for s in Schedule.objects.filter(name__in="ce")}
    assert states == {"c": (False, True), "e": (False, False)}
    assert "99" in Schedule.objects.get(name="c").paused_reason


def test_what_is_due_before_a_bulk_insert_is_planned_is_not_lost(
    clock: Clock, watching: Reconciler
) -> None:
    at = NOON + timedelta(seconds=2)
    fields: dict[str, Any] = {"action": "tests.nothing", "created_at": clock.moment}
    [schedule] = Schedule.objects.bulk_create([Schedule(name="a", kind="once", at=at, **fields)])

    clock.forward(5)
    reconcile(watching)
    notice_all()

    assert occurrences(schedule) == [(2, *PAST)]


def test_a_next_occurrence_that_was_deleted_comes_back(clock: Clock, watching: Reconciler) -> None:
    schedules = [make() for _ in range(5)]
    Run.objects.filter(schedule__in=schedules[1:4]).delete()

    reconcile(watching)

    assert [occurrences(schedule) for schedule in schedules] == [[(60, *NEXT)]] * 5


def test_reconciling_leaves_what_is_in_order(clock: Clock) -> None:
    schedules = [make(jitter_seconds=20) for _ in range(3)]
    before = list(Run.objects.order_by("pk").values())

    clock.forward(30)
    reconcile()

    assert list(Run.objects.order_by("pk").values()) == before
    assert len(before) == len(schedules)


def test_after_a_start_all_follow_the_rules_of_that_day(clock: Clock, watching: Reconciler) -> None:
    schedule = make(expression="0 18 * * *")
    write(schedule, timezone="Asia/Shanghai")

    reconcile(watching)
    assert occurrences(schedule) == [(6 * 3600, *NEXT)]

    reconcile()
    assert occurrences(schedule) == [(22 * 3600, *NEXT)]


def test_a_start_leaves_what_was_due_while_all_was_down(clock: Clock) -> None:
    schedule = make(misfire="run_all")

    clock.forward(130)
    reconcile()
    notice_all()

    assert occurrences(schedule) == [(60, *PAST), (120, *PAST), (180, *NEXT)]
