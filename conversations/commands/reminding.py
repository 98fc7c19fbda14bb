"""`/remind`: turns a time in words into a schedule that says a text; tells what it understood."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import Max
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations.channels import get_channel
from conversations.commands.command_texts import next_text
from conversations.commands.when import When, read_when
from conversations.commands.when_phrases import shown
from conversations.models import Conversation
from scheduling.describing import describe
from scheduling.models import Schedule
from scheduling.triggers import CronTrigger, IntervalTrigger, OnceTrigger

SEND_TEXT = "conversations.send_text"
# The command may have waited behind a long answer: what is due by then is said this much later.
SOON = timedelta(seconds=1)
# Gaps that are looked at of a cron expression, and next times that are told.
GAPS, TOLD = 100, 3


class TaskRefused(Exception):
    """A task that may not be set up; the message says why, to whoever wanted it."""


def remind(
    argument: str, conversation: Conversation, *, received_at: datetime, now: datetime
) -> str:
    """Store the reminder; return what was understood. Joins the caller's transaction.

    That holds the conversation's row: two commands at once neither exceed the quota nor take one
    number. "In 10 minutes" counts from when it was said, however long the command waited. Raises
    UnclearTime and TaskRefused.
    """
    when = read_when(argument, now=received_at, timezone=conversation.timezone)
    _check_gaps(when, now=now)
    _check_room(conversation)
    schedule = Schedule(
        **_trigger_fields(when, now=now),
        name=_name(when.text),
        timezone=conversation.timezone,
        action=SEND_TEXT,
        args={"conversation": str(conversation.uuid), "text": when.text},
        owner=conversation.owner,
        number=_next_number(conversation),
        # Late rather than never; and once, however often it was missed.
        misfire=Schedule.Misfire.RUN_ONCE,
    )
    schedule.save()
    return _understood(schedule, conversation, now=now)


def _check_gaps(when: When, *, now: datetime) -> None:
    """Raise TaskRefused for what fires too often; a single moment may be any."""
    if isinstance(when.trigger, OnceTrigger):
        return
    least = settings.BOTFLOW_MIN_TASK_INTERVAL
    earlier = when.trigger.next_after(now)
    for _gap in range(GAPS):
        later = when.trigger.next_after(earlier) if earlier else None
        if earlier is None or later is None:
            return
        if later - earlier < timedelta(seconds=least):
            raise TaskRefused(_too_often(least))
        earlier = later


def _too_often(least: int) -> str:
    return ngettext(
        "That is too often: here a task may come every %(least)d second at most.",
        "That is too often: here a task may come every %(least)d seconds at most.",
        least,
    ) % {"least": least}


def _check_room(conversation: Conversation) -> None:
    most = settings.BOTFLOW_MAX_TASKS
    own = Schedule.objects.filter(owner=conversation.owner, finished_at__isnull=True)
    if own.count() >= most:
        raise TaskRefused(
            ngettext(
                "There is room for %(most)d task only. Cancel one first: /tasks shows them.",
                "There is room for %(most)d tasks only. Cancel one first: /tasks shows them.",
                most,
            )
            % {"most": most}
            if most
            else _("No tasks can be set up here.")
        )


def _next_number(conversation: Conversation) -> int:
    own = Schedule.objects.filter(owner=conversation.owner)
    return int(own.aggregate(last=Max("number"))["last"] or 0) + 1


def _name(text: str) -> str:
    """Return the beginning of a text as the one line by which the task is known."""
    line = " ".join("".join(each if each.isprintable() else " " for each in text[:400]).split())
    return (line if len(line) <= 100 else line[:99] + "…") or "…"


def _trigger_fields(when: When, *, now: datetime) -> dict[str, Any]:
    trigger = when.trigger
    match trigger:
        case OnceTrigger():
            return {"kind": Schedule.Kind.ONCE, "at": max(trigger.at, now + SOON)}
        case IntervalTrigger():
            start = {"start_at": trigger.start, "end_at": trigger.end}
            return {"kind": Schedule.Kind.INTERVAL, "every": trigger.every} | start
        case CronTrigger():
            start = {"start_at": trigger.start, "end_at": trigger.end}
            return {"kind": Schedule.Kind.CRON, "expression": trigger.expression} | start


def _understood(schedule: Schedule, conversation: Conversation, *, now: datetime) -> str:
    zone = conversation.timezone
    is_once = schedule.kind == Schedule.Kind.ONCE
    times = schedule.next_fire_times(1 if is_once else TOLD, now=now)
    note = get_channel(conversation.channel).reach_note(conversation, times)
    lines = [
        _("I will remind you: %(text)s") % {"text": shown(schedule.name)},
        "",
        describe(schedule.trigger, timezone=zone, show_timezone=True),
        *(f"- {next_text(at, timezone=zone, now=now)}" for at in times),
        "",
        *([note, ""] if note else []),
        _("This is task %(number)d. To cancel it: /cancel %(number)d")
        % {"number": schedule.number},
    ]
    return "\n".join(lines)
