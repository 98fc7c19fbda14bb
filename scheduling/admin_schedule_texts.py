"""How the admin shows a schedule: its state, its words, its next occurrence, its last result."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.translation import gettext as _

from scheduling.actions import registry
from scheduling.admin_run_texts import state_text
from scheduling.admin_texts import NOTHING, badge_html, short_moment_html
from scheduling.describing import describe, relative
from scheduling.models import Run, Schedule
from scheduling.triggers import InvalidTrigger, zone_named
from scheduling.validating import sentence


def schedule_badge_html(schedule: Any) -> SafeString:
    """Return the state in a badge; a pause says why and by whom."""
    if schedule.finished_at is not None:
        return format_html("{}", badge_html(_("Finished")))
    if not schedule.is_paused:
        return format_html("{}", badge_html(_("Enabled"), "success"))
    reason = _pause_text(schedule)
    return format_html(
        '<div class="botflow-cell"><span title="{}">{}</span>'
        '<span class="botflow-sub">{}</span></div>',
        Truncator(reason).chars(500),
        badge_html(_("Paused"), "warning"),
        Truncator(reason).chars(60),
    )


def _pause_text(schedule: Any) -> str:
    if not schedule.paused_by:
        return str(schedule.paused_reason)
    return _("%(who)s: %(reason)s") % {
        "who": schedule.paused_by,
        "reason": schedule.paused_reason or _("no reason given"),
    }


def words_html(schedule: Any) -> SafeString:
    """Return what the schedule does and when in words, or what is wrong with it."""
    action = registry.get(schedule.action)
    return format_html(
        '<div class="botflow-cell">{}<span class="botflow-sub">{}</span></div>',
        when_html(schedule),
        Truncator(str(action.label) if action else schedule.action).chars(40),
    )


def when_html(schedule: Any) -> SafeString:
    if defect := getattr(schedule, "defect", ""):
        text = _("This row cannot be read: %(error)s") % {"error": Truncator(defect).chars(200)}
        return format_html('<span class="botflow-error">{}</span>', text)
    try:
        return format_html("{}", when_text(schedule))
    except InvalidTrigger as error:
        text = Truncator(sentence(error)).chars(200)
        return format_html('<span class="botflow-error">{}</span>', text)


def when_text(schedule: Schedule) -> str:
    """Return the trigger in words; raises InvalidTrigger."""
    return describe(schedule.trigger, timezone=schedule.timezone)


def next_html(schedule: Any, fire_at: datetime | None, *, now: datetime) -> SafeString | str:
    """Return the next fire time on the clock of the schedule's zone and how far off it is."""
    if fire_at is None:
        return NOTHING
    text, zone = zoned_text(fire_at, schedule.timezone)
    return format_html(
        '<time datetime="{}" title="{}" class="botflow-moment">{} <span>{}</span></time>',
        fire_at.isoformat(),
        zone,
        text,
        relative(fire_at, now=now),
    )


def zoned_text(moment: datetime, zone_name: str) -> tuple[str, str]:
    """Return "2026-03-04 09:30:00" on a zone's clock and the zone's name; UTC for one unknown."""
    local, name = to_zone(moment, zone_name)
    return f"{local:%Y-%m-%d %H:%M:%S}", name


def to_zone(moment: datetime, zone_name: str) -> tuple[datetime, str]:
    try:
        return moment.astimezone(zone_named(zone_name)), zone_name
    except (InvalidTrigger, OverflowError):
        return moment.astimezone(UTC), "UTC"


def fire_time_parts(moment: datetime, zone_name: str, *, now: datetime) -> dict[str, str]:
    """Return a fire time for people: date, weekday, time, offset from UTC, how far off it is."""
    local, _name = to_zone(moment, zone_name)
    offset = f"{local:%z}"
    return {
        "iso": moment.isoformat(),
        "date": f"{local:%Y-%m-%d}",
        "weekday": date_format(local, "D"),
        "time": f"{local:%H:%M:%S}",
        "offset": f"UTC{offset[:3]}:{offset[3:5]}",
        "relative": relative(moment, now=now),
    }


def last_html(runs: Sequence[Run], *, now: datetime) -> SafeString | str:
    """Return the state of the latest run that ended or runs, and when that was."""
    if not runs:
        return NOTHING
    run = runs[0]
    moment = run.finished_at or run.started_at or run.fire_at
    return format_html(
        '<span class="botflow-last is-{}">{} <span class="botflow-soft">{}</span></span>',
        run.state,
        state_text(run.state, run.skip_reason),
        short_moment_html(moment, now=now),
    )
