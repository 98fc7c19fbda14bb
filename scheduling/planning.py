"""Keeps the one pending run of each schedule, its next occurrence, as its definition says."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, NamedTuple

from django.db import InterfaceError, OperationalError
from django.db.models import OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from scheduling import wakeup
from scheduling.deciding import jitter
from scheduling.inserting import insert
from scheduling.models.runs import Run
from scheduling.states import RunState, SkipReason
from scheduling.triggers import InvalidTrigger
from scheduling.writing import writing

if TYPE_CHECKING:
    from scheduling.models import Schedule

logger = logging.getLogger(__name__)

MICROSECOND = timedelta(microseconds=1)
END_OF_CALENDAR = datetime.max.replace(tzinfo=UTC)
#: Text that is no moment sorts behind the end of the calendar, and may be read as none.
UNBOUNDED = Q(start_at__gt=END_OF_CALENDAR) | Q(end_at__gt=END_OF_CALENDAR)


class Chain(NamedTuple):
    """What is stored of a schedule's occurrences, as far as the next one depends on it."""

    head: Run | None
    #: The last fire time that was accounted for.
    last: datetime | None
    #: Whether its start or its end is no moment: it would run without any.
    is_unbounded: bool


def chains(schedules: Sequence[Schedule]) -> dict[int, Chain]:
    """Return the chain of each schedule by its id; two queries for all of them."""
    next_ones = Run.objects.next_occurrences().filter(schedule__in=schedules)
    heads = {head.schedule_id: head for head in next_ones}
    accounted = Run.objects.filter(schedule=OuterRef("pk"), is_next=False, requested_by="")
    rows = _schedules().filter(pk__in=[schedule.pk for schedule in schedules]).only("pk")
    rows = rows.annotate(
        last=Subquery(accounted.order_by("-fire_at").values("fire_at")[:1]),
        is_unbounded=UNBOUNDED,
    )
    return {row.pk: Chain(heads.get(row.pk), row.last, bool(row.is_unbounded)) for row in rows}


def plan(*schedules: Schedule, now: datetime, is_repair: bool = False) -> None:
    """Make the pending run of each schedule what its definition says; one that is stays unwritten.

    Joins the caller's transaction, which holds the schedules' rows. A schedule without a further
    occurrence is finished; one that has one again goes on. In a repair those that were never
    planned count from their creation: what was due since then is late and not past. Raises
    InvalidTrigger for a definition that is broken.
    """
    for schedule in schedules:
        if schedule.is_paused:
            _withdraw_waiting(schedule, now=now)
    going = [schedule for schedule in schedules if not schedule.is_paused]
    # Occurrences that a pause called off before their time, and that may come after all.
    called_off = Run.objects.filter(schedule__in=going, skip_reason=SkipReason.PAUSED)
    called_off.filter(state=RunState.SKIPPED, fire_at__gt=now).delete()
    stored, lacking = chains(going), []
    for schedule in going:
        chain = stored[schedule.pk]
        is_new = is_repair and _is_untouched(schedule, chain)
        since = min(now, schedule.created_at) if is_new else now
        values = _wanted(schedule, chain, now, since)
        if (schedule.finished_at is None) == (values is None):
            _store(schedule, enabled=bool(values), finished_at=None if values else now)
        if chain.head:
            _adjust(chain.head, values)
        elif values:
            lacking.append(Run(**values, created_at=now))
    insert(lacking)
    wakeup.ring_on_commit()


def is_sound(schedule: Schedule, chain: Chain, *, now: datetime) -> bool:
    """Tell whether `plan` would leave an enabled schedule as it is; raises what `plan` raises."""
    values = _wanted(schedule, chain, now, since=now)
    return bool(chain.head and values and not _differing(chain.head, values))


def _wanted(
    schedule: Schedule, chain: Chain, now: datetime, since: datetime
) -> dict[str, Any] | None:
    """Return the fields of the pending run for the fire time that is next; None if there is none.

    One that is due already stays, if the definition still has it; any other is recomputed strictly
    after `since`.
    """
    if chain.is_unbounded:
        raise InvalidTrigger(_("The start or the end is no date and time."))
    remaining = schedule.policy.remaining
    if remaining is not None and remaining <= 0:
        return None
    trigger = schedule.trigger
    due = chain.head.fire_at if chain.head else None  # None too where the row cannot be read
    if due and due <= now and trigger.next_after(due - MICROSECOND) == due:
        return occurrence(schedule, due)
    # Behind whatever was accounted for: a clock that was set back repeats nothing.
    fire_at = trigger.next_after(max(since, chain.last or since))
    return occurrence(schedule, fire_at) if fire_at else None


