"""Overlap: an occurrence that is due while an earlier one waits, runs or is between attempts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from scheduling import actions
from scheduling.attempts import Ending, end, starter
from scheduling.claiming import claim
from scheduling.models import Run
from scheduling.processes import identity
from scheduling.states import RunState
from tests.scheduling.parts import LEASE
from tests.scheduling.schedule_parts import Clock, finish, make, notice_all, occurrences
from tests.scheduling.workers import Register

pytestmark = pytest.mark.django_db

PAST, NEXT, OVERLAP = ("pending", ""), ("next", ""), ("skipped", "overlap")


def begin(clock: Clock) -> list[Run]:
    """Start whatever is due, as a worker does; return the runs."""
    claims = claim(now=clock.moment, cluster="one", worker=identity(), capacity=100, lease=LEASE)
    return [run for run in starter(identity())(claims) if run] if claims else []


def fail(run: Run, clock: Clock, *, again_in: float | None = None) -> None:
    """End an attempt as failed, for good or to be repeated."""
    retry_at = None if again_in is None else clock.moment + timedelta(seconds=again_in)
    state = RunState.FAILED if again_in is None else RunState.PENDING
    end([Ending(run.pk, run.attempt, state, clock.moment, error="No.", retry_at=retry_at)])


def minute(clock: Clock) -> None:
    clock.forward(60)
    notice_all()


def test_a_run_that_waits_for_its_next_attempt_is_not_finished(clock: Clock) -> None:
    schedule = make(overlap="skip")
    minute(clock)
    [run] = begin(clock)
    fail(run, clock, again_in=90)

    minute(clock)
    assert occurrences(schedule) == [(60, *PAST), (120, *OVERLAP), (180, *NEXT)]

    clock.forward(31)
    [run] = begin(clock)
    fail(run, clock)
    clock.forward(29)
    notice_all()
    assert occurrences(schedule)[2:] == [(180, *PAST), (240, *NEXT)]


def test_queue_keeps_the_order_across_attempts(clock: Clock) -> None:
    make(overlap="queue")
    minute(clock)
    [first] = begin(clock)
    fail(first, clock, again_in=90)
    minute(clock)

    assert begin(clock) == []

    clock.forward(31)
    [again] = begin(clock)
    assert (again.pk, again.attempt) == (first.pk, 2)
    fail(again, clock)
    [second] = begin(clock)
    assert second.fire_at - first.fire_at == timedelta(minutes=1)


def test_the_queue_of_one_schedule_has_its_limit(clock: Clock, settings: Any) -> None:
    settings.BOTFLOW_MAX_WAITING_OCCURRENCES = 2
    schedule = make(overlap="queue")

    for _ in range(5):
        minute(clock)

    waiting = [(60, *PAST), (120, *PAST), (180, *PAST)]
    assert occurrences(schedule) == [*waiting, (240, *OVERLAP), (300, *OVERLAP), (360, *NEXT)]


def test_each_schedule_has_a_queue_of_its_own(clock: Clock, settings: Any) -> None:
    settings.BOTFLOW_MAX_WAITING_OCCURRENCES = 1
    schedules = [make(overlap="queue") for _ in range(3)]

    minute(clock)
    finish(schedules[0])
    minute(clock)
    minute(clock)

    states = [[state for _, state, _ in occurrences(schedule)] for schedule in schedules]
    assert states[0] == ["succeeded", "pending", "pending", "next"]
    assert states[1] == states[2] == ["pending", "pending", "skipped", "next"]


@pytest.fixture
def of_a_room(register: Register, monkeypatch: pytest.MonkeyPatch) -> Callable[[], str]:
    """Register an action of which one at a time runs in a room, whatever the schedule says."""

    def make_action() -> str:
        async def enter(run: Run, *, room: str) -> None: ...

        name = register(enter)
        known = actions.registry[name]
        keyed = actions.Action(
            name, known.function, name, key=lambda args: f"room:{args['room']}", is_async=True
        )
        monkeypatch.setitem(actions.registry, name, keyed)
        return name

    return make_action


@pytest.mark.parametrize("overlap", ["skip", "queue", "allow"])
def test_the_key_of_the_action_holds_across_schedules(
    clock: Clock, of_a_room: Callable[[], str], overlap: str
) -> None:
    action = of_a_room()
    fields = {"action": action, "overlap": overlap}
    first, second, other = (make(**fields, args={"room": room}) for room in ("red", "red", "blue"))
    minute(clock)

    begun = begin(clock)

    assert [run.schedule_id for run in begun] == [first.pk, other.pk]
    assert {run.key for run in begun} == {"room:red", "room:blue"}
    assert occurrences(second) == [(60, *PAST), (120, *NEXT)]


def test_allowed_runs_of_one_schedule_with_the_key_of_its_action_wait_in_order(
    clock: Clock, of_a_room: Callable[[], str]
) -> None:
    schedule = make(action=of_a_room(), overlap="allow", args={"room": "red"})
    minute(clock)
    minute(clock)

    [first] = begin(clock)

    assert occurrences(schedule) == [(60, "running", ""), (120, *PAST), (180, *NEXT)]
    assert first.fire_at == min(Run.objects.values_list("fire_at", flat=True))
