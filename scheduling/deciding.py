"""Decides, as a pure function, which occurrences of a schedule run and which are skipped."""

from __future__ import annotations

import hashlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Protocol

from django.db import models
from django.utils.translation import gettext_lazy as _

from scheduling.states import SkipReason


class Misfire(models.TextChoices):
    """What becomes of occurrences that are noticed later than their grace."""

    RUN_ONCE = "run_once", _("Run once, for the latest")
    SKIP = "skip", _("Skip them")
    RUN_ALL = "run_all", _("Run each of them")


class Overlap(models.TextChoices):
    """What becomes of an occurrence that is due while an earlier one is not finished."""

    SKIP = "skip", _("Skip it")
    QUEUE = "queue", _("Have it wait")
    ALLOW = "allow", _("Run both at once")


class Trigger(Protocol):
    def next_after(self, moment: datetime) -> datetime | None: ...
    def latest(self, at: datetime) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class Policy:
    """What a schedule wants done; `remaining` runs are left to it, None for any number."""

    misfire: Misfire = Misfire.RUN_ONCE
    grace: timedelta = timedelta(seconds=60)
    #: The most by which an occurrence is moved behind its fire time.
    jitter: timedelta = timedelta()
    #: The most occurrences that RUN_ALL makes up for, the latest ones.
    most_missed: int = 10
    overlap: Overlap = Overlap.SKIP
    #: The most occurrences that QUEUE has waiting.
    most_waiting: int = 100
    remaining: int | None = None


@dataclass(frozen=True, slots=True)
class Skip:
    """An occurrence that is not run; with `until` all of them from one to the other, inclusive."""

    fire_at: datetime
    reason: SkipReason
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """Accepted and skipped fire times, each ascending; `following` is None when none follows."""

    accepted: list[datetime]
    skipped: list[Skip]
    following: datetime | None


def decide(
    trigger: Trigger,
    policy: Policy,
    *,
    fire_at: datetime,
    due_at: datetime,
    now: datetime,
    unfinished: int,
    most_rows: int,
) -> Decision:
    """Account for the occurrence `fire_at`, due since `due_at`, and for those missed behind it.

    Every occurrence from `fire_at` to before `following` is accepted or skipped exactly once; the
    earliest of more than `most_rows` are skipped together. `unfinished` earlier runs are waiting
    or running.
    """
    if policy.remaining is not None and policy.remaining <= 0:
        return Decision([], [], None)
    skips: list[Skip] = []
    is_late = now > due_at + policy.grace
    if is_late:
        accepted, skips = _misfired(trigger, policy, fire_at, now, most_rows)
    else:
        accepted = [fire_at]
    reached = max(accepted[-1:] + [skip.until or skip.fire_at for skip in skips[-1:]])
    if not (is_late and policy.misfire == Misfire.RUN_ALL):
        accepted, overlapping = _overlapped(accepted, policy, unfinished)
        skips = [*skips, *overlapping]
    if policy.remaining is not None and len(accepted) >= policy.remaining:
        return Decision(accepted[: policy.remaining], skips, None)
    return Decision(accepted, skips, trigger.next_after(reached))


@dataclass(frozen=True, slots=True)
class _Missed:
    """Occurrences up to now: the latest, and the span of those before them that are too many."""

    latest: list[datetime]
    span: tuple[datetime, datetime] | None = None


def _misfired(
    trigger: Trigger, policy: Policy, fire_at: datetime, now: datetime, most_rows: int
) -> tuple[list[datetime], list[Skip]]:
    """Return what is run and what is skipped of the occurrences that were missed."""
    if policy.misfire == Misfire.SKIP:
        # Those within their grace are not missed; they are decided about in their turn.
        late_before = now - policy.grace - policy.jitter
        now, kept = max(fire_at, late_before - timedelta.resolution), 0
    else:
        kept = 1 if policy.misfire == Misfire.RUN_ONCE else policy.most_missed
    missed = _missed(trigger, fire_at, now, max(most_rows, kept))
    cut = max(len(missed.latest) - kept, 0)
    skips = [Skip(moment, SkipReason.LATE) for moment in missed.latest[:cut]]
    if missed.span:
        skips.insert(0, Skip(missed.span[0], SkipReason.LATE, until=missed.span[1]))
    return missed.latest[cut:], skips


def _overlapped(
    accepted: list[datetime], policy: Policy, unfinished: int
) -> tuple[list[datetime], list[Skip]]:
    room = {Overlap.SKIP: 1, Overlap.QUEUE: policy.most_waiting + 1}.get(policy.overlap)
    if room is None or unfinished < room:
        return accepted, []
    return [], [Skip(moment, SkipReason.OVERLAP) for moment in accepted]


def _missed(trigger: Trigger, first: datetime, now: datetime, most: int) -> _Missed:
    """Return the occurrences from `first` through `now`; cheap however many there are."""
    earliest = list(islice(_occurrences(trigger, first, now), most + 1))
    if len(earliest) <= most:
        return _Missed(earliest)
    latest = _latest(trigger, first, now, most + 1)
    return _Missed(latest[1:], (first, latest[0]))


def _latest(trigger: Trigger, first: datetime, now: datetime, count: int) -> list[datetime]:
    """Return the last `count` occurrences through `now`, of the more that there are from `first`.

    Walks back in steps that double while few are found, and shrink when more than that are: some
    three searches for each occurrence, whether it fires each second or in one month of the year.
    """
    found: deque[datetime] = deque()
    end, width = now, timedelta(seconds=1)
    while len(found) < count and end >= first:
        width = min(width, end - first + timedelta.resolution)
        wanted = count - len(found)
        after = trigger.next_after(end - width)
        some = list(islice(_occurrences(trigger, after, end), wanted + 1)) if after else []
        if len(some) > wanted:
            width = max(width / 8, timedelta.resolution)
            continue
        found.extendleft(reversed(some))
        end, width = end - width, width * 2
    return list(found)


def _occurrences(trigger: Trigger, first: datetime, until: datetime) -> Iterator[datetime]:
    moment: datetime | None = first
    while moment is not None and moment <= until:
        yield moment
        moment = trigger.next_after(moment)


def jitter(schedule: int, fire_at: datetime, most: timedelta, gap: timedelta | None) -> timedelta:
    """Return the delay of an occurrence: 0 to `most`, short of the next, the same for all who ask.

    A hash of schedule and fire time: it spreads the load and cannot be had twice differently.
    """
    if gap is not None:
        most = min(most, gap - timedelta(microseconds=1))
    if most <= timedelta():
        return timedelta()
    digest = hashlib.sha256(f"{schedule}|{fire_at.isoformat()}".encode()).digest()
    return most * (int.from_bytes(digest[:8]) / 2**64)
