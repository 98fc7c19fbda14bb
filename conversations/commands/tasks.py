"""Tasks: the schedules that users set up in a conversation, and what they may do to their own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db.models import F
from django.utils import translation

from conversations.frames import Frame, tasks_frame
from conversations.models import Conversation
from scheduling import clock, planning
from scheduling.describing import describe
from scheduling.models import Run, Schedule
from scheduling.triggers import CronTrigger, InvalidTrigger
from scheduling.validating import sentence


class TaskNotFound(LookupError):
    """The conversation has no task of this number that is not over."""


class Steer(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of steering: whether anything changed, and whether a run of it goes on."""

    has_changed: bool
    is_running: bool = False


def tasks_of(conversation: Conversation) -> list[Schedule]:
    """Return the tasks that are not over, the next one first, those without a next time last.

    Each has its `next_fire_at`. One query.
    """
    own = Schedule.objects.filter(owner=conversation.owner, number__isnull=False)
    rows = own.filter(finished_at__isnull=True).with_next_fire_at()
    return list(rows.order_by(F("next_fire_at").asc(nulls_last=True), "number"))


def words_of(schedule: Schedule, *, timezone: str) -> str:
    """Return when a task is due, in words; moments are told in the reader's zone."""
    try:
        trigger = schedule.trigger
    except InvalidTrigger as error:
        return sentence(error)
    is_elsewhere = isinstance(trigger, CronTrigger) and trigger.timezone != timezone
    # Its start is the moment it was set up, which says nothing more by now.
    return describe(trigger, timezone=timezone, show_timezone=is_elsewhere, show_bounds=False)


def show_tasks(conversation_pk: int | None) -> Frame:
    """Return the `tasks` frame of a conversation, in its language; two queries."""
    conversation = Conversation.objects.filter(pk=conversation_pk or 0).first()
    if conversation is None:
        return tasks_frame([], as_of=0)
    # The conversation was read first: whatever it says of changes is in the tasks.
    with translation.override(conversation.locale):
        tasks = [_fields(task, conversation) for task in tasks_of(conversation)]
    return tasks_frame(tasks, as_of=conversation.seq)


def _fields(task: Any, conversation: Conversation) -> dict[str, Any]:
    return {
        "number": task.number,
        "text": task.name,
        "words": words_of(task, timezone=conversation.timezone),
        "next_at": task.next_fire_at.isoformat() if task.next_fire_at else None,
        "timezone": task.timezone,
        "state": "enabled" if task.enabled else "paused",
        "reason": task.paused_reason,
    }


def find_task(conversation: Conversation, number: int) -> Schedule:
    """Return a task that is not over; raises TaskNotFound for any other's. One query."""
    own = Schedule.objects.filter(owner=conversation.owner, number=number)
    task = own.filter(finished_at__isnull=True).first()
    if task is None:
        raise TaskNotFound
    return task


def steer(task: Schedule, do: Steer, *, by: str, now: datetime) -> Outcome:
    """Pause, resume or cancel a task; to ask for what is so already changes nothing.

    A cancelled one is deleted: what waits of it is withdrawn, what runs goes on to its end, and
    what it did stays on record. Joins the caller's transaction, which holds the conversation's
    row. Raises InvalidTrigger where a task cannot go on since its definition is broken.
    """
    match do:
        case Steer.PAUSE:
            return Outcome(planning.pause(task, now=now, by=by))
        case Steer.RESUME:
            return Outcome(planning.resume(task, now=now))
        case Steer.CANCEL:
            is_running = Run.objects.running().filter(schedule=task).exists()
            task.delete()
            return Outcome(True, is_running)


@dataclass(frozen=True, slots=True)
class TaskWish:
    """What a reader wants done to a task of the conversation they are in."""

    conversation: int
    number: int
    do: Steer


def steer_tasks(wishes: list[TaskWish]) -> list[Outcome | TaskNotFound | InvalidTrigger]:
    """Do what readers wish; return what came of each. Joins the caller's transaction."""
    Conversation.objects.hold({wish.conversation for wish in wishes})
    return [_follow(wish) for wish in wishes]


def _follow(wish: TaskWish) -> Outcome | TaskNotFound | InvalidTrigger:
    conversation = Conversation.objects.filter(pk=wish.conversation).first()
    try:
        if conversation is None:
            raise TaskNotFound
        task = find_task(conversation, wish.number)
        return steer(task, wish.do, by=speaker(conversation), now=clock.now())
    except (TaskNotFound, InvalidTrigger) as error:
        return error


def speaker(conversation: Conversation) -> str:
    """Return who pauses the tasks of a conversation, as its schedules note it."""
    return conversation.participant or f"{conversation.channel}:{conversation.address}"
