"""Notices occurrences whose moment has come: accepts or skips each, and plans the following one."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, NamedTuple

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection

from scheduling import wakeup
from scheduling.deciding import Decision, Skip, decide
from scheduling.inserting import insert
from scheduling.models import Run, Schedule
from scheduling.planning import give_up, mend_next, occurrence, work
from scheduling.states import RunState, SkipReason
from scheduling.writing import writing

logger = logging.getLogger(__name__)

#: Occurrences decided about in one transaction. It holds SQLite's write lock for some 10 ms, and
#: what it accepts starts while the next batch is decided about.
BATCH = 50
#: Rows behind which a transaction takes in no further schedule: each of them may have missed some
#: thousand occurrences, and what is killed half-way is done all over again.
ROWS = 500
EPOCH = datetime.fromtimestamp(0, UTC)

# On PostgreSQL the oldest that no other process has in hand: else all would ask for the same ones,
# and wait with all others for whoever was first.
_DUE = """
SELECT s.id FROM scheduling_run r JOIN scheduling_schedule s ON s.id = r.schedule_id
WHERE r.is_next AND r.due_at <= %s ORDER BY r.due_at, r.id LIMIT %s {lock}
"""
# Literals, as in the condition of the partial index: given parameters SQLite reads all that the
# schedules ever ran. Row by row: PostgreSQL, asked for a list, read all that is unfinished.
_UNFINISHED = """
SELECT s.id, (
    SELECT COUNT(*) FROM scheduling_run r
    WHERE r.schedule_id = s.id AND r.state IN ('pending', 'running') AND NOT r.is_next)
