"""Noticing: an occurrence whose moment has come is accepted or skipped once; the next is stored."""

from datetime import timedelta

import pytest

from scheduling.models import Run, Schedule
from scheduling.states import RunState
from tests.scheduling.schedule_parts import NOON, Clock, finish, make, notice_all, occurrences

pytestmark = pytest.mark.django_db

PAST, NEXT = ("pending", ""), ("next", "")


def test_a_new_schedule_waits_for_its_first_fire_time(clock: Clock) -> None:
    schedule = make()

    assert notice_all() == 0
    assert occurrences(schedule) == [(60, *NEXT)]


def test_an_occurrence_is_accepted_at_its_moment_and_the_next_one_stored(clock: Clock) -> None:
    schedule = make()

    clock.forward(60)

    assert notice_all() == 1
    assert occurrences(schedule) == [(60, *PAST), (120, *NEXT)]
    schedule.refresh_from_db()
    assert schedule.run_count == 1


def test_run_once_runs_the_latest_missed_and_goes_on_from_now(clock: Clock) -> None:
    schedule = make(misfire="run_once")

    clock.forward(330)

    notice_all()
    late = [(60 * minute, "skipped", "late") for minute in (1, 2, 3, 4)]
    assert occurrences(schedule) == [*late, (300, *PAST), (360, *NEXT)]


def test_skip_skips_each_missed_and_runs_what_is_within_the_grace(clock: Clock) -> None:
    schedule = make(misfire="skip")

    clock.forward(330)

    notice_all()
    late = [(60 * minute, "skipped", "late") for minute in (1, 2, 3, 4)]
    assert occurrences(schedule) == [*late, (300, *PAST), (360, *NEXT)]


def test_run_all_runs_each_missed_up_to_its_limit(clock: Clock) -> None:
    schedule = make(misfire="run_all", misfire_limit=3)

    clock.forward(330)

    notice_all()
    late = [(60, "skipped", "late"), (120, "skipped", "late")]
    kept = [(180, *PAST), (240, *PAST), (300, *PAST)]
    assert occurrences(schedule) == [*late, *kept, (360, *NEXT)]


@pytest.mark.parametrize(
    ("overlap", "second"),
    [("skip", ("skipped", "overlap")), ("queue", PAST), ("allow", PAST)],
)
def test_an_occurrence_due_while_another_runs(
    clock: Clock, overlap: str, second: tuple[str, str]
) -> None:
    schedule = make(overlap=overlap)
    for _ in range(2):
        clock.forward(60)
        notice_all()

    assert occurrences(schedule) == [(60, *PAST), (120, *second), (180, *NEXT)]
    keys = set(Run.objects.filter(schedule=schedule).values_list("key", flat=True))
    assert keys == ({""} if overlap == "allow" else {f"schedule:{schedule.pk}"})


def test_the_last_of_the_runs_it_may_have_finishes_a_schedule(clock: Clock) -> None:
    schedule = make(max_runs=2, overlap="allow")

    for _ in range(4):
        clock.forward(60)
        notice_all()

    assert occurrences(schedule) == [(60, *PAST), (120, *PAST)]
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.finished_at) == (False, NOON + timedelta(seconds=120))


def test_skipped_occurrences_do_not_count_towards_the_maximum(clock: Clock) -> None:
    schedule = make(max_runs=2)
    clock.forward(60)
    notice_all()
    clock.forward(60)
    notice_all()
    finish(schedule)
    clock.forward(60)
    notice_all()

    states = [state for _, state, _ in occurrences(schedule)]
    assert states == ["succeeded", "skipped", "pending"]


def test_a_one_shot_is_kept_when_it_is_finished(clock: Clock) -> None:
    schedule = make(kind="once", at=NOON + timedelta(seconds=10))

    clock.forward(10)
    notice_all()

    assert occurrences(schedule) == [(10, *PAST)]
    assert Schedule.objects.finished().get() == schedule


def test_one_row_that_makes_no_sense_fails_alone(clock: Clock) -> None:
    good, bad = make(), make()
    Schedule.objects.filter(pk=bad.pk).update(expression="99 99 * * *")

    clock.forward(60)
    notice_all()

    assert occurrences(good) == [(60, *PAST), (120, *NEXT)]
    failed = Run.objects.get(schedule=bad)
    assert failed.state == RunState.FAILED
    assert "99" in failed.error
    bad.refresh_from_db()
    assert not bad.enabled
    assert bad.paused_reason == failed.error
