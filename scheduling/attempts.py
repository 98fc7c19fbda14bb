"""What a worker does to the runs it holds: start, end, give back, renew; each fenced by attempt."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Case, F, When
from django.utils import timezone

from scheduling import clock, wakeup
from scheduling.actions import Commit, registry
from scheduling.claiming import Claim
from scheduling.models import Run
from scheduling.models.lenient import UNREADABLE_ERRORS
from scheduling.planning import pause_if_failing
from scheduling.states import RunState, check_transition

logger = logging.getLogger(__name__)

#: Seconds before the second, third, … attempt, and the most it grows to.
BACKOFF_BASE, BACKOFF_MOST = 1.0, 300.0


class LostLease(Exception):
    """The run was given to another worker meanwhile; whatever was made of it here is dropped."""


@dataclass(frozen=True, slots=True)
class Ending:
    """How one attempt ended. `retry_at` sends the run back to the queue for that moment."""

    run: int
    attempt: int
    state: RunState
    at: datetime
    error: str = ""
    result: Any = None
    retry_at: datetime | None = None
    commit: Commit | None = None


def lease() -> timedelta:
    return timedelta(seconds=settings.BOTFLOW_LEASE)


def starter(worker: str) -> Callable[[list[Claim]], list[Run | None]]:
    """Return the write that starts claims for `worker`: a counted attempt for each, or None.

    None for a claim that is no longer good: its lease ran out on the way and another copy of it
    was started. Two copies compete for the attempt number; the conditional update lets the first
    have it.
    """

    def start(claims: list[Claim]) -> list[Run | None]:
        now = clock.now()
        adapt = connection.ops.adapt_datetimefield_value
        values = ", ".join(f"({claim.run:d}, {claim.attempt:d})" for claim in claims)
        started = Run.objects.raw(
            f"""UPDATE scheduling_run
            SET attempt = attempt + 1, started_at = %s, worker = %s, lease_expires_at = %s
            WHERE state = 'running' AND (id, attempt) IN (VALUES {values})
            RETURNING *""",  # noqa: S608  (integers only)
            [adapt(now), worker, adapt(now + lease())],
        )
        try:
            rows = list(started)
        except UNREADABLE_ERRORS:  # one of the rows; its run fails with that reason
            keys = [claim.run for claim in claims]
            rows = list(Run.objects.running().filter(pk__in=keys, worker=worker, started_at=now))
        # Taken out: of two copies of a claim in one batch the first has it.
        by_claim = {(run.pk, run.attempt - 1): run for run in rows}
        return [by_claim.pop((claim.run, claim.attempt), None) for claim in claims]

    return start


def end(endings: list[Ending]) -> list[Any]:
    """Record how attempts ended; return each Commit's result, None, or LostLease.

    The Commit of a run is written only if this attempt still owned it.
    """
    owned = _record(endings)
    for place in owned:
        if endings[place].state in (RunState.FAILED, RunState.CANCELLED):
            tell_action(endings[place].run)
    results: list[Any] = [
        None if place in owned else LostLease(f"Run {ending.run}, attempt {ending.attempt}.")
        for place, ending in enumerate(endings)
    ]
    writes: dict[Callable[[list[Any]], Sequence[Any]], list[int]] = {}
    for place in sorted(owned):
        if commit := endings[place].commit:
            writes.setdefault(commit.write, []).append(place)
    for write, places in writes.items():
        items = [endings[place].commit.item for place in places]  # type: ignore[union-attr]
        for place, result in zip(places, write(items), strict=True):
            results[place] = result
    # Capacity is free again, and the next run of a key may be waiting for this one.
    wakeup.ring_on_commit()
    return results


def _record(endings: list[Ending]) -> set[int]:
    """Write the ends; return the places of those whose attempt still owned its run."""
    alike: dict[tuple[Any, ...], list[int]] = {}
    for place, ending in enumerate(endings):
        plain = ending.state == RunState.SUCCEEDED and ending.result is None
        alike.setdefault(("plain",) if plain else ("own", place), []).append(place)
    owned: set[int] = set()
    for (kind, *_), places in alike.items():
        if kind == "own":
            owned.update(place for place in places if _record_one(endings[place]))
        else:
            ended = _record_successes([endings[place] for place in places])
            owned.update(
                place for place in places if (endings[place].run, endings[place].attempt) in ended
            )
    return owned


def _record_successes(endings: list[Ending]) -> set[tuple[int, int]]:
    """End runs that succeeded without a result, with one query; return (run, attempt) of owned."""
    values = ", ".join(f"({ending.run:d}, {ending.attempt:d})" for ending in endings)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE scheduling_run
            SET state = 'succeeded', finished_at = %s, lease_expires_at = NULL, error = ''
            WHERE state = 'running' AND (id, attempt) IN (VALUES {values})
            RETURNING id, attempt""",  # noqa: S608  (integers only)
            [connection.ops.adapt_datetimefield_value(endings[0].at)],
        )
        return set(cursor.fetchall())