FROM scheduling_schedule s WHERE s.id IN ({ids})
"""
# In SQL, since for a lone occurrence building the queries was half of the time that it took.
_ACCEPT = "UPDATE scheduling_run SET is_next = FALSE WHERE is_next AND id IN ({ids})"
_COUNT = "UPDATE scheduling_schedule SET run_count = run_count + {count:d} WHERE id IN ({ids})"


class Head(NamedTuple):
    """What deciding about a due occurrence takes of its row."""

    pk: int
    schedule_id: int
    fire_at: datetime
    due_at: datetime


@dataclass(frozen=True, slots=True)
class Noticed:
    """A due occurrence with its schedule and what was decided."""

    head: Head
    schedule: Schedule
    decision: Decision


def is_any_due(*, now: datetime) -> bool:
    """Tell whether an occurrence waits to be noticed; one index entry."""
    return Run.objects.next_occurrences().filter(due_at__lte=now).exists()


def notice(*, now: datetime) -> int:
    """Decide about due occurrences, the oldest first, at most BATCH; return how many.

    Each is accepted or skipped with a reason, and the following one stored, in one transaction:
    a crash cannot break the chain. On PostgreSQL schedules that another process has in hand are
    left to it; the unique occurrence settles whatever else competes. A row that makes no sense
    fails alone.
    """
    ids: list[int] = []
    try:
        with writing():
            ids += _due(now)
            return _notice(ids, now)
    except (OperationalError, InterfaceError):
        raise  # the database is away, or chose this transaction to end a deadlock
    except Exception:  # noqa: BLE001  Boundary: one of the rows makes no sense; each is tried alone.
        logger.warning("Some of %d due occurrences cannot be decided about.", len(ids))
    return sum(_notice_alone(pk, now) for pk in ids)


def _due(now: datetime) -> list[int]:
    """Return the schedules whose occurrences are due, the oldest first, and lock them."""
    lock = "FOR UPDATE OF s SKIP LOCKED" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        moment = connection.ops.adapt_datetimefield_value(now)
        cursor.execute(_DUE.format(lock=lock), [moment, BATCH])
        return [schedule_id for (schedule_id,) in cursor.fetchall()]


def _notice_alone(schedule_id: int, now: datetime) -> int:
    try:
        with writing():
            return _notice([schedule_id], now)
    except (OperationalError, InterfaceError):
        raise
    except Exception as error:  # noqa: BLE001  Boundary: its reason is stored on the row.
        if not mend_next(schedule_id, now=now):
            give_up(schedule_id, str(error) or type(error).__name__, now=now)
        return 1


def _notice(ids: list[int], now: datetime) -> int:
    held = Schedule.objects.filter(pk__in=ids).select_for_update(skip_locked=True)
    schedules = {schedule.pk: schedule for schedule in held}
    # Read once the schedules are held: another process may have decided about them meanwhile.
    heads = Run.objects.next_occurrences().filter(schedule__in=list(schedules), due_at__lte=now)
    rows = heads.order_by("due_at", "id").values_list("pk", "schedule_id", "fire_at", "due_at")
    unfinished = _unfinished(list(schedules))
    noticed: list[Noticed] = []
    size = 0
    for head in map(Head._make, rows):
        one = _decide(head, schedules[head.schedule_id], unfinished[head.schedule_id], now)
        noticed.append(one)
        size += len(one.decision.accepted) + len(one.decision.skipped)
        if size >= ROWS:
            break
    _record(noticed, now)
    return len(noticed)


def _unfinished(schedule_ids: list[int]) -> dict[int, int]:
    """Return how many accepted runs of each schedule have not ended; an index entry for each."""
    if not schedule_ids:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(_UNFINISHED.format(ids=_listed(schedule_ids)))
        return dict(cursor.fetchall())


def _listed(ids: Iterable[int]) -> str:
    return ", ".join(f"{pk:d}" for pk in ids)


def _execute(sql: str, ids: list[int], **values: int) -> None:
    if ids:
        with connection.cursor() as cursor:
            cursor.execute(sql.format(ids=_listed(ids), **values))


def _decide(head: Head, schedule: Schedule, unfinished: int, now: datetime) -> Noticed:
    if not schedule.enabled:  # paused by hand, in SQL
        return Noticed(head, schedule, Decision([], [Skip(head.fire_at, SkipReason.PAUSED)], None))
    decision = decide(
        schedule.trigger,
        schedule.policy,
        fire_at=head.fire_at,
        due_at=head.due_at,
        now=now,
        unfinished=unfinished,
        most_rows=settings.BOTFLOW_MISSED_ROWS,
    )
    return Noticed(head, schedule, decision)


def _record(noticed: list[Noticed], now: datetime) -> None:
    """Write the decisions: a query for the accepted, one for each way to be skipped, one insert."""
    accepted: list[int] = []
    withdrawn: list[int] = []
    skipped: dict[Skip, list[int]] = {}
    rows: list[Run] = []
    for one in noticed:
        head, decision = one.head, one.decision
        own = replace(decision.skipped[0], fire_at=EPOCH) if _has_skipped(one) else None
        if own:
            skipped.setdefault(own, []).append(head.pk)
        elif decision.accepted:
            accepted.append(head.pk)
        else:  # its schedule has no run left, since somebody edited the row
            withdrawn.append(head.pk)
        rows += _other_rows(one, now)
    heads = Run.objects.next_occurrences()
    _execute(_ACCEPT, accepted)
    if withdrawn:
        heads.filter(pk__in=withdrawn).delete()
    for skip, pks in skipped.items():
        heads.filter(pk__in=pks).move(
            RunState.PENDING, RunState.SKIPPED, finished_at=now, **_skipping(skip)
        )
    _count(noticed, now)
    insert(rows)
    wakeup.ring_on_commit()


def _has_skipped(one: Noticed) -> bool:
    return any(skip.fire_at == one.head.fire_at for skip in one.decision.skipped[:1])


def _other_rows(one: Noticed, now: datetime) -> list[Run]:
    """Return the runs besides the one that is there: missed occurrences, and the next one."""
    common = work(one.schedule) | {"created_at": now}
    others = [moment for moment in one.decision.accepted if moment != one.head.fire_at]
    rows = [Run(**common, fire_at=moment) for moment in others]
    rows += [
        Run(
            **common,
            fire_at=skip.fire_at,
            state=RunState.SKIPPED,
            finished_at=now,
            **_skipping(skip),
        )
        for skip in one.decision.skipped
        if skip.fire_at != one.head.fire_at
    ]
    if one.decision.following:
        following = occurrence(one.schedule, one.decision.following)
        rows.append(Run(**following, created_at=now))
    return rows


def _skipping(skip: Skip) -> dict[str, Any]:
    until = {"until": skip.until.isoformat()} if skip.until else None
    return {"skip_reason": skip.reason, "result": until}


def _count(noticed: list[Noticed], now: datetime) -> None:
    """Add the accepted occurrences to their schedules, and end those that have no further one."""
    counts: dict[int, list[int]] = {}
    for one in noticed:
        counts.setdefault(len(one.decision.accepted), []).append(one.schedule.pk)
    for count, pks in counts.items():
        if count:
            _execute(_COUNT, pks, count=count)
    done = [one.schedule.pk for one in noticed if one.decision.following is None]
    if done:
        Schedule.objects.filter(pk__in=done, enabled=True).update(enabled=False, finished_at=now)
