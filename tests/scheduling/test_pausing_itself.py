"""A schedule that fails so many times in a row pauses itself, and says so."""

import pytest

from scheduling.attempts import Ending, end, starter
from scheduling.claiming import claim
from scheduling.models import Run, Schedule
from scheduling.planning import resume, run_now
from scheduling.processes import identity
from scheduling.states import RunState
from tests.scheduling.parts import LEASE
from tests.scheduling.schedule_parts import Clock, make, notice_all, occurrences

pytestmark = pytest.mark.django_db(transaction=True)


def attempt(clock: Clock, state: RunState, *, error: str = "No.", again: bool = False) -> None:
    """Perform whatever is due, to the given end."""
    claims = claim(now=clock.moment, cluster="one", worker=identity(), capacity=100, lease=LEASE)
    for run in starter(identity())(claims):
        assert run is not None
        retry_at = clock.moment if again else None
        now = RunState.PENDING if again else state
        end([Ending(run.pk, run.attempt, now, clock.moment, error=error, retry_at=retry_at)])


def occur(clock: Clock, *states: RunState) -> None:
    """Have an occurrence of each schedule end in each of the states, one a minute."""
    for state in states:
        clock.forward(60)
        notice_all()
        attempt(clock, state, error=f"No, at {clock.moment:%H:%M}.")


FAILED, SUCCEEDED, CANCELLED = RunState.FAILED, RunState.SUCCEEDED, RunState.CANCELLED


def test_it_pauses_after_exactly_so_many_failures(clock: Clock) -> None:
    schedule = make(pause_after_failures=3)

    occur(clock, FAILED, FAILED)
    assert Schedule.objects.enabled().exists()
    occur(clock, FAILED)

    after = Schedule.objects.paused().get()
    assert after.paused_reason == "It failed 3 times in a row. The last time: No, at 12:03."
    assert (after.paused_at, after.paused_by) == (clock.moment, "")
    assert occurrences(schedule)[-1] == (240, "skipped", "paused")


def test_a_success_begins_the_count_anew(clock: Clock) -> None:
    make(pause_after_failures=3)

    occur(clock, FAILED, FAILED, SUCCEEDED, FAILED, FAILED)
    assert Schedule.objects.enabled().exists()

    occur(clock, FAILED)
    assert Schedule.objects.paused().exists()


def test_zero_is_never(clock: Clock) -> None:
    make(pause_after_failures=0)

    occur(clock, *[FAILED] * 15)

    assert Schedule.objects.enabled().exists()


def test_only_the_last_attempt_of_a_run_counts(clock: Clock) -> None:
    make(pause_after_failures=2, max_attempts=3)
    clock.forward(60)
    notice_all()

    attempt(clock, FAILED, again=True)
    attempt(clock, FAILED, again=True)
    assert Schedule.objects.enabled().exists()
    attempt(clock, FAILED)
    assert Schedule.objects.enabled().exists()

    occur(clock, FAILED)
    assert Schedule.objects.paused().exists()


def test_skipped_and_cancelled_ones_neither_count_nor_begin_anew(clock: Clock) -> None:
    schedule = make(pause_after_failures=2, overlap="skip")

    occur(clock, FAILED)
    clock.forward(60)
    notice_all()
    clock.forward(60)
    notice_all()
    attempt(clock, CANCELLED)
    assert Schedule.objects.enabled().exists()
    occur(clock, FAILED)

    assert Schedule.objects.paused().exists()
    states = [state for _, state, _ in occurrences(schedule)]
    assert states == ["failed", "cancelled", "skipped", "failed", "skipped"]


def test_once_resumed_it_counts_anew(clock: Clock) -> None:
    schedule = make(pause_after_failures=2)
    occur(clock, FAILED, FAILED)

    resume(schedule, now=clock.moment)
    occur(clock, FAILED)
    assert Schedule.objects.enabled().exists()

    occur(clock, FAILED)
    assert Schedule.objects.paused().exists()


def test_failures_of_others_do_not_count(clock: Clock) -> None:
    first, second = make(pause_after_failures=2), make(pause_after_failures=2)

    occur(clock, FAILED)
    assert Schedule.objects.enabled().count() == 2

    run_now(first, now=clock.forward(1), by="ann")
    attempt(clock, FAILED)
    assert list(Schedule.objects.enabled()) == [second]


def test_a_deleted_schedule_is_nobodys_concern(clock: Clock) -> None:
    schedule = make(pause_after_failures=1)
    clock.forward(60)
    notice_all()
    claims = claim(now=clock.moment, cluster="one", worker=identity(), capacity=100, lease=LEASE)
    [run] = starter(identity())(claims)
    assert run is not None
    schedule.delete()

    end([Ending(run.pk, run.attempt, FAILED, clock.moment, error="No.")])

    assert Run.objects.get().state == FAILED