def _record_one(ending: Ending) -> bool:
    fields: dict[str, Any] = {
        "error": ending.error,
        "result": ending.result,
        "lease_expires_at": None,
        "finished_at": ending.at,
    }
    if ending.retry_at is not None:
        fields |= {"not_before": ending.retry_at, "finished_at": None}
    run = Run.objects.filter(pk=ending.run, attempt=ending.attempt)
    return bool(run.move(RunState.RUNNING, ending.state, **fields))


def still_owned(claims: list[Claim]) -> set[Claim]:
    """Return the started claims whose attempt still runs, kept so until the transaction ends."""
    if not claims:
        return set()
    values = ", ".join(f"({claim.run:d}, {claim.attempt:d})" for claim in claims)
    lock = "FOR UPDATE" if connection.features.has_select_for_update else ""
    with connection.cursor() as cursor:
        cursor.execute(
            f"""SELECT id, attempt FROM scheduling_run
            WHERE state = 'running' AND (id, attempt) IN (VALUES {values}) {lock}"""  # noqa: S608
        )
        owned = set(cursor.fetchall())
    return {claim for claim in claims if (claim.run, claim.attempt) in owned}


def tell_action(pk: int) -> None:
    """Tell the action of a run that failed or was cancelled; in the transaction that ends it."""
    run = Run.objects.get(pk=pk)
    if run.schedule_id and run.state == RunState.FAILED:
        check = partial(pause_if_failing, run.schedule_id, now=run.finished_at or timezone.now())
        transaction.on_commit(check, robust=True)
    action = registry.get(run.action)
    if not (action and action.ended):
        return
    try:
        with transaction.atomic():
            action.ended(run)
    except (OperationalError, InterfaceError):
        raise  # the whole transaction is tried again
    except Exception:  # Boundary: an action's own code must not keep its run from ending.
        logger.exception("The action of run %s failed to be told of its end.", pk)


def give_back(claims: list[Claim]) -> list[bool]:
    """Return runs to the queue from a worker that stops; a stop is not the run's failure.

    The attempt number stays, since it fences; a run that had begun is granted one more instead.
    """
    check_transition(RunState.RUNNING, RunState.PENDING)
    returned = []
    for claim in claims:
        granted = Case(When(started_at=None, then=0), default=1)
        run = Run.objects.filter(pk=claim.run, attempt=claim.attempt)
        fields = {"lease_expires_at": None, "max_attempts": F("max_attempts") + granted}
        returned.append(bool(run.move(RunState.RUNNING, RunState.PENDING, **fields)))
    wakeup.ring_on_commit()
    return returned


def renew(held: set[tuple[int, int]], *, now: datetime) -> set[tuple[int, int]]:
    """Renew the leases of (run, attempt) in hand, begun or not; return those still owned.

    Only of what is in hand: a run whose end could not be written must be rescued. One query.
    """
    if not held:
        return set()
    values = ", ".join(f"({run:d}, {attempt:d})" for run, attempt in held)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""UPDATE scheduling_run SET lease_expires_at = %s
            WHERE state = 'running' AND lease_expires_at IS NOT NULL
              AND (id, attempt) IN (VALUES {values})
            RETURNING id, attempt""",  # noqa: S608  (integers only)
            [connection.ops.adapt_datetimefield_value(now + lease())],
        )
        return {(run, attempt) for run, attempt in cursor.fetchall()}


def cancel_requests(worker: str) -> set[int]:
    """Return the ids that `worker` runs and somebody asked to stop; an almost empty index."""
    requests = Run.objects.running().filter(cancel_requested_at__isnull=False, worker=worker)
    return set(requests.values_list("pk", flat=True))


def backoff(attempt: int, base: float | None = None) -> timedelta:
    """Return the pause after failed attempt number `attempt`: doubling, with a tenth of jitter.

    `base` is the first pause in seconds; a base above the usual longest pause stays as it is.
    """
    base = base or BACKOFF_BASE
    seconds = min(base * 2 ** min(attempt - 1, 30), max(BACKOFF_MOST, base))
    return timedelta(seconds=seconds * (0.9 + 0.2 * secrets.randbelow(1000) / 1000))
