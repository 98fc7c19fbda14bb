"""Goes round the stored schedules, a little at a time: repairs those whose next run is wrong."""

from __future__ import annotations

import logging
import time
from datetime import datetime
from enum import IntEnum
from typing import Any, NamedTuple

from django.db import InterfaceError, OperationalError
from django.db.models import Exists, OuterRef, Subquery

from scheduling import wakeup
from scheduling.inserting import insert
from scheduling.models import Run, Schedule
from scheduling.planning import occurrence, reconcile, replan
from scheduling.writing import writing

logger = logging.getLogger(__name__)

# Schedules in one step: a step holds up due work, and some of them hold SQLite's write lock.
LOOKED_THROUGH, RECOMPUTED, PLANNED = 500, 25, 25
# Seconds between looks at what is new.
WATCH_EVERY = 5.0


class _Round(IntEnum):
    #: Find the schedules without a next occurrence, after a start.
    COMPLETE = 0
    #: Recompute all, as after a new release of the time zones' rules.
    RECOMPUTE = 1
    #: Look again for those without one, for good.
    WATCH = 2


class Reconciler:
    """How far the rounds over all enabled schedules have come.

    Schedules without a next occurrence come from bulk inserts and from rows edited by hand. Those
    that are new since the last look, by their ids, come first: a bulk insert is completed within
    seconds, however many schedules there are besides.
    """

    def __init__(self) -> None:
        self._round = _Round.COMPLETE
        self._reached = self._newest = 0
        self._watched_at = float("-inf")
        self._lacking: list[int] = []
        self._wrong: list[int] = []

    @property
    def is_pressed(self) -> bool:
        """Whether there is more to do than to watch."""
        return bool(self._round < _Round.WATCH or self._lacking or self._wrong)

    def work(self, *, now: datetime, seconds: float) -> None:
        """Go on for `seconds`, and for one step at least; ends sooner when all was looked at.

        The end of a round is no moment to stop: with few schedules one call does all that presses.
        """
        deadline = time.monotonic() + seconds
        if time.monotonic() - self._watched_at >= WATCH_EVERY:
            self._watched_at = time.monotonic()
            self._look_at_new()
        while True:
            is_end = self._step(now)
            if is_end and not self.is_pressed:
                return
            if not is_end and time.monotonic() >= deadline:
                return

    def _look_at_new(self) -> None:
        if self._round != _Round.COMPLETE:
            look = look_through(after=self._newest, most=LOOKED_THROUGH)
            self._newest = look.last
            self._lacking += look.found

    def _step(self, now: datetime) -> bool:
        """Do one thing; return whether it ended a round."""
        if self._lacking:
            some, self._lacking = self._lacking[:PLANNED], self._lacking[PLANNED:]
            self._wrong += plan_lacking(some, now=now)
            return False
        if self._wrong:
            replan(self._wrong.pop(), now=now)
            return False
        if self._round == _Round.RECOMPUTE:
            look = recompute(after=self._reached, most=RECOMPUTED, now=now)
            self._wrong += look.found
        else:
            look = look_through(after=self._reached, most=LOOKED_THROUGH)
            self._lacking += look.found
            if self._round == _Round.WATCH and not look.found:
                # For what it mends besides: moments that are no date, written by hand.
                reconcile(after=self._reached, most=LOOKED_THROUGH, now=now)
        self._newest = max(self._newest, look.last)
        self._reached = 0 if look.is_end else look.last
        if look.is_end:
            self._round = _Round(min(self._round + 1, _Round.WATCH))
        return look.is_end


class Look(NamedTuple):
    """The last id of a slice of schedules, whether none follow, and the ids to do something for."""

    last: int
    is_end: bool
    found: list[int]


def look_through(*, after: int, most: int) -> Look:
    """Find the enabled schedules of a slice that have no next occurrence.

    One query, which reads two index entries for each.
    """
    heads = Run.objects.next_occurrences().filter(schedule=OuterRef("pk"))
    rows = list(_slice(after).values_list("pk", Exists(heads))[:most])
    found = [pk for pk, has_next in rows if not has_next]
    return Look(rows[-1][0] if rows else after, len(rows) < most, found)


def _slice(after: int) -> Any:
    return Schedule.objects.filter(pk__gt=after, enabled=True).order_by("pk")


def plan_lacking(ids: list[int], *, now: datetime) -> list[int]:
    """Store the next occurrence of schedules without one, in one transaction.

    Return those to be planned one by one: they have no further occurrence, or make no sense.
    """
    try:
        with writing():
            return _plan_lacking(ids, now)
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # noqa: BLE001  Boundary: one of the rows makes no sense; each is tried alone.
        logger.warning("Some of %d schedules cannot be planned together.", len(ids))
        return ids


def _plan_lacking(ids: list[int], now: datetime) -> list[int]:
    accounted = Run.objects.filter(schedule=OuterRef("pk"), is_next=False, requested_by="")
    last = Subquery(accounted.order_by("-fire_at").values("fire_at")[:1])
    # On PostgreSQL whoever saves or notices one of them right now plans it.
    held = Schedule.objects.filter(pk__in=ids, enabled=True).select_for_update(
        skip_locked=True, of=("self",)
    )
    schedules = list(held)
    # Read once they are held: another process may have planned them meanwhile.
    heads = Run.objects.next_occurrences().filter(schedule__in=schedules)
    planned = set(heads.values_list("schedule_id", flat=True))
    lasts: dict[int, datetime | None] = dict(
        Schedule.objects.filter(pk__in=ids).values_list("pk", last)
    )
    rows, others = [], []
    for schedule in schedules:
        if schedule.pk in planned:
            continue
        fire_at = _first_after(schedule, lasts[schedule.pk], now)
        if fire_at is None:
            others.append(schedule.pk)
        else:
            rows.append(Run(**occurrence(schedule, fire_at), created_at=now))
    insert(rows)
    wakeup.ring_on_commit()
    return others


def _first_after(schedule: Schedule, last: datetime | None, now: datetime) -> datetime | None:
    if schedule.finished_at or (schedule.max_runs or schedule.run_count + 1) <= schedule.run_count:
        return None
    # Behind whatever was accounted for: a clock that was set back repeats nothing.
    return schedule.trigger.next_after(max(now, last) if last else now)


def recompute(*, after: int, most: int, now: datetime) -> Look:
    """Find the enabled schedules of a slice whose next occurrence is not what it should be.

    Two queries; nothing is written. An occurrence that is due is left to be noticed.
    """
    try:
        schedules = list(_slice(after)[:most])
        heads = {
            head.schedule_id: head
            for head in Run.objects.next_occurrences().filter(schedule__in=schedules)
        }
        ids = [schedule.pk for schedule in schedules]
        found = [one.pk for one in schedules if not _is_sound(one, heads.get(one.pk), now)]
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # noqa: BLE001  Boundary: one of the rows makes no sense; each is tried alone.
        ids = found = list(_slice(after).values_list("pk", flat=True)[:most])
    return Look(ids[-1] if ids else after, len(ids) < most, found)


def _is_sound(schedule: Schedule, head: Run | None, now: datetime) -> bool:
    """Tell whether a schedule's next occurrence is as its definition says."""
    if head is None:
        return False
    if head.fire_at <= now:
        return True
    if _first_after(schedule, None, now) != head.fire_at:
        return False
    wanted = occurrence(schedule, head.fire_at)
    return all(getattr(head, name) == value for name, value in wanted.items())
