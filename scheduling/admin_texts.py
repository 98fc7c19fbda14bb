"""How the admin shows moments, durations, JSON and long texts; all of it escaped."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import Truncator
from django.utils.timesince import timesince
from django.utils.translation import gettext as _

NOTHING = "–"
_JUST_NOW = timedelta(minutes=1)


def duration_text(span: timedelta | None) -> str:
    """Return a span in the two units that matter: "12 ms", "3.2 s", "4 min 5 s", "2 d 3 h"."""
    if span is None:
        return NOTHING
    seconds = span.total_seconds()
    if seconds < 0:
        return f"−{duration_text(-span)}"
    if seconds < 0.9995:
        return _("%(number)d ms") % {"number": round(seconds * 1000)}
    if seconds < 59.95:
        return _("%(number).1f s") % {"number": seconds}
    return _long_duration_text(round(seconds))


def _long_duration_text(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return _("%(days)d d %(hours)d h") % {"days": days, "hours": hours}
    if hours:
        return _("%(hours)d h %(minutes)d min") % {"hours": hours, "minutes": minutes}
    return _("%(minutes)d min %(seconds)d s") % {"minutes": minutes, "seconds": seconds}


def relative_text(moment: datetime, *, now: datetime) -> str:
    """Return "5 minutes ago" or "in 5 minutes", in one unit."""
    if abs(now - moment) < _JUST_NOW:
        seconds = round(abs(now - moment).total_seconds())
        if not seconds:
            return _("now")
        short = _("%(number)d s") % {"number": seconds}
    elif moment <= now:
        short = timesince(moment, now, depth=1)
    else:
        short = timesince(now, moment, depth=1)
    return (_("%(span)s ago") if moment <= now else _("in %(span)s")) % {"span": short}


def moment_text(moment: datetime) -> str:
    """Return a moment to the second in the site's time zone, with the zone's name."""
    local = timezone.localtime(moment)
    return f"{local:%Y-%m-%d %H:%M:%S} {local.tzname()}"


def moment_html(moment: datetime | None, *, now: datetime) -> str:
    """Return the absolute time and, beside it, how long ago or how far ahead it is."""
    if moment is None:
        return NOTHING
    return format_html(
        '<time datetime="{}" class="botflow-moment">{} <span>{}</span></time>',
        moment.isoformat(),
        moment_text(moment),
        relative_text(moment, now=now),
    )


def short_moment_html(moment: datetime | None, *, now: datetime) -> str:
    """Return how long ago or how far ahead a moment is; its title is the absolute time."""
    if moment is None:
        return NOTHING
    return format_html(
        '<time datetime="{}" title="{}" class="botflow-moment">{}</time>',
        moment.isoformat(),
        moment_text(moment),
        relative_text(moment, now=now),
    )


def excerpt_html(text: str, *, length: int = 80) -> str:
    """Return the beginning of a text on one line; its title holds more of it."""
    if not text:
        return NOTHING
    line = " ".join(text[: length * 4].split())
    return format_html(
        '<span title="{}" class="botflow-excerpt">{}</span>',
        Truncator(text).chars(500),
        Truncator(line).chars(length),
    )


def text_html(text: str) -> str:
    """Return a whole text with its line breaks."""
    return format_html('<div class="botflow-text">{}</div>', text) if text else NOTHING


def json_html(value: Any) -> str:
    """Return a JSON value, indented."""
    if value is None:
        return NOTHING
    text = json.dumps(value, indent=2, ensure_ascii=False, sort_keys=True)
    return format_html('<pre class="botflow-json">{}</pre>', text)


def badge_html(text: str, color: str | None = None) -> str:
    """Return a text in the theme's badge; `color` is info, success, warning, danger or none."""
    return render_to_string("unfold/helpers/label.html", {"text": text, "type": color or ""})


def link_html(address: str, text: str) -> SafeString:
    return format_html('<a href="{}" class="botflow-link">{}</a>', address, text)
