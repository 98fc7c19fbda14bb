"""The run history of one schedule: what became of each occurrence, newest first, page by page."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from scheduling import clock
from scheduling.admin_run_texts import run_badge_html
from scheduling.admin_schedule_rows import READ_ERRORS
from scheduling.admin_schedule_texts import zoned_text
from scheduling.admin_strips import strip_html
from scheduling.admin_texts import NOTHING, duration_text, excerpt_html
from scheduling.describing import relative
from scheduling.models import Run, Schedule

if TYPE_CHECKING:
    from scheduling.admin_schedules import ScheduleAdmin

PAGE_LENGTH = 50

#: What a run's result may name → the page that shows it and the parameter that picks it there.
RESULT_PAGES = {"messages": ("admin:conversations_message_changelist", "uuid__exact")}
# A run that sent to thousands names them all.
MOST_LINKS = 5


def history_view(page: ScheduleAdmin, request: HttpRequest, *, pk: int) -> HttpResponse:
    """Show the runs of a schedule to those who may view both; `before` is where to go on."""
    allowed = request.user.has_perm("scheduling.view_run") and page.has_view_permission(request)
    if not allowed:
        raise PermissionDenied
    schedule = Schedule.objects.filter(pk=pk).values("pk", "name", "timezone", "run_count").first()
    if schedule is None:
        raise Http404
    runs, older = _page(pk, request.GET.get("before", ""))
    now = clock.now()
    context = page.admin_site.each_context(request) | {
        "title": _("Runs of “%(schedule)s”") % {"schedule": schedule["name"] or f"#{pk}"},
        "opts": page.opts,
        "schedule": schedule,
        "lines": [_line(run, str(schedule["timezone"]), now=now) for run in runs],
        "strip": strip_html([run for run in runs if not run.is_next]),
        "older": f"?{urlencode({'before': older.isoformat()})}" if older else "",
        "is_later_page": "before" in request.GET,
        "every_run": f"{reverse('admin:scheduling_run_changelist')}?"
        + urlencode({"schedule__id__exact": pk}),
        "media": page.media,
    }
    return TemplateResponse(request, "scheduling/history.html", context)


def _page(pk: int, before: str) -> tuple[list[Run], datetime | None]:
    """Return a page of runs and the fire time to go on from; a range of one index."""
    runs = Run.objects.filter(schedule=pk).defer("args").order_by("-fire_at")
    if moment := _moment(before):
        runs = runs.filter(fire_at__lt=moment)
    try:
        found = list(runs[: PAGE_LENGTH + 1])
    except READ_ERRORS:  # a result that was edited by hand
        found = list(runs.defer("args", "result")[: PAGE_LENGTH + 1])
        for run in found:
            run.result = None
    if len(found) <= PAGE_LENGTH:
        return found, None
    return found[:PAGE_LENGTH], found[PAGE_LENGTH - 1].fire_at


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment and timezone.is_aware(moment) else None


def _line(run: Run, zone_name: str, *, now: datetime) -> dict[str, Any]:
    text, zone = zoned_text(run.fire_at, zone_name)
    return {
        "run": run,
        "address": reverse("admin:scheduling_run_change", args=[run.pk]),
        "fire_time": text,
        "zone": zone,
        "relative": relative(run.fire_at, now=now),
        "badge": run_badge_html(run),
        "late": duration_text(run.lateness),
        "took": duration_text(run.duration),
        "tries": f"{run.attempt}/{run.max_attempts}" if run.attempt else NOTHING,
        "error": excerpt_html(run.error, length=80) if run.error else "",
        "links": list(result_links(run.result)),
    }


def result_links(result: Any) -> list[tuple[str, str]]:
    """Return (address, text) of what a run says it made, as far as a page shows it."""
    links: list[tuple[str, str]] = []
    for name, (page, parameter) in RESULT_PAGES.items():
        made = result.get(name) if isinstance(result, dict) else None
        if not isinstance(made, list):
            continue
        try:
            address = reverse(page)
        except NoReverseMatch:  # the app that shows them is not installed
            continue
        links += [
            (f"{address}?{urlencode({parameter: each})}", each[:8])
            for each in made[:MOST_LINKS]
            if isinstance(each, str)
        ]
    return links
