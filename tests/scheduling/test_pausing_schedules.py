"""Pausing and resuming: with reason and author; what was missed in between stays missed."""

from datetime import timedelta

import pytest

from scheduling.models import Run, Schedule
from scheduling.planning import pause, resume
from scheduling.states import RunState
from scheduling.triggers import InvalidTrigger
from tests.scheduling.schedule_parts import NOON, Clock, finish, make, notice_all, occurrences

pytestmark = pytest.mark.django_db

PAST, NEXT, PAUSED = ("pending", ""), ("next", ""), ("skipped", "paused")


def test_a_pause_keeps_its_author_and_reason(clock: Clock) -> None:
    schedule = make()

    assert pause(schedule, now=clock.moment, by="ann", reason="holidays")

    schedule.refresh_from_db()
    assert schedule.is_paused
    assert schedule.paused_at == NOON
    assert (schedule.paused_by, schedule.paused_reason) == ("ann", "holidays")
    assert not pause(schedule, now=clock.moment, by="bob")
    assert Schedule.objects.get().paused_by == "ann"


def test_the_next_occurrence_and_what_has_not_begun_are_skipped(clock: Clock) -> None:
    schedule = make(overlap="allow")
    for _ in range(2):
        clock.forward(60)
        notice_all()
    running = Run.objects.unfinished().earliest("fire_at")
    Run.objects.filter(pk=running.pk).update(
        state=RunState.RUNNING, attempt=1, lease_expires_at=clock.moment
    )

    pause(schedule, now=clock.moment)

    assert occurrences(schedule) == [(60, "running", ""), (120, *PAUSED), (180, *PAUSED)]
    assert Schedule.objects.get().run_count == 1


def test_a_run_between_two_attempts_goes_on(clock: Clock) -> None:
    schedule = make()
    clock.forward(60)
    notice_all()
    Run.objects.unfinished().update(attempt=1)

    pause(schedule, now=clock.moment)

    assert occurrences(schedule)[0] == (60, *PAST)


def test_nothing_is_noticed_while_paused(clock: Clock) -> None:
    schedule = make()
    pause(schedule, now=clock.moment)

    clock.forward(3600)

    assert notice_all() == 0
    assert occurrences(schedule) == [(60, *PAUSED)]


def test_resuming_goes_on_strictly_after_now_and_fires_nothing(clock: Clock) -> None:
    schedule = make(misfire="run_all")
    pause(schedule, now=clock.moment, by="ann", reason="holidays")

    clock.forward(600)
    assert resume(schedule, now=clock.moment)

    assert notice_all() == 0
    assert occurrences(schedule) == [(60, *PAUSED), (660, *NEXT)]
    schedule.refresh_from_db()
    assert (schedule.enabled, schedule.paused_at) == (True, None)
    assert schedule.paused_by == schedule.paused_reason == ""
    assert not resume(schedule, now=clock.moment)


def test_resumed_before_its_time_the_same_occurrence_comes(clock: Clock) -> None:
    schedule = make(kind="once", at=NOON + timedelta(minutes=1))
    pause(schedule, now=clock.moment)

    clock.forward(59)
    resume(schedule, now=clock.moment)
    clock.forward(1)
    notice_all()

    assert occurrences(schedule) == [(60, *PAST)]


def test_a_one_shot_whose_time_went_by_in_a_pause_is_finished(clock: Clock) -> None:
    schedule = make(kind="once", at=NOON + timedelta(minutes=1))
    pause(schedule, now=clock.moment)

    clock.forward(61)
    resume(schedule, now=clock.moment)

    assert occurrences(schedule) == [(60, *PAUSED)]
    assert Schedule.objects.finished().exists()


def test_a_finished_schedule_can_be_neither_paused_nor_resumed(clock: Clock) -> None:
    schedule = make(max_runs=1)
    clock.forward(60)
    notice_all()
    finish(schedule)

    assert not pause(schedule, now=clock.moment)
    assert not resume(schedule, now=clock.moment)
    assert Schedule.objects.finished().exists()


def test_a_definition_that_is_broken_is_not_resumed(clock: Clock) -> None:
    schedule = make()
    pause(schedule, now=clock.moment)
    Schedule.objects.update(expression="99 * * * *")

    with pytest.raises(InvalidTrigger, match="99"):
        resume(schedule, now=clock.moment)

    assert Schedule.objects.paused().exists()


def test_it_can_be_edited_while_paused_and_stays_so(clock: Clock) -> None:
    schedule = make()
    pause(schedule, now=clock.moment, by="ann")
    schedule.refresh_from_db()

    schedule.expression = "*/5 * * * *"
    schedule.save()

    assert occurrences(schedule) == [(60, *PAUSED)]
    assert Schedule.objects.paused().get().paused_by == "ann"
    resume(schedule, now=clock.moment)
    assert occurrences(schedule) == [(300, *NEXT)]


def test_an_instance_from_before_the_pause_does_not_lift_it(clock: Clock) -> None:
    old = make()
    pause(old, now=clock.moment, by="ann")

    old.name = "news"
    old.save()

    assert Schedule.objects.paused().get().name == "news"
    assert occurrences(old) == [(60, *PAUSED)]


def test_the_field_itself_pauses_and_resumes(clock: Clock) -> None:
    schedule = make()

    schedule.enabled = False
    schedule.save()
    assert Schedule.objects.paused().get().paused_at == NOON
    assert occurrences(schedule) == [(60, *PAUSED)]

    schedule.enabled = True
    schedule.save()
    assert Schedule.objects.enabled().get().paused_at is None
    assert occurrences(schedule) == [(60, *NEXT)]


def test_one_that_is_stored_as_paused_has_no_next_occurrence(clock: Clock) -> None:
    schedule = make(enabled=False)

    assert schedule.is_paused
    assert occurrences(schedule) == []
