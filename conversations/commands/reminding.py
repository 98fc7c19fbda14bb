"""Sets up tasks, for `/remind` and for the assistant's tools, and tells what was understood."""

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
ASK = "conversations.ask"
# The command may have waited behind a long answer: what is due by then is said this much later.
SOON = timedelta(seconds=1)
# Gaps that are looked at of a cron expression, and next times that are told.
GAPS, TOLD = 100, 3


class TaskRefused(Exception):
    """A task that may not be set up; the message says why, to whoever wanted it."""


def remind(
    argument: str, conversation: Conversation, *, received_at: datetime, now: datetime
) -> str:
    """Store the reminder that was typed; return what was understood, as `set_up` does.

    "In 10 minutes" counts from when it was said, however long the command waited. Raises
    UnclearTime and TaskRefused.
    """
    when = read_when(argument, now=received_at, timezone=conversation.timezone)
    return set_up(when, conversation, action=SEND_TEXT, now=now)


def set_up(
    when: When,
    conversation: Conversation,
    *,
    action: str,
    now: datetime,
    since: datetime | None = None,
) -> str:
    """Store a task that does `action` with the text; return what was understood.

    Joins the caller's transaction, which holds the conversation's row: two at once neither exceed
    the quota nor take one number. The same task that was set up after `since` is not set up again
    but told of again. Raises TaskRefused.
    """
    _check_gaps(when, now=now)
    schedule = _same(when, conversation, action=action, since=since) if since else None
    if schedule is None:
        _check_room(conversation)
        schedule = _schedule(when, conversation, action=action, now=now)
        schedule.save()
    return _understood(schedule, conversation, now=now)


def _schedule(when: When, conversation: Conversation, *, action: str, now: datetime) -> Schedule:
    return Schedule(
        **_trigger_fields(when, now=now),
        name=_name(when.text),
        timezone=conversation.timezone,
        action=action,
        args=_args(when, conversation, action=action),
        owner=conversation.owner,
        number=_next_number(conversation),
        # Late rather than never; and once, however often it was missed.
        misfire=Schedule.Misfire.RUN_ONCE,
        created_at=now,
    )


def _args(when: When, conversation: Conversation, *, action: str) -> dict[str, str]:
    name = "prompt" if action == ASK else "text"
    return {"conversation": str(conversation.uuid), name: when.text}


def _same(
    when: When, conversation: Conversation, *, action: str, since: datetime
) -> Schedule | None:
    """Return the task that does the same at the same times, set up after `since`."""
    own = Schedule.objects.filter(owner=conversation.owner, action=action, created_at__gte=since)
    args = _args(when, conversation, action=action)
    for schedule in own.filter(number__isnull=False).order_by("number"):
        # What was due before it was set up is put off to then, as it would be now.
        fields = _trigger_fields(when, now=schedule.created_at) | {"args": args}
        if all(getattr(schedule, name) == value for name, value in fields.items()):
            return schedule
    return None


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
    # `at` is that of a task that comes once, even if it has come since.
    times = [schedule.at] if schedule.at else schedule.next_fire_times(TOLD, now=now)
    note = get_channel(conversation.channel).reach_note(conversation, times)
    if schedule.action == ASK:
        promise = _("The assistant will be asked then: %(text)s")
    else:
        promise = _("I will remind you: %(text)s")
    lines = [
        promise % {"text": shown(schedule.name)},
        "",
        describe(schedule.trigger, timezone=zone, show_timezone=True),
        *(f"- {next_text(at, timezone=zone, now=now)}" for at in times),
        "",
        *([note, ""] if note else []),
        _("This is task %(number)d. To cancel it: /cancel %(number)d")
        % {"number": schedule.number},
    ]
    return "\n".join(lines)
