"""Run now: one run at once by somebody's hand, beside the occurrences and counting as none."""

from datetime import timedelta

import pytest

from scheduling.models import Run, Schedule
from scheduling.planning import pause, run_now
from tests.scheduling.parts import taken
from tests.scheduling.schedule_parts import NOON, Clock, make, notice_all, occurrences

pytestmark = pytest.mark.django_db


def test_it_runs_what_the_schedule_says_and_leaves_its_next_occurrence(clock: Clock) -> None:
    schedule = make(args={}, timeout_seconds=3.0, name="news")
    clock.forward(7)

    run = run_now(schedule, now=clock.moment, by="ann")

    assert (run.action, run.title, run.timeout_seconds) == ("tests.nothing", "news", 3.0)
    assert (run.requested_by, run.fire_at) == ("ann", clock.moment)
    assert taken(now=clock.moment) == [run.pk]
    assert occurrences(schedule)[1:] == [(60, "next", "")]


def test_a_paused_schedule_runs_too_and_editing_it_leaves_that_run(clock: Clock) -> None:
    schedule = make()
    pause(schedule, now=clock.moment)
    clock.forward(90)

    run = run_now(schedule, now=clock.moment, by="ann")
    schedule.save()

    assert taken(now=clock.moment) == [run.pk]
    assert Schedule.objects.paused().exists()


def test_a_pause_leaves_what_was_asked_for(clock: Clock) -> None:
    schedule = make()
    run = run_now(schedule, now=clock.moment, by="ann")

    pause(schedule, now=clock.moment)

    assert taken(now=clock.moment) == [run.pk]


def test_twice_in_one_microsecond_is_twice(clock: Clock) -> None:
    schedule = make()

    runs = [run_now(schedule, now=clock.moment, by="ann") for _ in range(3)]

    assert len({run.fire_at for run in runs}) == 3
    assert all(timedelta() <= NOON - run.fire_at < timedelta(milliseconds=1) for run in runs)


def test_it_never_takes_the_place_of_an_occurrence(clock: Clock) -> None:
    schedule = make(misfire="run_all")
    clock.forward(120)

    run_now(schedule, now=clock.moment, by="ann")
    notice_all()

    runs = Run.objects.filter(schedule=schedule, requested_by="").order_by("fire_at")
    assert [run.fire_at - NOON for run in runs] == [timedelta(minutes=n) for n in (1, 2, 3)]
    assert Schedule.objects.enabled().exists()


def test_it_does_not_count_towards_the_maximum(clock: Clock) -> None:
    schedule = make(max_runs=1, overlap="allow")
    run_now(schedule, now=clock.moment, by="ann")

    clock.forward(60)
    notice_all()

    schedule.refresh_from_db()
    assert (schedule.run_count, schedule.finished_at) == (1, clock.moment)
    assert Run.objects.unfinished().count() == 2


def test_a_finished_schedule_runs_by_hand(clock: Clock) -> None:
    schedule = make(kind="once", at=NOON + timedelta(seconds=1), overlap="allow")
    clock.forward(1)
    notice_all()

    run = run_now(schedule, now=clock.moment, by="ann")

    assert run.pk in taken(now=clock.moment)
    assert Schedule.objects.finished().exists()


def test_an_occurrence_that_is_due_meanwhile_overlaps_with_it(clock: Clock) -> None:
    schedule = make(overlap="skip")
    clock.forward(59)
    run_now(schedule, now=clock.moment, by="ann")

    clock.forward(1)
    notice_all()

    assert occurrences(schedule)[1:] == [(60, "skipped", "overlap"), (120, "next", "")]
