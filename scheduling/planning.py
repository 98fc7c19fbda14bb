"""Keeps the one pending run of each schedule, its next occurrence, as its definition says."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.db import InterfaceError, OperationalError
from django.db.models import Q
from django.utils.translation import gettext as _

from scheduling import wakeup
from scheduling.deciding import jitter
from scheduling.models.runs import Run
from scheduling.states import RunState, SkipReason
from scheduling.triggers import InvalidTrigger
from scheduling.writing import writing

if TYPE_CHECKING:
    from scheduling.models import Schedule

logger = logging.getLogger(__name__)

MICROSECOND = timedelta(microseconds=1)
END_OF_CALENDAR = datetime.max.replace(tzinfo=UTC)


def plan(schedule: Schedule, *, now: datetime, since: datetime | None = None) -> Run | None:
    """Make the pending run of a schedule what its definition says; return it, None if none is due.

    Joins the caller's transaction, which holds the schedule's row. An occurrence that is due
    already stays, if the definition still has it; any other is recomputed strictly after now, or
    after `since`. A schedule without a further occurrence is finished; one that has one again goes
    on.
    """
    head = Run.objects.next_occurrences().filter(schedule=schedule).first()
    if schedule.is_paused:
        _withdraw_waiting(schedule, now=now)
        return None
    # Occurrences that a pause called off before their time, and that may come after all.
    called_off = Run.objects.filter(schedule=schedule, skip_reason=SkipReason.PAUSED)
    called_off.filter(state=RunState.SKIPPED, fire_at__gt=now).delete()
    fire_at = _upcoming(schedule, head, now, since or now)
    _settle(schedule, is_finished=fire_at is None, now=now)
    if fire_at is None:
        if head:
            head.delete()
        return None
    values = occurrence(schedule, fire_at)
    if head is None:
        head = Run.objects.create(**values)
    else:
        for name, value in values.items():
            setattr(head, name, value)
        head.save(update_fields=list(values))
    wakeup.ring_on_commit()
    return head


def _upcoming(
    schedule: Schedule, head: Run | None, now: datetime, since: datetime
) -> datetime | None:
    remaining = schedule.policy.remaining
    if remaining is not None and remaining <= 0:
        return None
    trigger = schedule.trigger
    due = head.fire_at if head else None  # None too where the row cannot be read
    if due and due <= now and trigger.next_after(due - MICROSECOND) == due:
        return due
    # Behind whatever was accounted for: a clock that was set back repeats nothing.
    accounted = Run.objects.filter(schedule=schedule, is_next=False, requested_by="")
    last = accounted.order_by("-fire_at").only("fire_at").first()
    return trigger.next_after(max(since, last.fire_at) if last and last.fire_at else since)


def _settle(schedule: Schedule, *, is_finished: bool, now: datetime) -> None:
    """Note on the schedule whether it is finished, where that has changed."""
    if is_finished == (schedule.finished_at is not None):
        return
    schedule.enabled = not is_finished
    schedule.finished_at = now if is_finished else None
    type(schedule).objects.filter(pk=schedule.pk).update(
        enabled=schedule.enabled, finished_at=schedule.finished_at
    )


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
        schedule.enabled, schedule.paused_at = False, now
        schedule.paused_by, schedule.paused_reason = by[:150], reason
        _store(schedule, "enabled", "paused_at", "paused_by", "paused_reason")
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
        schedule.enabled, schedule.paused_at, schedule.resumed_at = True, None, now
        schedule.paused_by = schedule.paused_reason = ""
        _store(schedule, "enabled", "paused_at", "paused_by", "paused_reason", "resumed_at")
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
        schedule.run_count -= withdrawn  # what is skipped does not count
        _store(schedule, "run_count")
    waiting.move(RunState.PENDING, RunState.SKIPPED, **skipped)


def reconcile(*, after: int, most: int, now: datetime, thorough: bool = False) -> int | None:
    """Plan the enabled schedules that lack their next occurrence, in a slice of `most` by id.

    Return the id to go on `after`, None at the end. Such schedules come from bulk inserts and from
    rows edited by hand. `thorough` recomputes all of the slice, as after a new release of the time
    zones' rules. A schedule that cannot be planned is paused with the reason.
    """
    schedules = _schedules()
    ids = list(
        schedules.filter(pk__gt=after, enabled=True)
        .order_by("pk")
        .values_list("pk", flat=True)[:most]
    )
    _mend_misplaced(now=now)
    _give_up_unbounded(ids, now=now)
    planned = set()
    if not thorough:
        runs = Run.objects.next_occurrences().filter(schedule__in=ids)
        planned = set(runs.values_list("schedule_id", flat=True))
    for pk in ids:
        if pk not in planned:
            replan(pk, now=now)
    return ids[-1] if len(ids) == most else None


def _mend_misplaced(*, now: datetime) -> None:
    """Find next occurrences whose moment is no date: they sort behind the end of the calendar."""
    lost = Run.objects.next_occurrences().filter(due_at__gt=END_OF_CALENDAR)
    for pk in list(lost.order_by("due_at", "id").values_list("schedule_id", flat=True)):
        mend_next(pk, now=now)


def _give_up_unbounded(ids: list[int], *, now: datetime) -> None:
    """Give up schedules whose start or end is no date: they would run without any."""
    schedules = _schedules().filter(pk__in=ids, enabled=True)
    beyond = Q(start_at__gt=END_OF_CALENDAR) | Q(end_at__gt=END_OF_CALENDAR)
    for pk in list(schedules.filter(beyond).values_list("pk", flat=True)):
        reason = _("The start or the end is no date and time.")
        give_up(pk, reason, now=now)


def replan(schedule_id: int, *, now: datetime) -> None:
    """Plan one schedule; pause it with the reason if its definition makes no sense."""
    try:
        with writing():
            schedule = _schedules().select_for_update().filter(pk=schedule_id, enabled=True).first()
            if schedule:
                since = min(now, schedule.created_at) if _is_untouched(schedule) else now
                plan(schedule, now=now, since=since)
    except (OperationalError, InterfaceError):
        raise  # the database is away, or chose this transaction to end a deadlock
    except Exception as error:  # noqa: BLE001  Boundary: its reason is stored on the row.
        give_up(schedule_id, str(error) or type(error).__name__, now=now)


def _is_untouched(schedule: Schedule) -> bool:
    """Tell whether a schedule was inserted in bulk: due meanwhile, it is late and not past."""
    touched = schedule.run_count or schedule.paused_at or schedule.resumed_at
    never = not touched and not Run.objects.filter(schedule=schedule).exists()
    return never and schedule.created_at is not None


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


def _store(schedule: Schedule, *fields: str) -> None:
    values = {name: getattr(schedule, name) for name in fields}
    _schedules().filter(pk=schedule.pk).update(**values)


def _schedules() -> Any:
    return Run._meta.get_field("schedule").related_model._default_manager
