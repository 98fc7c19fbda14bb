"""Reconciling: schedules whose next occurrence is missing or wrong get the right one in time."""

import time
from datetime import timedelta

import pytest

from scheduling.models import Run, Schedule
from scheduling.reconciling import RECOMPUTED, Reconciler
from tests.scheduling.schedule_parts import NOON, Clock, make, occurrences, reconcile

pytestmark = pytest.mark.django_db

NEXT = [(60, "next", "")]


def store_bare(count: int, **fields: object) -> list[Schedule]:
    """Insert schedules as a script would, past `save`."""
    values = {"name": "bare", "kind": "cron", "expression": "* * * * *", "timezone": "UTC"}
    rows = [Schedule(**values | {"action": "tests.nothing"} | fields) for _ in range(count)]
    return Schedule.objects.bulk_create(rows)


def test_schedules_of_a_bulk_insert_get_their_next_occurrence(clock: Clock) -> None:
    made = store_bare(RECOMPUTED * 2 + 1)

    reconcile()

    assert all(occurrences(schedule) == NEXT for schedule in made)


def test_what_is_new_comes_before_the_rest(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    reconciler = Reconciler()
    store_bare(40)
    reconcile(reconciler)
    monkeypatch.setattr("scheduling.reconciling.LOOKED_THROUGH", 10)
    (new,) = store_bare(1)
    monkeypatch.setattr("scheduling.reconciling.WATCH_EVERY", 0)

    reconciler.work(now=clock(), seconds=0)

    assert occurrences(new) == NEXT


def test_after_a_start_every_next_occurrence_is_recomputed(clock: Clock) -> None:
    moved, edited, sound = make(), make(), make()
    Run.objects.filter(schedule=moved).update(fire_at=NOON + timedelta(seconds=77))
    Schedule.objects.filter(pk=edited.pk).update(expression="*/2 * * * *", name="edited")

    reconcile()

    assert occurrences(moved) == NEXT
    assert occurrences(edited) == [(120, "next", "")]
    assert Run.objects.get(schedule=edited).title == "edited"
    assert occurrences(sound) == NEXT


def test_what_is_right_is_not_written(clock: Clock) -> None:
    make(), make(jitter_seconds=30)
    before = list(Run.objects.order_by("pk").values())

    reconcile()

    assert list(Run.objects.order_by("pk").values()) == before


def test_an_occurrence_that_is_due_is_left_to_be_noticed(clock: Clock) -> None:
    schedule = make()
    clock.forward(61)

    reconcile()

    assert occurrences(schedule) == NEXT


def test_a_clock_that_was_set_back_repeats_nothing(clock: Clock) -> None:
    (schedule,) = store_bare(1)
    Run.objects.create(
        schedule=schedule, action="tests.nothing", fire_at=NOON + timedelta(seconds=120)
    )

    reconcile()

    assert occurrences(schedule)[1:] == [(180, "next", "")]


def test_a_schedule_that_makes_no_sense_is_paused_and_holds_up_no_other(clock: Clock) -> None:
    (bad,), (good,) = store_bare(1, expression="99 99 * * *"), store_bare(1)

    reconcile()

    bad.refresh_from_db()
    assert bad.is_paused
    assert "99" in bad.paused_reason
    assert occurrences(good) == NEXT


def test_a_schedule_without_a_further_occurrence_is_finished(clock: Clock) -> None:
    (schedule,) = store_bare(1, kind="once", expression="", at=NOON - timedelta(days=1))

    reconcile()

    schedule.refresh_from_db()
    assert schedule.finished_at == NOON


def test_a_long_round_is_done_a_little_at_a_time(clock: Clock) -> None:
    store_bare(400)
    reconcile()
    reconciler = Reconciler()

    longest, calls = 0.0, 0
    while reconciler.is_pressed:
        started = time.process_time()
        reconciler.work(now=clock(), seconds=0.005)
        longest = max(longest, time.process_time() - started)
        calls += 1

    assert calls > 5
    assert longest < 0.1