def _is_untouched(schedule: Schedule, chain: Chain) -> bool:
    """Tell whether a schedule was inserted in bulk and nothing became of it yet."""
    touched = schedule.run_count or schedule.paused_at or schedule.resumed_at
    return not (touched or chain.head or chain.last)


def _adjust(head: Run, values: dict[str, Any] | None) -> None:
    """Write to a pending run what differs; delete one that should not be."""
    if values is None:
        head.delete()
    elif changed := _differing(head, values):
        for name in changed:
            setattr(head, name, values[name])
        head.save(update_fields=changed)


def _differing(head: Run, values: dict[str, Any]) -> list[str]:
    # What could not be read has a default, which may be what is wanted.
    is_unread = head.due_at is None or bool(head.unreadable)
    return [name for name, value in values.items() if is_unread or getattr(head, name) != value]


def occurrence(schedule: Schedule, fire_at: datetime) -> dict[str, Any]:
    """Return the fields of the pending run for a schedule's next occurrence."""
    most = timedelta(seconds=schedule.jitter_seconds)
    delay = timedelta()
    if most:
        following = schedule.trigger.next_after(fire_at)
        delay = jitter(schedule.pk, fire_at, most, following - fire_at if following else None)
    return work(schedule) | {
        "fire_at": fire_at,
        "not_before": fire_at + delay if delay else None,
        "is_next": True,
    }


def work(schedule: Schedule) -> dict[str, Any]:
    """Return what the runs of a schedule have in common.

    Raises InvalidTrigger where the row's arguments are none.
    """
    if not isinstance(schedule.args, dict):
        given = str(schedule.args)[:200]
        raise InvalidTrigger(_("The arguments are no object: %(args)s") % {"args": given})
    return {
        "schedule_id": schedule.pk,
        "title": schedule.name,
        "action": schedule.action,
        "args": schedule.args,
        "key": schedule.run_key,
        "max_attempts": schedule.max_attempts,
        "backoff_seconds": schedule.backoff_seconds,
        "timeout_seconds": schedule.timeout_seconds,
    }


def pause(schedule: Schedule, *, now: datetime, by: str = "", reason: str = "") -> bool:
    """Pause an enabled schedule; return whether it was. What runs already goes on to its end.

    Its next occurrence, and accepted ones that have not begun, are skipped as paused.
    """
    with writing():
        schedule = _locked(schedule)
        if not schedule.enabled:
            return False
        _store(schedule, enabled=False, paused_at=now, paused_by=by[:150], paused_reason=reason)
        plan(schedule, now=now)
    return True


def resume(schedule: Schedule, *, now: datetime) -> bool:
    """Let a paused schedule go on from its next fire time after now; return whether it was paused.

    What was missed in between stays missed. Raises InvalidTrigger for a definition that is broken.
    """
    with writing():
        schedule = _locked(schedule)
        if not schedule.is_paused:
            return False
        not_paused = {"paused_at": None, "paused_by": "", "paused_reason": ""}
        _store(schedule, enabled=True, resumed_at=now, **not_paused)
        plan(schedule, now=now)
    return True


def run_now(schedule: Schedule, *, now: datetime, by: str) -> Run:
    """Queue one run of a schedule at once, paused or not; it does not count towards its maximum.

    Raises InvalidTrigger for a definition that is broken.
    """
    with writing():
        schedule, moment = _locked(schedule), now
        trigger, runs = schedule.trigger, Run.objects.filter(schedule=schedule)
        # Never the fire time of an occurrence, which is one run.
        while moment == trigger.next_after(moment - MICROSECOND) or (
            runs.filter(fire_at=moment).exists()
        ):
            moment -= MICROSECOND
        run = Run.objects.create(
            **work(schedule), fire_at=moment, created_at=now, requested_by=by[:150] or "?"
        )
        wakeup.ring_on_commit()
    return run


