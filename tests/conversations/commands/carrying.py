"""Says commands to the worker in miniature and reads what they reply and leave behind."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from conversations.models import Message
from scheduling import noticing
from scheduling.models import Schedule
from tests.conversations.working import MiniWorker, read, reply_to, say


async def command(worker: MiniWorker, content: str, **more: Any) -> str:
    """Say it, let the worker answer, and return the reply."""
    [message] = await say(content, **more)
    return await answer_to(worker, message)


async def answer_to(worker: MiniWorker, message: Message) -> str:
    await worker.work()
    reply = await reply_to(message)
    assert reply is not None
    assert (reply.state, reply.reply_to and reply.reply_to.state) == ("done", "answered")
    return reply.content


async def schedules() -> list[Schedule]:
    return await read(lambda: list(Schedule.objects.order_by("number")))


async def only_schedule() -> Schedule:
    [schedule] = await schedules()
    return schedule


async def notice(worker: MiniWorker, now: datetime) -> None:
    """Let the queue decide about what is due at `now`, and the worker do it."""
    await read(lambda: noticing.notice(now=now))
    await worker.work()


def is_near(moment: datetime | None, expected: datetime) -> bool:
    return moment is not None and abs(moment - expected) < timedelta(seconds=5)
