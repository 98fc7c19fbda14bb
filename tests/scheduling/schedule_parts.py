"""What the tests of schedules share: definitions, a clock to be set, what became of occurrences."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from scheduling import clock, noticing
from scheduling.models import Run, Schedule
from scheduling.reconciling import Reconciler
from scheduling.states import RunState

#: On the minute, so that fire times are easy to read.
NOON = datetime(2026, 3, 4, 12, 0, tzinfo=UTC)


class Clock:
    """The time that the queue goes by, in the hands of a test."""

    def __init__(self, moment: datetime = NOON) -> None:
        self.moment = moment

    def __call__(self) -> datetime:
        return self.moment

    def forward(self, seconds: float) -> datetime:
        self.moment += timedelta(seconds=seconds)
        return self.moment


def make(**fields: Any) -> Schedule:
    """Store a schedule that fires each minute, unless said otherwise."""
    values: dict[str, Any] = {"name": "digest", "action": "tests.nothing", "timezone": "UTC"}
    if "kind" not in fields:
        values |= {"kind": "cron", "expression": "* * * * *"}
    schedule = Schedule(**values | fields)
    schedule.save()
    return schedule


def notice_all(now: datetime | None = None) -> int:
    """Notice until nothing is due; return how many were decided about."""
    now = now or clock.now()
    total = 0
    while noticing.is_any_due(now=now):
        total += noticing.notice(now=now)
    return total


def reconcile(reconciler: Reconciler | None = None) -> None:
    """Let a reconciler do all that presses; a new one, as after a start, if none is given."""
    reconciler = reconciler or Reconciler()
    reconciler.work(now=clock.now(), seconds=60)
    assert not reconciler.is_pressed


def occurrences(schedule: Schedule, *, since: datetime = NOON) -> list[tuple[int, str, str]]:
    """Return (seconds since `since`, state or "next", reason) of each run, by fire time."""
    runs = Run.objects.filter(schedule=schedule).order_by("fire_at")
    return [
        (
            round((run.fire_at - since).total_seconds()),
            "next" if run.is_next else run.state,
            run.skip_reason,
        )
        for run in runs
    ]


def finish(schedule: Schedule, state: RunState = RunState.SUCCEEDED) -> int:
    """End every accepted run of a schedule as if a worker had; return how many."""
    return (
        Run.objects.unfinished()
        .filter(schedule=schedule)
        .update(state=state, started_at=clock.now(), finished_at=clock.now(), attempt=1)
    )
