"""Refusing: a turn over its budget ends with a sentence; a schedule that asks too much pauses."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import datetime

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from conversations import budgets
from conversations.budgets import Asked, BudgetExceeded
from conversations.channels import get_channel
from conversations.commands.executing import tasks_now
from conversations.commands.when_phrases import shown
from conversations.frames import message_frame
from conversations.models import Conversation, Message
from scheduling import clock, planning
from scheduling.actions import ActionError
from scheduling.group_commit import group_commit
from scheduling.models import Run, Schedule

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Refused:
    """A turn over its budget, what its user is told, and the schedule that asks, if one does."""

    message: Message
    detail: str
    schedule: int | None


async def check(run: Run, message: Message) -> None:
    """Raise ActionError (permanent) for a turn over its budget, whose message then says so.

    The schedule that asks it is paused. On a site that used no tokens today and limits no turns
    this takes no query.
    """
    if not budgets.may_refuse(now=clock.reckon()):
        return
    try:
        await group_commit().look(budgets.check, Asked(message, _asked_at(run, message)))
    except BudgetExceeded as error:
        refused = Refused(message, str(error), run.schedule_id)
        has_paused = await group_commit()(refuse, refused)
        await _show(message, has_paused=has_paused)
        raise ActionError(error.reason, permanent=True) from None


def _asked_at(run: Run, message: Message) -> datetime:
    """Return when the answer was asked for: by the message, by a retry of it or of its run."""
    # A run that was lost with its worker asks the same question, and gets the same answer.
    again = run.not_before if run.attempt > 1 and not run.losses else None
    return max(filter(None, (message.created_at, run.created_at, again)))


def refuse(items: list[Refused]) -> list[bool]:
    """Note what users are told and pause the schedules; return which turns paused one.

    A write of its own before the run ends: told and paused together, and to do it again after a
    crash says the same.
    """
    told = {}
    # In one order everywhere: two workers that pause the same schedules must not deadlock.
    for item in sorted(items, key=lambda item: item.schedule or 0):
        told[item.message.pk] = _pause(item, item.schedule) if item.schedule else ""
    for item in items:
        detail = told[item.message.pk] or item.detail
        Message.objects.filter(pk=item.message.pk).update(detail=detail[:500])
    return [bool(told[item.message.pk]) for item in items]


def _pause(item: Refused, pk: int) -> str:
    """Pause the schedule that asks; return what says that too, "" where the schedule is over."""
    schedule = Schedule.objects.filter(pk=pk).first()
    if schedule and planning.pause(schedule, now=clock.now(), reason=item.detail):
        logger.warning("Schedule %s is paused: it asked more than its budget.", pk)
        schedule.refresh_from_db()
    if not (schedule and schedule.is_paused):
        return ""
    conversation = item.message.conversation
    with translation.override(conversation.locale):
        if schedule.number is None or schedule.owner != conversation.owner:
            paused = _("“%(text)s” is paused.") % {"text": shown(schedule.name)}
        else:
            names = {"number": schedule.number, "text": shown(schedule.name)}
            paused = _("Task %(number)d is paused: %(text)s. To go on: /resume %(number)d") % names
        two = {"one": item.detail, "other": paused}
        return pgettext("two sentences", "%(one)s %(other)s") % two


async def _show(message: Message, *, has_paused: bool) -> None:
    """Show a prompt, which nobody has seen yet, and the tasks that changed."""
    conversation: Conversation = message.conversation
    try:
        channel = get_channel(conversation.channel)
        if not channel.streams:
            return
        frames = [message_frame(message)] if message.is_prompt else []
        if has_paused:
            frames.append(await tasks_now(conversation))
        if frames:
            await channel.show(conversation.uuid, frames)
    except Exception:  # Boundary: frames may be lost; what was refused is stored all the same.
        logger.exception("A refusal could not be shown.")
