"""The words in which commands reply: moments, lines of a list, what there is to type."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils import dateformat, translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from conversations.commands.parsing import NAMES
from conversations.commands.tasks import words_of
from conversations.commands.when_phrases import shown
from conversations.models import Conversation
from scheduling.describing import relative
from scheduling.models import Schedule

#: Tasks that a reply lists; the page shows all of them.
LISTED = 50


def moment_text(at: datetime, *, timezone: str) -> str:
    """Return a moment with its weekday in a zone; with its offset where it comes twice there."""
    local = at.astimezone(ZoneInfo(timezone))
    # Translators: Django's date format letters.
    pattern = pgettext("date format", "l, j F Y \\a\\t H:i")
    text = dateformat.format(local, f"{pattern}:s" if local.second else pattern)
    if local.replace(fold=1 - local.fold).utcoffset() != local.utcoffset():
        text += f" UTC{local:%z}"
    return text


def next_text(at: datetime, *, timezone: str, now: datetime) -> str:
    return _("%(moment)s (%(distance)s)") % {
        "moment": moment_text(at, timezone=timezone),
        "distance": relative(at, now=now),
    }


def task_line(task: Schedule, conversation: Conversation, *, now: datetime) -> str:
    """Return a task as a line of the list; `task` has its `next_fire_at`."""
    parts = []
    if task.kind != Schedule.Kind.ONCE or task.is_paused:
        parts.append(words_of(task, timezone=conversation.timezone))
    if task.is_paused:
        reason = task.paused_reason
        bare = pgettext("task", "paused")
        parts.append(_("paused: %(reason)s") % {"reason": reason} if reason else bare)
    else:
        parts.append(upcoming_text(task, conversation, now=now))
    numbered = _("#%(number)d %(text)s") % {"number": task.number, "text": shown(task.name)}
    return " · ".join([numbered, *(part for part in parts if part)])


def upcoming_text(task: Schedule, conversation: Conversation, *, now: datetime) -> str:
    """Return "next: …" of a task with its `next_fire_at`, nothing where it has none."""
    at: datetime | None = getattr(task, "next_fire_at", None)
    if at is None:
        return ""
    when = next_text(at, timezone=conversation.timezone, now=now)
    return _("next: %(when)s") % {"when": when}


def list_text(tasks: Sequence[Schedule], conversation: Conversation, *, now: datetime) -> str:
    """Return the list of a conversation's tasks, or how to set one up."""
    if not tasks:
        return _("You have no tasks. Set one up, for example: /remind in 10m stretch")
    lines = [f"- {task_line(task, conversation, now=now)}" for task in tasks[:LISTED]]
    if len(tasks) > LISTED:
        lines.append("- " + _("and %(count)d more") % {"count": len(tasks) - LISTED})
    how = _("To steer one: /pause 1, /resume 1, /cancel 1")
    return "\n".join([_("Your tasks:"), "", *lines, "", how])


def help_text() -> str:
    """Return what can be typed, with examples."""
    lines = [
        _("/remind in 10m stretch – a reminder; or “at 18:30 …”, “tomorrow at 9 …”"),
        _("/remind every weekday 9:00 stand-up – again and again; or “every 2h …”"),
        _('/remind cron "0 9 * * 1-5" stand-up – for those who know cron'),
        _("/tasks – your tasks and when they are due"),
        _("/pause 1, /resume 1, /cancel 1 – steer a task by its number; /cancel all"),
        _("/new – begin anew: the assistant forgets what was said before"),
        _("/stop – stop the answer that is being written"),
        _("/help – this list"),
    ]
    return "\n".join([_("What you can type:"), "", *(f"- {line}" for line in lines)])


def unknown_text(suggestion: str) -> str:
    """Return the reply to a mistyped command that looks like another."""
    # `继续` is no name of its own: it means `resume` in front of a number only.
    name = typed_name(NAMES.get(suggestion, "resume"))
    return _("There is no such command. Did you mean /%(name)s? Type /help for all.") % {
        "name": name
    }


def typed_name(name: str) -> str:
    """Return a command as people type it in the active language."""
    if not (translation.get_language() or "").startswith("zh"):
        return name
    return next(typed for typed in NAMES if NAMES[typed] == name and not typed.isascii())
