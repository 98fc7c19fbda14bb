"""Editing: the next occurrence follows the definition; nothing fires by itself; all else stays."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError

from scheduling.models import Run, Schedule
from scheduling.states import RunState
from tests.scheduling.schedule_parts import NOON, Clock, finish, make, notice_all, occurrences

pytestmark = pytest.mark.django_db

PAST, NEXT = ("pending", ""), ("next", "")


def edit(schedule: Schedule, **fields: Any) -> Schedule:
    """Change fields of a schedule as a person does who opens it now."""
    fresh = Schedule.objects.get(pk=schedule.pk)
    for name, value in fields.items():
        setattr(fresh, name, value)
    fresh.save()
    return fresh


def next_of(schedule: Schedule) -> Run:
    run = schedule.next_run
    assert run is not None
    return run


def test_a_new_name_keeps_the_next_occurrence(clock: Clock) -> None:
    schedule = make()
    before = next_of(schedule)

    clock.forward(30)
    edit(schedule, name="news")

    after = next_of(schedule)
    assert (after.pk, after.fire_at, after.title) == (before.pk, before.fire_at, "news")


def test_a_new_trigger_is_followed_strictly_after_now(clock: Clock) -> None:
    schedule = make()

    clock.forward(30)
    edit(schedule, expression="30 * * * * *")

    assert occurrences(schedule) == [(90, *NEXT)]
    assert notice_all() == 0


def test_an_earlier_time_holds_at_once(clock: Clock) -> None:
    schedule = make(kind="once", at=NOON + timedelta(days=1))

    edit(schedule, at=NOON + timedelta(seconds=5))
    clock.forward(5)
    notice_all()

    assert occurrences(schedule) == [(5, *PAST)]


def test_an_occurrence_that_is_due_survives_an_edit_that_still_has_it(clock: Clock) -> None:
    schedule = make()

    clock.forward(60)
    edit(schedule, name="news")
    notice_all()

    assert occurrences(schedule) == [(60, *PAST), (120, *NEXT)]


def test_an_occurrence_that_is_due_goes_with_the_definition_that_had_it(clock: Clock) -> None:
    schedule = make()

    clock.forward(60)
    edit(schedule, expression="30 * * * *")

    assert occurrences(schedule) == [(30 * 60, *NEXT)]


def test_action_arguments_and_limits_reach_the_next_run_and_no_other(
    clock: Clock, register: Any
) -> None:
    async def other(run: Run, *, word: str) -> None: ...

    register(other)
    schedule = make(overlap="allow")
    clock.forward(60)
    notice_all()
    fields = {"action": "tests.other", "args": {"word": "x"}, "timeout_seconds": 7.5}

    edit(schedule, **fields, max_attempts=5, backoff_seconds=2.5, overlap="queue")

    waiting, upcoming = Run.objects.filter(schedule=schedule).order_by("fire_at")
    assert (waiting.action, waiting.args, waiting.key) == ("tests.nothing", {}, "")
    assert {name: getattr(upcoming, name) for name in fields} == fields
    assert (upcoming.max_attempts, upcoming.backoff_seconds) == (5, 2.5)
    assert upcoming.key == f"schedule:{schedule.pk}"


def test_jitter_moves_the_moment_and_not_the_fire_time(clock: Clock) -> None:
    schedule = make(jitter_seconds=30)
    first = next_of(schedule)

    edit(schedule, name="news")

    again = next_of(schedule)
    assert first.fire_at == again.fire_at == NOON + timedelta(minutes=1)
    assert timedelta() < again.due_at - again.fire_at < timedelta(seconds=30)
    assert again.due_at == first.due_at


# -- bounds and ends -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "trigger",
    [
        {"kind": "cron", "expression": "* * * * *"},
        {"kind": "interval", "every": timedelta(minutes=1)},
    ],
)
def test_start_and_end_are_both_fire_times(clock: Clock, trigger: dict[str, Any]) -> None:
    bounds = {"start_at": NOON + timedelta(minutes=2), "end_at": NOON + timedelta(minutes=3)}
    schedule = make(**trigger, **bounds, overlap="allow")

    for _ in range(5):
        clock.forward(60)
        notice_all()

    assert occurrences(schedule) == [(120, *PAST), (180, *PAST)]
    schedule.refresh_from_db()
    assert schedule.finished_at == NOON + timedelta(minutes=3)


def test_an_interval_without_a_start_begins_now_and_fires_one_interval_later(clock: Clock) -> None:
    schedule = make(kind="interval", every=timedelta(seconds=10))

    assert schedule.start_at == NOON
    assert occurrences(schedule) == [(10, *NEXT)]


@pytest.mark.parametrize("change", [{"max_runs": 3}, {"max_runs": None}])
def test_a_finished_schedule_that_may_run_again_goes_on(
    clock: Clock, change: dict[str, Any]
) -> None:
    schedule = make(max_runs=1)
    clock.forward(60)
    notice_all()
    finish(schedule)
    assert Schedule.objects.finished().exists()

    clock.forward(600)
    after = edit(schedule, **change)

    assert (after.enabled, after.finished_at) == (True, None)
    assert occurrences(schedule) == [(60, "succeeded", ""), (720, *NEXT)]


def test_a_finished_one_shot_is_given_another_time(clock: Clock) -> None:
    schedule = make(kind="once", at=NOON + timedelta(seconds=1))
    clock.forward(1)
    notice_all()

    edit(schedule, at=NOON + timedelta(seconds=9))

    assert occurrences(schedule) == [(1, *PAST), (9, *NEXT)]


def test_a_finished_schedule_with_another_name_stays_finished(clock: Clock) -> None:
    schedule = make(kind="once", at=NOON + timedelta(seconds=1))
    clock.forward(1)
    notice_all()

    clock.forward(100)
    after = edit(schedule, name="news", enabled=True)

    assert (after.enabled, after.finished_at) == (False, clock.moment)
    assert occurrences(schedule) == [(1, *PAST)]


def test_fewer_runs_than_there_were_finish_a_schedule(clock: Clock) -> None:
    schedule = make(overlap="allow")
    for _ in range(3):
        clock.forward(60)
        notice_all()

    after = edit(schedule, max_runs=2)

    assert after.finished_at == clock.moment
    assert next((run for run in occurrences(schedule) if run[1:] == NEXT), None) is None


@pytest.mark.parametrize("is_new", [True, False])
def test_a_one_shot_in_the_past_is_refused(clock: Clock, is_new: bool) -> None:
    fields = {"kind": "once", "at": NOON + timedelta(seconds=1)}
    schedule = None if is_new else make(**fields)
    past = {"at": NOON - timedelta(seconds=1)}

    with pytest.raises(ValidationError) as caught:
        if schedule:
            edit(schedule, **past)
        else:
            make(**fields | past)

    assert "past" in caught.value.message_dict["at"][0]


# -- two who write at once -------------------------------------------------------------------------


def test_an_old_instance_does_not_undo_what_happened_since(clock: Clock) -> None:
    old = make(max_runs=1)
    clock.forward(60)
    notice_all()

    old.name = "news"
    old.save()

    old.refresh_from_db()
    assert (old.name, old.run_count, old.enabled) == ("news", 1, False)
    assert occurrences(old) == [(60, *PAST)]


@pytest.mark.parametrize("fields", [None, ["name"], []])
def test_some_fields_alone_can_be_stored(clock: Clock, fields: list[str] | None) -> None:
    schedule = make()

    schedule.name = "news"
    schedule.save(update_fields=fields)

    schedule.refresh_from_db()
    assert schedule.name == ("digest" if fields == [] else "news")
    assert occurrences(schedule) == [(60, *NEXT)]


def test_a_clock_that_was_set_back_repeats_nothing(clock: Clock) -> None:
    schedule = make()
    clock.forward(600)
    notice_all()
    finish(schedule)

    clock.forward(-300)
    edit(schedule, name="news")
    notice_all()

    assert occurrences(schedule)[-1] == (660, *NEXT)
    assert Run.objects.filter(schedule=schedule, state=RunState.SUCCEEDED).count() == 1
