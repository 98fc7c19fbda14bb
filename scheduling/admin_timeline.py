"""The timeline: what ran in the last 24 hours and what is due in the next, a row each schedule."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.utils import timezone
from django.utils.translation import gettext as _

from scheduling import clock
from scheduling.admin_run_texts import state_text
from scheduling.admin_timeline_drawing import DAY, Scale, ahead_marks, hours, past_marks, row_text
from scheduling.admin_timeline_rows import MOST_ROWS, chosen_schedules, counted, fire_times
from scheduling.triggers import InvalidTrigger, zone_named

if TYPE_CHECKING:
    from scheduling.admin_schedules import ScheduleAdmin

SHOWN_STATES = ("succeeded", "failed", "skipped", "cancelled", "running")


def timeline_view(page: ScheduleAdmin, request: HttpRequest) -> HttpResponse:
    """Show the timeline to those who may view schedules and runs; `zone` is whose clock it has."""
    allowed = request.user.has_perm("scheduling.view_run") and page.has_view_permission(request)
    if not allowed:
        raise PermissionDenied
    zone = _zone(request.GET.get("zone", ""))
    now = clock.now()
    with timezone.override(zone):
        context = (
            page.admin_site.each_context(request)
            | _drawn(now)
            | {
                "title": _("Timeline"),
                "opts": page.opts,
                "zone": str(zone),
                "media": page.media,
            }
        )
        return TemplateResponse(request, "scheduling/timeline.html", context).render()


def _zone(name: str) -> Any:
    try:
        return zone_named(name)
    except InvalidTrigger:
        return zone_named(settings.TIME_ZONE)


def _drawn(now: datetime) -> dict[str, Any]:
    """Return the rows with their marks; a handful of queries, whatever is stored."""
    scale = Scale(now - DAY, now + DAY)
    schedules, has_more = chosen_schedules(now=now)
    counts, reached = counted([schedule.pk for schedule in schedules], since=scale.start, now=now)
    rows = []
    for schedule in schedules:
        past, limit = counts[schedule.pk], reached.get(schedule.pk)
        ahead = fire_times(schedule, now=now, until=scale.end)
        rows.append(
            {
                "schedule": schedule,
                "text": row_text(past, ahead),
                "past": past_marks(past, scale),
                "unknown": scale.percent(limit) if limit and limit > scale.start else 0,
                "ahead": ahead_marks(ahead, scale),
            }
        )
    return {
        "rows": rows,
        "hours": hours(scale),
        "now": scale.percent(now),
        "note": _("Only %(number)d schedules are drawn: the busiest, and those due next.")
        % {"number": MOST_ROWS}
        if has_more
        else "",
        "legend": [
            *((state, state_text(state)) for state in SHOWN_STATES),
            ("next", state_text("", is_next=True)),
        ],
    }
