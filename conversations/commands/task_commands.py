"""`/tasks`, `/cancel`, `/pause` and `/resume`: lists tasks, and steers them by their numbers."""

from __future__ import annotations

import re
from datetime import datetime

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations.commands.command_texts import list_text, typed_name, upcoming_text
from conversations.commands.numbers import fold
from conversations.commands.tasks import (
    Outcome,
    Steer,
    TaskNotFound,
    find_task,
    speaker,
    steer,
    tasks_of,
)
from conversations.commands.when_phrases import shown
from conversations.models import Conversation
from scheduling.models import Schedule
from scheduling.triggers import InvalidTrigger
from scheduling.validating import sentence

_ALL = {"all", "everything", "all tasks", "全部", "所有", "全部任务", "所有任务", "全部任務"}
_SEPARATOR = re.compile(r"(?:[\s,、;]|and|和|号|个)+")
_NUMBER = re.compile(r"(?:#|no\.|第)?([0-9]{1,9})[.。!]?")
# Tasks that one command is told the outcome of, one line each.
MOST_NUMBERS = 50


def list_tasks(conversation: Conversation, *, now: datetime) -> str:
    return list_text(tasks_of(conversation), conversation, now=now)


def steer_named(argument: str, do: Steer, conversation: Conversation, *, now: datetime) -> str:
    """Do it to the tasks that are named; return what came of it, a line each.

    Joins the caller's transaction, which holds the conversation's row.
    """
    folded = fold(argument).strip()
    if folded.rstrip("!.。") in _ALL:
        return _steer_all(do, conversation, now=now)
    numbers = _numbers(folded)
    if not numbers:
        asked = _("Which task? Say its number, for example: /%(name)s 1")
        asked %= {"name": typed_name(do)}
        return f"{asked}\n\n{list_tasks(conversation, now=now)}"
    lines, unknown = [], []
    for number in numbers:
        try:
            task = find_task(conversation, number)
        except TaskNotFound:
            unknown.append(number)
        else:
            lines.append(_steer(task, do, conversation, now=now))
    if unknown:
        lines.append(_unknown(unknown, conversation))
    return "\n".join(lines)


def _numbers(folded: str) -> list[int]:
    """Return the numbers that are named, each once; none where anything else is said."""
    words = [word for word in _SEPARATOR.split(folded) if word]
    found = [_NUMBER.fullmatch(word) for word in words]
    numbers = [int(match[1]) for match in found if match]
    return list(dict.fromkeys(numbers))[:MOST_NUMBERS] if len(numbers) == len(words) else []


def _steer_all(do: Steer, conversation: Conversation, *, now: datetime) -> str:
    tasks = tasks_of(conversation)
    changed = 0
    for task in tasks:
        try:
            changed += steer(task, do, by=speaker(conversation), now=now).has_changed
        except InvalidTrigger:
            continue  # It stays as it is, and is not counted.
    match do:
        case Steer.CANCEL:
            text = ngettext("Cancelled %(count)d task.", "Cancelled %(count)d tasks.", changed)
        case Steer.PAUSE:
            text = ngettext("Paused %(count)d task.", "Paused %(count)d tasks.", changed)
        case Steer.RESUME:
            text = ngettext("Resumed %(count)d task.", "Resumed %(count)d tasks.", changed)
    return text % {"count": changed}


def _steer(task: Schedule, do: Steer, conversation: Conversation, *, now: datetime) -> str:
    names = {"number": task.number, "text": shown(task.name)}
    pk = task.pk
    try:
        outcome = steer(task, do, by=speaker(conversation), now=now)
    except InvalidTrigger as error:
        names["reason"] = sentence(error)
        return _("Task %(number)d cannot go on: %(reason)s") % names
    match do:
        case Steer.CANCEL:
            return _cancelled(outcome) % names
        case Steer.PAUSE if outcome.has_changed:
            return _("Task %(number)d is paused: %(text)s. To go on: /resume %(number)d") % names
        case Steer.PAUSE:
            return _("Task %(number)d is paused already: %(text)s.") % names
        case Steer.RESUME:
            return _resumed(pk, outcome, conversation, now=now) % names


def _cancelled(outcome: Outcome) -> str:
    if outcome.is_running:
        return _("Task %(number)d is cancelled: %(text)s. What it has begun still comes.")
    return _("Task %(number)d is cancelled: %(text)s.")


def _resumed(pk: int, outcome: Outcome, conversation: Conversation, *, now: datetime) -> str:
    task = Schedule.objects.with_next_fire_at().get(pk=pk)
    if task.finished_at:
        return _("Task %(number)d is over: its time passed while it was paused. (%(text)s)")
    upcoming = upcoming_text(task, conversation, now=now).replace("%", "%%")
    if outcome.has_changed:
        return _("Task %(number)d goes on: %(text)s.") + f" {upcoming}"
    return _("Task %(number)d is not paused: %(text)s.") + f" {upcoming}"


def _unknown(numbers: list[int], conversation: Conversation) -> str:
    names = ", ".join(str(number) for number in numbers)
    known = ", ".join(str(task.number) for task in tasks_of(conversation))
    if not known:
        return _("There is no task %(number)s: you have none.") % {"number": names}
    there = {"number": names, "known": known}
    return _("There is no task %(number)s. There are: %(known)s.") % there
