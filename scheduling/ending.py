"""Ends runs from outside their worker: rescue of lost ones, cancel, retry; tells their action."""

import logging
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import F, Q
from django.utils.translation import gettext as _

from scheduling import wakeup
from scheduling.actions import registry
from scheduling.attempts import tell_action
from scheduling.models import Run, RunQuerySet
from scheduling.processes import is_dead
from scheduling.states import RunState
from scheduling.writing import writing

logger = logging.getLogger(__name__)


def rescue(*, now: datetime) -> list[Run]:
    """Take back the runs whose worker is dead or let its lease expire; return them.

    A death on this machine is seen at once, one elsewhere when the lease ends. Runs that had not
    begun, or have attempts left, go back to the queue; the others fail with the reason.
    """
    running = Run.objects.running()
    owners = set(running.order_by().values_list("worker", flat=True).distinct())
    dead = [owner for owner in owners if is_dead(owner)]
    lost = running.filter(Q(lease_expires_at__lte=now) | Q(worker__in=dead))
    return [run for run in lost.order_by("due_at", "id") if _take_back(run, now=now)]


def take_back_claims(worker: str) -> int:
    """Take back what the living `worker` claimed and nobody has begun; return how many.

    For claims that may have died with whoever was to begin them. Those that did not are claimed a
    second time, and of two claims with one attempt number the first to begin has the run. What is
    locked is in living hands: it is being begun, or its lease renewed.
    """
    with writing():
        unbegun = Run.objects.running().filter(worker=worker, started_at=None)
        pks = list(unbegun.select_for_update(skip_locked=True).values_list("pk", flat=True))
        same = Run.objects.filter(pk__in=pks)
        return same.move(RunState.RUNNING, RunState.PENDING, lease_expires_at=None)


def _take_back(run: Run, *, now: datetime) -> bool:
    """Move one lost run on, unless another rescuer or its own worker was quicker."""
    same = Run.objects.filter(pk=run.pk, attempt=run.attempt, lease_expires_at=run.lease_expires_at)
    if run.started_at is None:
        moved = same.move(RunState.RUNNING, RunState.PENDING, lease_expires_at=None)
        wakeup.ring()
        return bool(moved)
    error = _("The worker died or stopped answering during attempt %(attempt)d of %(most)d.") % {
        "attempt": run.attempt,
        "most": run.max_attempts,
    }
    fields = {"lease_expires_at": None, "error": error, "losses": F("losses") + 1}
    logger.warning("Run %s (%s) was lost by %s: %s", run.pk, run.action, run.worker, error)
    if run.cancel_requested_at:
        return end_outside(
            same, run.pk, RunState.RUNNING, RunState.CANCELLED, finished_at=now, **fields
        )
    if run.attempt >= run.max_attempts:
        return end_outside(
            same, run.pk, RunState.RUNNING, RunState.FAILED, finished_at=now, **fields
        )
    moved = same.move(RunState.RUNNING, RunState.PENDING, not_before=now, **fields)
    wakeup.ring()
    return bool(moved)


def cancel(run: Run, *, now: datetime, reason: str = "") -> bool:
    """Cancel a pending run at once, or ask the worker of a running one to stop it.

    Return whether there was anything to cancel. A run that ends by itself in the same moment
    keeps its own end.
    """
    same = Run.objects.filter(pk=run.pk)
    cancelled = {"finished_at": now, "error": reason or _("Cancelled.")}
    # Twice: between the two updates it may have come back from its worker.
    return any(
        end_outside(same, run.pk, RunState.PENDING, RunState.CANCELLED, **cancelled)
        or same.running().update(cancel_requested_at=now)
        for _try in range(2)
    )


def retry(run: Run, *, now: datetime) -> bool:
    """Put a failed, cancelled or skipped run back into the queue with one more attempt."""
    with transaction.atomic():
        moved = Run.objects.filter(pk=run.pk).move(
            RunState(run.state),
            RunState.PENDING,
            not_before=now,
            max_attempts=F("attempt") + 1,
            cancel_requested_at=None,
            finished_at=None,
            error="",
            losses=0,
            skip_reason="",
        )
        action = registry.get(run.action)
        if moved and action and action.retried:
            action.retried(run)
        wakeup.ring_on_commit()
    return bool(moved)


def end_outside(same: RunQuerySet, pk: int, old: RunState, new: RunState, **fields: Any) -> bool:
    """Move a run to a final state and, in the same transaction, tell the action that named it."""
    with transaction.atomic():
        moved = same.move(old, new, **fields)
        if moved:
            tell_action(pk)
            wakeup.ring_on_commit()
    return bool(moved)
