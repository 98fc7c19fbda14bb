"""A worker in the test's own event loop, and what the pusher does for it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from django.utils import timezone

from scheduling.models import Run
from scheduling.shared import STOP, Pulses, TaskPipe
from scheduling.states import FINISHED
from scheduling.worker import Worker
from tests.scheduling.parts import aside, store, take

#: Registers a function as an action; returns the action's name.
Register = Callable[[Callable[..., Any]], str]


@asynccontextmanager
async def working() -> AsyncIterator[Worker]:
    """A worker in this event loop; leaving the block stops it as a cluster does."""
    pipe = TaskPipe()
    one = Worker(pipe, Pulses(1), 0)
    main = asyncio.create_task(one.main())
    try:
        yield one
    finally:
        pipe.put(STOP)
        await asyncio.wait_for(main, 20)
        one.threads.shutdown(wait=False)
        pipe._reader.close()
        pipe._writer.close()


async def hand_over(worker: Worker) -> None:
    """Claim what is due and put it into the worker's pipe, as the pusher does."""

    def push() -> None:
        for claim in take(1000, now=timezone.now()):
            worker.pipe.put({"args": [claim.run, claim.attempt, claim.losses]})

    await aside(push)


async def finished(*runs: Run, seconds: float = 20) -> list[Run]:
    """Wait until all have ended; return them as they are then."""
    keys = [run.pk for run in runs]
    deadline = time.monotonic() + seconds
    while True:
        found = await aside(lambda: list(Run.objects.filter(pk__in=keys).order_by("pk")))
        if all(run.state in FINISHED for run in found):
            return found
        assert time.monotonic() < deadline, [run.state for run in found]
        await asyncio.sleep(0.02)


async def performed(worker: Worker, name: str, **fields: Any) -> Run:
    run = await aside(lambda: store(action=name, **fields))
    await hand_over(worker)
    return (await finished(run))[0]
