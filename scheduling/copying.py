"""Copies a schedule's definition; what became of the original stays its own."""

from __future__ import annotations

from datetime import datetime

from django.utils.translation import gettext as _

from scheduling.models import NAME_LENGTH, Schedule

_COPIED = (
    *("kind", "timezone", "at", "every", "expression", "start_at", "end_at", "action", "args"),
    *("misfire", "misfire_grace_seconds", "misfire_limit", "overlap", "max_runs"),
    *("jitter_seconds", "max_attempts", "backoff_seconds", "timeout_seconds"),
    "pause_after_failures",
)


def copy_schedule(schedule: Schedule, *, now: datetime, by: str) -> Schedule:
    """Store a paused copy that belongs to the site, and return it.

    Raises ValidationError for a definition that could not be stored anew, such as a single fire
    time that is past.
    """
    name = _("%(name)s (copy)") % {"name": schedule.name[: NAME_LENGTH - 20]}
    reason = _("A copy of #%(id)d, to be resumed when it is ready.") % {"id": schedule.pk}
    copy = Schedule(
        name=name,
        enabled=False,
        paused_at=now,
        paused_by=by[:150],
        paused_reason=reason,
        **{field: getattr(schedule, field) for field in _COPIED},
    )
    copy.save()
    return copy
