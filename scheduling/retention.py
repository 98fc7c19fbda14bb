"""Prunes what has been finished for longer than the site keeps it, a batch at a time."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from django.conf import settings
from django.db import connection
from django.db.models import Exists, OuterRef

from scheduling.models import ClusterStatus, Run, RunQuerySet, Schedule

BATCH = 1000

Pruner = TypeVar("Pruner", bound=Callable[..., Any])
_pruners: list[Callable[..., Any]] = []

# The index of occurrences alone, entry by entry: 0.2 to 0.4 s for a million runs.
_LONG = """
SELECT schedule_id FROM scheduling_run WHERE schedule_id IS NOT NULL
GROUP BY schedule_id HAVING COUNT(*) > %s
"""


def prunes(pruner: Pruner) -> Pruner:
    """Have a function of another app, called with `now`, prune its own rows whenever runs are."""
    _pruners.append(pruner)
    return pruner


def prune(*, now: datetime) -> int:
    """Delete what the site keeps no longer; return how many runs.

    Runs finished more than BOTFLOW_RETENTION_DAYS ago, all but the newest BOTFLOW_SCHEDULE_HISTORY
    of each schedule, and schedules that finished as long ago and have no run left. In batches, each
    a transaction of its own, so that nobody waits long for the lock.
    """
    ClusterStatus.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()
    deleted = 0
    if days := settings.BOTFLOW_RETENTION_DAYS:
        deleted = prune_runs(finished_before=now - timedelta(days=days))
        _prune_schedules(finished_before=now - timedelta(days=days))
    if settings.BOTFLOW_SCHEDULE_HISTORY:
        deleted += _prune_histories(settings.BOTFLOW_SCHEDULE_HISTORY)
    for prune_more in _pruners:
        prune_more(now=now)
    return deleted


def prune_runs(*, finished_before: datetime) -> int:
    """Delete runs that finished before a moment; return how many."""
    return _delete(Run.objects.finished().filter(finished_at__lt=finished_before))


def _prune_histories(most: int) -> int:
    with connection.cursor() as cursor:
        cursor.execute(_LONG, [most])
        schedule_ids = [pk for (pk,) in cursor.fetchall()]
    deleted = 0
    for schedule_id in schedule_ids:
        runs = Run.objects.finished().filter(schedule=schedule_id)
        newest_too_many = runs.order_by("-fire_at").values_list("fire_at", flat=True)[most:][:1]
        for fire_at in newest_too_many:
            deleted += _delete(runs.filter(fire_at__lte=fire_at))
    return deleted


def _delete(old: RunQuerySet) -> int:
    deleted = 0
    while batch := list(old.values_list("pk", flat=True)[:BATCH]):
        # Of `old` again: one that is retried meanwhile is finished no more.
        deleted += old.filter(pk__in=batch).delete()[0]
    return deleted


def _prune_schedules(*, finished_before: datetime) -> None:
    has_runs = Exists(Run.objects.filter(schedule=OuterRef("pk")))
    old = Schedule.objects.finished().filter(~has_runs, finished_at__lt=finished_before)
    while batch := list(old.values_list("pk", flat=True)[:BATCH]):
        # Of `old` again: one that was given another time meanwhile is finished no more.
        old.filter(pk__in=batch).delete()
