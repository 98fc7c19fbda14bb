"""Calls off the next occurrence of a schedule, which then goes on with the one after it."""

from __future__ import annotations

from datetime import datetime

from scheduling import ending, planning
from scheduling.models import Run, Schedule
from scheduling.writing import writing


def call_off(run: Run, *, now: datetime, reason: str = "") -> bool:
    """Cancel a schedule's next occurrence and store the following one in the same transaction.

    Return whether it was still to be cancelled. Whoever decides about the occurrence holds the
    schedule's row too: either it is accepted and then cancelled like any run, or it never is.
    """
    with writing():
        locked = Schedule.objects.select_for_update()
        schedule = locked.filter(pk=run.schedule_id or 0).first()
        if not ending.cancel(run, now=now, reason=reason):
            return False
        if schedule and schedule.enabled:
            planning.plan(schedule, now=now)
    return True
