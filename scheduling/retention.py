"""Prunes what has been finished for longer than the site keeps it, a batch at a time."""

from datetime import datetime, timedelta

from django.conf import settings

from scheduling.models import ClusterStatus, Run

BATCH = 1000


def prune(*, now: datetime) -> int:
    """Delete runs finished more than BOTFLOW_RETENTION_DAYS ago; return how many.

    In batches, each a transaction of its own, so that nobody waits long for the lock.
    """
    ClusterStatus.objects.filter(seen_at__lt=now - timedelta(days=1)).delete()
    if not settings.BOTFLOW_RETENTION_DAYS:
        return 0
    old = Run.objects.finished().filter(
        finished_at__lt=now - timedelta(days=settings.BOTFLOW_RETENTION_DAYS)
    )
    deleted = 0
    while batch := list(old.values_list("pk", flat=True)[:BATCH]):
        # Of `old` again: one that is retried meanwhile is finished no more.
        deleted += old.filter(pk__in=batch).delete()[0]
    return deleted
