"""The numbers on the admin's first page and in its sidebar; each costs an index look-up or two."""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Count
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from botflow_site.health import LATE, look_at_queue
from conversations.budgets import day_of, tokens_today
from conversations.channels import get_channel
from conversations.models import Conversation, Message
from scheduling.admin_texts import duration_text, moment_text
from scheduling.describing import relative
from scheduling.models import Run
from scheduling.states import RunState

DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
# Runs whose lateness is looked at: the latest ones, however many there were.
SAMPLE = 2000
# Next occurrences on the first page.
UPCOMING = 6
# Beyond this many, a badge says "99+".
MOST_ON_BADGE = 99
# Kept messages are not counted beyond this many.
MOST_KEPT = 9999


def failed_lately() -> str:
    """Return how many runs failed in the last 24 h as a badge shows it; empty for none."""
    since = timezone.now() - DAY
    failed = Run.objects.filter(state=RunState.FAILED, finished_at__gt=since)
    number = failed.order_by()[: MOST_ON_BADGE + 1].count()
    if number > MOST_ON_BADGE:
        return f"{MOST_ON_BADGE}+"
    return str(number or "")


def fill_index(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add the cards of what the user may view."""
    now = timezone.now()
    context["title"] = _("Overview")
    cards: list[dict[str, Any]] = []
    if request.user.has_perm("scheduling.view_run"):
        cards += _queue_cards()
        cards.append(_lateness_card(now=now))
        context["outcomes"] = _outcomes(now=now)
    if request.user.has_perm("scheduling.view_schedule"):
        context["upcoming"] = _upcoming(now=now)
    if request.user.has_perm("conversations.view_message"):
        cards.append(_messages_card(now=now))
        cards += _kept_cards()
    if request.user.has_perm("conversations.view_usage"):
        cards.append(_tokens_card(now=now))
    context["cards"] = cards
    return context


def _queue_cards() -> list[dict[str, Any]]:
    queue = look_at_queue()
    oldest = queue["oldest_due_seconds"]
    runs = reverse("admin:scheduling_run_changelist")
    waiting = urlencode({"state__exact": RunState.PENDING.value})
    return [
        {
            "title": _("Clusters alive"),
            "value": queue["clusters"],
            "note": "" if queue["clusters"] else _("Nothing is answered until one is started."),
            "is_bad": not queue["clusters"],
            "link": reverse("admin:scheduling_clusterstatus_changelist"),
        },
        {
            "title": _("Runs waiting"),
            "value": queue["pending"],
            "note": _("%(number)d running") % {"number": queue["running"]},
            "link": f"{runs}?{waiting}",
        },
        {
            "title": _("Oldest due run waits"),
            "value": duration_text(timedelta(seconds=oldest)) if oldest else "–",
            "note": "" if oldest else _("none is due"),
            "is_bad": oldest >= LATE,
            "link": f"{runs}?{waiting}",
        },
    ]


def _lateness_card(*, now: datetime) -> dict[str, Any]:
    """Show how late the latest runs of the last hour began: the middle and the worst hundredth."""
    latest = Run.objects.filter(
        finished_at__gt=now - HOUR, finished_at__lte=now, started_at__isnull=False
    ).order_by("-finished_at")
    pairs = latest.values_list("started_at", "due_at")[:SAMPLE]
    late = sorted(started - due for started, due in pairs if started is not None)
    if not late:
        return {"title": _("Lateness, last hour"), "value": "–", "note": _("nothing ran")}
    return {
        "title": _("Lateness, last hour"),
        "value": duration_text(percentile(late, 50)),
        "note": _("median; 99th percentile: %(span)s")
        % {"span": duration_text(percentile(late, 99))},
        "is_note_bad": percentile(late, 99).total_seconds() >= LATE,
    }


def percentile(ordered: list[timedelta], hundredths: int) -> timedelta:
    """Return the smallest value that `hundredths` of 100 do not exceed; `ordered` is not empty."""
    return ordered[math.ceil(len(ordered) * hundredths / 100) - 1]


def _messages_card(*, now: datetime) -> dict[str, Any]:
    midnight = timezone.localtime(now).replace(hour=0, minute=0, second=0, microsecond=0)
    active = Conversation.objects.filter(updated_at__gte=midnight).count()
    return {
        "title": _("Messages today"),
        "value": Message.objects.filter(created_at__gte=midnight).count(),
        "note": _("in %(number)d conversations") % {"number": active},
        "link": reverse("admin:conversations_message_changelist"),
    }


def _tokens_card(*, now: datetime) -> dict[str, Any]:
    used, limit = tokens_today(now=now), settings.BOTFLOW_SITE_TOKENS_PER_DAY
    days = reverse("admin:conversations_usage_changelist")
    # As the list's own filter has it, which then shows what is chosen.
    today = urlencode({"day__gte": str(day_of(now)), "day__lt": str(day_of(now) + DAY)})
    return {
        "title": _("Tokens today"),
        "value": f"{used.total:,}",
        "note": _("of %(number)s") % {"number": f"{limit:,}"} if limit else "",
        "is_bad": 0 < limit <= used.total,
        "link": f"{days}?{today}",
    }


def _kept_cards() -> list[dict[str, Any]]:
    """Show how many messages wait for their reader to write, where a channel keeps any."""
    if not any(get_channel(name).holds for name in settings.BOTFLOW_CHANNELS):
        return []
    held = Message.Delivery.HELD.value
    kept = Message.objects.undelivered().filter(delivery_state=held).order_by()
    number = kept[: MOST_KEPT + 1].count()
    query = urlencode({"delivery_state__exact": held})
    return [
        {
            "title": _("Messages kept"),
            "value": f"{MOST_KEPT}+" if number > MOST_KEPT else number,
            "note": _("until their followers write") if number else "",
            "link": f"{reverse('admin:conversations_message_changelist')}?{query}",
        }
    ]


def _upcoming(*, now: datetime) -> list[dict[str, Any]]:
    """Return the occurrences of schedules that are due next; the head of an index."""
    heads = Run.objects.next_occurrences().order_by("due_at", "id")
    return [
        {
            "name": title or f"#{pk}",
            "link": reverse("admin:scheduling_schedule_change", args=[pk]),
            "moment": moment_text(fire_at),
            "relative": relative(fire_at, now=now),
        }
        for pk, title, fire_at in heads.values_list("schedule_id", "title", "fire_at")[:UPCOMING]
    ]


def _outcomes(*, now: datetime) -> list[dict[str, Any]]:
    """Return the ends of the last 24 h, each with its share of all in percent."""
    ended = Run.objects.finished().filter(finished_at__gt=now - DAY).order_by()
    counts = dict(ended.values_list("state").annotate(Count("pk")))
    total = sum(counts.values()) or 1
    runs = reverse("admin:scheduling_run_changelist")
    shown = (RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.SKIPPED)
    return [
        {
            "state": state.value,
            "label": state.label,
            "number": counts.get(state.value, 0),
            "percent": round(100 * counts.get(state.value, 0) / total),
            "link": f"{runs}?{urlencode({'state__exact': state.value})}",
        }
        for state in shown
    ]