def pause_if_failing(schedule_id: int, *, now: datetime) -> bool:
    """Pause a schedule whose last runs all failed, as many as it allows; return whether it was.

    Those that ended before it was last resumed do not count, nor do skipped and cancelled ones.
    """
    schedule = _schedules().filter(pk=schedule_id, enabled=True).first()
    if schedule is None or not schedule.pause_after_failures:
        return False
    ended = Run.objects.filter(schedule=schedule).filter(
        state__in=(RunState.SUCCEEDED, RunState.FAILED)
    )
    if schedule.resumed_at:
        ended = ended.filter(finished_at__gt=schedule.resumed_at)
    last = ended.order_by("-fire_at").values_list("state", "error")
    last = last[: schedule.pause_after_failures]
    if len(last) < schedule.pause_after_failures or any(s != RunState.FAILED for s, _error in last):
        return False
    reason = _("It failed %(count)d times in a row. The last time: %(error)s") % {
        "count": len(last),
        "error": last[0][1],
    }
    logger.warning("Schedule %s (%s) pauses itself. %s", schedule.pk, schedule.name, reason)
    return pause(schedule, now=now, reason=reason)


def _withdraw_waiting(schedule: Schedule, *, now: datetime) -> None:
    """Skip what has not begun of a paused schedule, other than what was asked for by hand."""
    waiting = Run.objects.filter(schedule=schedule, attempt=0, requested_by="")
    skipped = {"skip_reason": SkipReason.PAUSED, "finished_at": now}
    accepted = waiting.filter(is_next=False)
    if withdrawn := accepted.move(RunState.PENDING, RunState.SKIPPED, **skipped):
        # What is skipped does not count.
        _store(schedule, run_count=schedule.run_count - withdrawn)
    waiting.move(RunState.PENDING, RunState.SKIPPED, **skipped)


def replan(*ids: int, now: datetime) -> bool:
    """Plan the enabled schedules among these in one transaction, as a repair.

    Return False, with none planned, if one of several makes no sense: each is to be tried alone.
    A lone one is paused with the reason.
    """
    try:
        with writing():
            schedules = _schedules().filter(pk__in=ids, enabled=True)
            # On PostgreSQL whoever saves or notices one of them right now plans it.
            plan(*schedules.select_for_update(skip_locked=True), now=now, is_repair=True)
    except (OperationalError, InterfaceError):
        raise  # the database is away, or chose this transaction to end a deadlock
    except Exception as error:  # noqa: BLE001  Boundary: its reason is stored on the row.
        if len(ids) > 1:
            logger.warning("Some of %d schedules cannot be planned together.", len(ids))
            return False
        give_up(ids[0], str(error) or type(error).__name__, now=now)
    return True


def mend_next(schedule_id: int, *, now: datetime) -> bool:
    """Fail a next occurrence whose row cannot be read and plan anew; return whether it was so."""
    with writing():
        head = Run.objects.next_occurrences().filter(schedule=schedule_id).first()
        if head is None or not head.unreadable:
            return False
        logger.error("Run %s, the next of schedule %s, fails.", head.pk, schedule_id)
        fail_next(schedule_id, head.unreadable_reason, now=now, fire_at=now, not_before=None)
    replan(schedule_id, now=now)
    return True


def give_up(schedule_id: int, error: str, *, now: datetime) -> None:
    """Pause a schedule whose row makes no sense; its occurrence fails with the reason.

    Touches no column but its own: any other may be what cannot be read.
    """
    reason = _("Its definition cannot be used: %(error)s") % {"error": error}
    logger.error("Schedule %s is paused. %s", schedule_id, reason)
    with writing():
        _schedules().filter(pk=schedule_id, enabled=True).update(
            enabled=False, paused_at=now, paused_by="", paused_reason=reason
        )
        fail_next(schedule_id, reason, now=now)


def fail_next(schedule_id: int, error: str, *, now: datetime, **fields: Any) -> None:
    """End a schedule's next occurrence as failed with the reason; one query for each move."""
    head = Run.objects.next_occurrences().filter(schedule=schedule_id)
    runs = Run.objects.filter(pk__in=list(head.values_list("pk", flat=True)))
    # Without its key: another run of the key may be running, and this one does nothing.
    held = {"key": "", "lease_expires_at": now, "started_at": now}
    runs.move(RunState.PENDING, RunState.RUNNING, **held | fields)
    ended = {"lease_expires_at": None, "finished_at": now, "error": error}
    runs.move(RunState.RUNNING, RunState.FAILED, **ended)


def _locked(schedule: Schedule) -> Schedule:
    return _schedules().select_for_update().get(pk=schedule.pk)


def _store(schedule: Schedule, **values: Any) -> None:
    """Set these columns of a schedule, and no other."""
    for name, value in values.items():
        setattr(schedule, name, value)
    _schedules().filter(pk=schedule.pk).update(**values)


def _schedules() -> Any:
    return Run._meta.get_field("schedule").related_model._default_manager
