"""Goes round the stored schedules, a little at a time: repairs those whose next run is wrong."""

from __future__ import annotations

import time
from datetime import datetime

from django.db import InterfaceError, OperationalError

from scheduling.models import Run, Schedule
from scheduling.planning import END_OF_CALENDAR, UNBOUNDED, chains, is_sound, mend_next, replan

# Schedules in one step: a step holds up due work, and some of them hold SQLite's write lock.
LOOKED_THROUGH, RECOMPUTED, PLANNED = 500, 25, 25
# Seconds between looks at what is new.
WATCH_EVERY = 5.0


class Reconciler:
    """How far the rounds over all enabled schedules have come.

    Schedules without a next occurrence come from bulk inserts and from rows edited by hand. Those
    that are new since the last look, by their ids, come first: a bulk insert is completed within
    seconds, however many schedules there are besides. After a start all are new, and the first
    round recomputes each, as after a new release of the time zones' rules; later ones only watch.
    """

    def __init__(self) -> None:
        self._newest = self._reached = 0
        self._is_new_seen = self._is_recomputed = False
        self._watched_at = float("-inf")
        self._lacking: list[int] = []
        self._wrong: list[int] = []

    @property
    def is_pressed(self) -> bool:
        """Whether there is more to do than to watch."""
        is_seen = self._is_new_seen and self._is_recomputed
        return bool(not is_seen or self._lacking or self._wrong)

    def work(self, *, now: datetime, seconds: float) -> None:
        """Go on for `seconds`, and for one step at least; ends sooner when all was looked at.

        The end of a round is no moment to stop: with few schedules one call does all that presses.
        """
        started = time.monotonic()
        if started - self._watched_at >= WATCH_EVERY:
            self._watched_at, self._is_new_seen = started, False
        while True:
            is_end = self._step(now)
            if is_end and not self.is_pressed:
                return
            if not is_end and time.monotonic() >= started + seconds:
                return

    def _step(self, now: datetime) -> bool:
        """Do one thing; return whether it ended a round."""
        if self._lacking:
            some, self._lacking = self._lacking[:PLANNED], self._lacking[PLANNED:]
            if not replan(*some, now=now):
                self._wrong += some
            return False
        if self._wrong:
            wrong = self._wrong.pop()
            if not mend_next(wrong, now=now):
                replan(wrong, now=now)
            return False
        if not self._is_new_seen:
            ids, self._is_new_seen = _slice(self._newest, LOOKED_THROUGH)
            self._newest = max(ids, default=self._newest)
            self._lacking += find_lacking(ids)
            return self._is_new_seen
        return self._go_round(now)

    def _go_round(self, now: datetime) -> bool:
        if self._is_recomputed:
            ids, is_end = _slice(self._reached, LOOKED_THROUGH)
            self._lacking += find_lacking(ids)
        else:
            ids, is_end = _slice(self._reached, RECOMPUTED)
            self._wrong += find_wrong(ids, now=now)
        self._reached = 0 if is_end else ids[-1]
        if is_end:
            self._is_recomputed = True
            self._wrong += find_misplaced()
        return is_end


def _slice(after: int, most: int) -> tuple[list[int], bool]:
    """Return the next enabled schedules by their ids, and whether none follow."""
    enabled = Schedule.objects.enabled().filter(pk__gt=after).order_by("pk")
    ids = list(enabled.values_list("pk", flat=True)[:most])
    return ids, len(ids) < most


def find_lacking(ids: list[int]) -> list[int]:
    """Return which of these neighbors have no next occurrence, or a start or end at no moment."""
    if not ids:
        return []
    # By their span: a list of hundreds takes longer to pass than the rows take to be read.
    first, last = ids[0], ids[-1]
    heads = Run.objects.next_occurrences().filter(schedule__gte=first, schedule__lte=last)
    sound = set(heads.values_list("schedule_id", flat=True))
    unbounded = Schedule.objects.enabled().filter(UNBOUNDED, pk__range=(first, last))
    sound.difference_update(unbounded.values_list("pk", flat=True))
    return [pk for pk in ids if pk not in sound]


def find_wrong(ids: list[int], *, now: datetime) -> list[int]:
    """Return which of these do not have the next occurrence that they should; three queries."""
    try:
        schedules = list(Schedule.objects.filter(pk__in=ids))
        stored = chains(schedules)
        return [one.pk for one in schedules if not is_sound(one, stored[one.pk], now=now)]
    except (OperationalError, InterfaceError):
        raise
    except Exception:  # noqa: BLE001  Boundary: one of the rows makes no sense; each is tried alone.
        return ids


def find_misplaced() -> list[int]:
    """Return schedules whose next occurrence is at no moment: it would never be due."""
    lost = Run.objects.next_occurrences().filter(due_at__gt=END_OF_CALENDAR)
    found = lost.order_by("due_at", "id").values_list("schedule_id", flat=True)
    return list(found[:LOOKED_THROUGH])
