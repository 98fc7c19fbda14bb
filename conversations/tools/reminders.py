"""The tools of tasks: an assistant sets up, lists and steers those of its conversation alone."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import translation
from django.utils.translation import gettext as _
from pydantic import BeforeValidator, Field

from conversations import texts
from conversations.addressing import checked_text, no_conversation
from conversations.agents.contract import Turn
from conversations.channels import get_channel
from conversations.commands import task_commands
from conversations.commands.executing import tasks_now
from conversations.commands.reminding import ASK, SEND_TEXT, TaskRefused, set_up
from conversations.commands.tasks import Steer
from conversations.commands.when import UnclearTime, read_time
from conversations.models import Conversation
from conversations.tools.contract import NOT_SCHEDULED, ToolError, sets_up
from scheduling import clock
from scheduling.actions import ActionError
from scheduling.group_commit import group_commit

logger = logging.getLogger(__name__)

# Characters of a time in words.
LONGEST_WHEN = 200
# The largest number both databases store of a task.
_LARGEST = 2**31 - 1

When = Annotated[
    str,
    Field(
        description="The time in words, alone, in English or Chinese: “in 10 minutes”,"
        " “tomorrow 18:30”, “2026-12-24 18:00”, “every day 9:00”, “every weekday 8:30”,"
        " “every month on the 1st at 9:00”, “every 2 hours”, “10分钟后”, “明天下午3点”, “每天9:00”,"
        " “每周一早上8点半”, or cron “0 9 * * 1-5”. Times of day are the user's own, on the 24-hour"
        " clock; never change the zone."
    ),
]


def _no_bool(value: object) -> object:
    """Refuse what Python counts as 1: no model that means a task says true."""
    if isinstance(value, bool):
        raise ValueError("A number is needed")  # a TypeError would be no answer but a failure
    return value


Number = Annotated[
    int,
    Field(ge=1, le=_LARGEST, description="The task's number, as list_reminders shows it."),
    BeforeValidator(_no_bool),
]


@dataclass(frozen=True, slots=True)
class _Job:
    """What a turn wants done to the tasks of its conversation."""

    conversation: int
    do: Callable[[Conversation, datetime], str]


@sets_up
async def create_reminder(turn: Turn, when: When, text: str) -> str:
    """Set up a reminder: the text is sent to the user as it is, once or again and again. Tell the
    user what was understood and when it comes. After an error nothing is set up: correct it, or
    ask the user.

    Args:
        text: What to say to the user then, in the user's language, such as “Time to drink water”.
    """
    return await _create(turn, when, text, action=SEND_TEXT)


@sets_up
async def create_scheduled_question(turn: Turn, when: When, question: str) -> str:
    """Have a question put to you, the assistant, at a time, once or again and again; the user is
    sent what you answer then. For what is to be looked up or written afresh each time; for a fixed
    text use create_reminder.

    Args:
        question: What you will be asked then; it must be understood without this conversation.
    """
    return await _create(turn, when, question, action=ASK)


async def list_reminders(turn: Turn) -> str:
    """List the user's reminders and scheduled questions: number, text, times, whether paused."""
    told = await group_commit().read(_do, _Job(turn.conversation.pk, _list))
    if isinstance(told, ToolError):
        raise told
    return told


async def pause_reminder(turn: Turn, number: Number) -> str:
    """Pause a reminder or scheduled question until it is resumed."""
    return await _steer(turn, number, Steer.PAUSE)


async def resume_reminder(turn: Turn, number: Number) -> str:
    """Have a paused reminder or scheduled question go on."""
    return await _steer(turn, number, Steer.RESUME)


async def cancel_reminder(turn: Turn, number: Number) -> str:
    """Cancel a reminder or scheduled question for good; to change one, cancel and create it."""
    return await _steer(turn, number, Steer.CANCEL)


TOOLS = (
    create_reminder,
    create_scheduled_question,
    list_reminders,
    pause_reminder,
    resume_reminder,
    cancel_reminder,
)


async def _create(turn: Turn, when: str, text: str, *, action: str) -> str:
    if turn.is_scheduled:
        raise ToolError(NOT_SCHEDULED)

    def do(conversation: Conversation, now: datetime) -> str:
        if len(when) > LONGEST_WHEN:
            most = {"most": LONGEST_WHEN}
            raise ToolError(_("A time may have %(most)d characters at most.") % most)
        content, zone = checked_text(text), conversation.timezone
        read = read_time(texts.clean(when), content, now=turn.said_at, timezone=zone)
        return set_up(read, conversation, action=action, now=now, since=turn.said_at)

    return await _change(turn, do)


async def _steer(turn: Turn, number: int, steer: Steer) -> str:
    def do(conversation: Conversation, now: datetime) -> str:
        return task_commands.steer_named(str(number), steer, conversation, now=now)

    return await _change(turn, do)


def _list(conversation: Conversation, now: datetime) -> str:
    return task_commands.list_tasks(conversation, now=now)


async def _change(turn: Turn, do: Callable[[Conversation, datetime], str]) -> str:
    """Do it, and show readers their tasks anew; return what is told. Raises ToolError."""
    told: str = await group_commit()(_do_all, _Job(turn.conversation.pk, do))
    await _show_tasks(turn.conversation)
    return told


def _do_all(jobs: list[_Job]) -> list[Any]:
    """Do what turns want; return what is told of each, or its ToolError.

    Joins the caller's transaction, which then holds the conversations: two turns at once neither
    exceed a quota nor share a number.
    """
    Conversation.objects.hold({job.conversation for job in jobs})
    return [_do(job) for job in jobs]


def _do(job: _Job) -> str | ToolError:
    """Do one job; what is refused leaves nothing behind."""
    conversation = Conversation.objects.filter(pk=job.conversation).first()
    if conversation is None:
        return ToolError(str(no_conversation()))
    with translation.override(conversation.locale):
        try:
            with transaction.atomic():
                return job.do(conversation, clock.now())
        except UnclearTime as error:
            return ToolError(error.reason)
        except (TaskRefused, ToolError, ActionError) as error:
            return ToolError(str(error))
        except ValidationError as error:
            return ToolError(" ".join(error.messages))


async def _show_tasks(conversation: Conversation) -> None:
    try:
        channel = get_channel(conversation.channel)
        if channel.streams:
            await channel.show(conversation.uuid, [await tasks_now(conversation)])
    except Exception:  # Boundary: the change is stored, and frames may be lost.
        logger.exception("Tasks that were changed could not be shown.")
