"""A worker in miniature: claims, starts, performs and ends runs as the real one, step by step."""

from __future__ import annotations

import asyncio
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any, TypeVar

from django.db import connection, transaction
from django.utils import timezone

from conversations.models import Message
from conversations.receiving import Incoming, receive_messages
from scheduling import attempts, performing
from scheduling.attempts import Ending
from scheduling.claiming import claim
from scheduling.group_commit import GroupCommit, group_commit
from scheduling.models import Run

Found = TypeVar("Found")
NAME = "worker of the test"


def incoming(content: str = "hi", *, address: str = "a", channel: str = "web", **more: Any) -> Any:
    return Incoming(channel=channel, address=address, content=content, **more)


def receive(*contents: str, **more: Any) -> list[Message]:
    """Store messages as the web server does, each text one message of one conversation."""
    items = [incoming(content, **more) for content in contents]
    with transaction.atomic():
        return [received.message for received in receive_messages(items)]


async def read(look: Callable[[], Found]) -> Found:
    """Read from the database: in the group commit's thread, whose connection is closed after."""
    return await group_commit().read(look)


async def say(*contents: str, **more: Any) -> list[Message]:
    return await read(lambda: receive(*contents, **more))


async def fresh(message: Message) -> Message:
    rows = Message.objects.select_related("conversation", "reply", "reply_to")
    return await read(lambda: rows.get(pk=message.pk))


async def reply_to(message: Message) -> Message | None:
    rows = Message.objects.select_related("conversation", "reply_to")
    return await read(lambda: rows.filter(reply_to=message.pk).first())


def close(commit: GroupCommit) -> None:
    """Close a group commit and the connections that its threads hold, which it leaves open."""
    for executor in (commit._executor, commit._readers):
        together = threading.Barrier(executor._max_workers)

        def close_own(together: threading.Barrier = together) -> None:
            together.wait(10)
            connection.close()

        for closing in [executor.submit(close_own) for _ in range(executor._max_workers)]:
            closing.result()
    commit.close()


class MiniWorker:
    """Claims as if it were an hour later: a retry's pause needs no waiting."""

    def __init__(self) -> None:
        self.threads = ThreadPoolExecutor(2)
        #: Why a run is being interrupted, by its id.
        self.reasons: dict[int, str] = {}

    async def start(self) -> Run | None:
        """Start the run that is due next and return it; None when nothing is."""
        later = timezone.now() + timedelta(hours=1)
        own = {"cluster": uuid.uuid4().hex, "worker": NAME, "capacity": 1}
        claims = await read(lambda: claim(now=later, lease=attempts.lease(), **own))
        if not claims:
            return None
        run: Run | None = await group_commit()(attempts.starter(NAME), claims[0])
        return run

    async def perform(self, run: Run) -> Ending:
        reason = lambda: self.reasons.get(run.pk, "")  # noqa: E731
        return await performing.perform(run, threads=self.threads, reason=reason)

    async def end(self, run: Run, ending: Ending) -> None:
        result = await group_commit()(attempts.end, ending)
        if ending.commit and ending.commit.then:
            await performing.announce(ending.commit.then, result)

    async def carry(self, run: Run) -> Ending:
        ending = await self.perform(run)
        await self.end(run, ending)
        return ending

    async def work(self, most: int = 20) -> list[Ending]:
        """Carry out what is due, retries included, until nothing is; return the endings."""
        endings = []
        while run := await self.start():
            assert len(endings) < most, "The runs do not come to an end."
            endings.append(await self.carry(run))
        return endings

    async def interrupt(self, task: asyncio.Task[Ending], run: Run, reason: str) -> None:
        self.reasons[run.pk] = reason
        task.cancel()
        await asyncio.wait([task])
