"""Loads what the list of schedules shows: each row, what is next of it, and its latest runs."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from django.db.models import OuterRef, Q, QuerySet, Subquery

from scheduling.models import Run, Schedule

#: How many bars a strip has.
LATEST = 20

#: What reading a column raises that was edited by hand in SQL.
READ_ERRORS = (ValueError, TypeError, OverflowError)

# What SQLite gives as it is, whatever somebody wrote into it.
_PLAIN = ("pk", "name", "owner", "enabled", "run_count", "paused_reason", "paused_by")
_RUN_FIELDS = (
    *("schedule_id", "fire_at", "due_at", "state", "skip_reason", "started_at", "finished_at"),
    "requested_by",
)


def load_one_by_one(rows: QuerySet[Any]) -> list[Any]:
    """Return the rows of a page of which one cannot be read; that one says so in `defect`."""
    return [_load(pk) for pk in rows.values_list("pk", flat=True)]


def _load(pk: int) -> Any:
    rows = Schedule.objects.filter(pk=pk)
    try:
        return rows.defer("args").get()
    except READ_ERRORS as error:
        values = rows.values(*_PLAIN).get()
        broken: Any = Schedule(**{name: values[name] for name in _PLAIN})
        broken.defect = str(error)
        return broken


def supply(rows: Sequence[Any]) -> list[Any]:
    """Give each schedule `next_fire_at` and `latest_runs`, newest first; two queries for all."""
    pks = [row.pk for row in rows]
    bounds = _bounds(pks)
    runs = latest_runs({pk: since for pk, (_next, since) in bounds.items()})
    for row in rows:
        row.next_fire_at = bounds.get(row.pk, (None, None))[0]
        row.latest_runs = runs[row.pk]
    return list(rows)


def _bounds(pks: list[int]) -> dict[int, tuple[Any, Any]]:
    """Return of each schedule the next fire time and that of the oldest run that is shown."""
    own = Run.objects.filter(schedule=OuterRef("pk"))
    upcoming = own.filter(is_next=True).values("fire_at")[:1]
    return {
        pk: (fire_at, since)
        for pk, fire_at, since in Schedule.objects.filter(pk__in=pks)
        .order_by()
        .values_list("pk", Subquery(upcoming), Subquery(nth_newest(LATEST)))
    }


def nth_newest(number: int) -> QuerySet[Run, Any]:
    """Return, for a subquery, the fire time of a schedule's n-th newest occurrence of the past."""
    past = Run.objects.filter(schedule=OuterRef("pk"), is_next=False).order_by("-fire_at")
    return past.values("fire_at")[number - 1 : number]


def latest_runs(since: dict[int, Any]) -> dict[int | None, list[Any]]:
    """Return the runs of each schedule from a fire time on, newest first; one query.

    Each schedule is a range of the index on (schedule, fire time).
    """
    found: dict[int | None, list[Any]] = defaultdict(list)
    ranges = Q(pk__in=[])
    for pk, moment in since.items():
        ranges |= Q(schedule=pk, fire_at__gte=moment) if moment else Q(schedule=pk)
    runs = Run.objects.filter(ranges, is_next=False).order_by("-fire_at").only(*_RUN_FIELDS)
    for run in runs:
        found[run.schedule_id].append(run)
    return found
