"""The worker: one process that carries many runs at once, and keeps their leases while it lives."""

from __future__ import annotations

import asyncio
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import setproctitle
import structlog
from django.conf import settings
from django.db import DatabaseError, InterfaceError, connection, connections

from scheduling import attempts, clock, performing, tallies
from scheduling.attempts import Ending, LostLease
from scheduling.claiming import Claim
from scheduling.group_commit import group_commit
from scheduling.models import Run
from scheduling.processes import identity
from scheduling.shared import STOP, Pulses, TaskPipe

logger = logging.getLogger(__name__)

# Seconds between two signs of life.
BEAT_EVERY = 0.5
# Seconds between looks at cancel requests; only while something runs do they ask the database.
CANCEL_EVERY = 0.25
# Seconds for which the event loop may stand still before it is said to, and before it is given up.
STALL_WARNING, STALL_LIMIT = 5.0, 20.0


def worker(pipe: TaskPipe, pulses: Pulses, place: int) -> None:
    """Run a worker until the pipe says STOP; the target of the process that the cluster forks."""
    setproctitle.setproctitle(f"qcluster worker {place}")
    connections.close_all()
    asyncio.run(work(pipe, pulses, place))
    # Threads of plain functions that overran may never end; nothing waits for them.
    os._exit(0)


async def work(pipe: TaskPipe, pulses: Pulses, place: int) -> None:
    await Worker(pipe, pulses, place).main()


class _Threads(ThreadPoolExecutor):
    """Threads that the end of the event loop does not wait for: what runs in them may never end."""

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        super().shutdown(wait=False, cancel_futures=True)


@dataclass(slots=True)
class Held:
    """A run in this worker's hands."""

    claim: Claim
    task: asyncio.Task[None]
    run: Run | None = None
    #: While a write of it is on its way to the database it must not be cancelled.
    is_writing: bool = False
    #: Why it is being interrupted: "cancelled", "stopping", "lost", or "" while it is not.
    reason: str = ""

    @property
    def token(self) -> tuple[int, int]:
        """The run and its attempt, as the row has them while it is in these hands."""
        if self.run:
            return self.run.pk, self.run.attempt
        return self.claim.run, self.claim.attempt

    def interrupt(self, reason: str) -> None:
        if not self.reason:
            self.reason = reason
            if not self.is_writing:
                self.task.cancel()


@dataclass
class Worker:
    """Takes runs from the pipe while it has room, performs them, records their ends."""

    pipe: TaskPipe
    pulses: Pulses
    place: int
    held: dict[int, Held] = field(default_factory=dict)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.name = identity()
        self.room: int = settings.BOTFLOW_CONCURRENCY
        self.commit = group_commit()
        self.start = attempts.starter(self.name)
        self.threads = ThreadPoolExecutor(settings.BOTFLOW_THREADS, thread_name_prefix="action")
        # Runs that twice ended with their worker are tried one at a time: should one of them be
        # what kills it, it takes no other suspect along.
        self.suspects = asyncio.Lock()
        self.reading = False
        self.is_done = threading.Event()

    async def main(self) -> None:
        # What actions hand to threads: by default there are so few that some hold up all others.
        default = _Threads(settings.BOTFLOW_CONCURRENCY, thread_name_prefix="default")
        asyncio.get_running_loop().set_default_executor(default)
        ticking = [asyncio.create_task(self._beat()), asyncio.create_task(self._tick())]
        # Beside the loop: an agent may take its time to load, and silence would be its end.
        await asyncio.to_thread(performing.prepare)
        heart = threading.Thread(
            target=self._keep_leases, args=(asyncio.get_running_loop(),), daemon=True, name="heart"
        )
        heart.start()
        self._read_on()
        await self.stopping.wait()
        await self._finish_or_give_back()
        self.is_done.set()
        for task in ticking:
            task.cancel()
        self.commit.close()

    # -- taking runs -------------------------------------------------------------------------------

    def _read_on(self) -> None:
        """Listen to the pipe while there is room; an idle worker holds nothing of it."""
        wanted = not self.stopping.is_set() and len(self.held) < self.room
        if wanted != self.reading:
            loop = asyncio.get_running_loop()
            if wanted:
                loop.add_reader(self.pipe.fileno(), self._take)
            else:
                loop.remove_reader(self.pipe.fileno())
            self.reading = wanted

    def _take(self) -> None:
        while len(self.held) < self.room and not self.stopping.is_set():
            try:
                task = self.pipe.get_nowait()
            except BlockingIOError:
                break
            if task == STOP:
                self.stopping.set()
            elif isinstance(task, dict):
                self._hold(Claim(*task["args"]))
        self._read_on()

    def _hold(self, claim: Claim) -> None:
        # A second copy of a run in hand: start it and the attempt number settles which one counts;
        # the first is noticed as lost with the next renewal.
        task = asyncio.get_running_loop().create_task(self._carry(claim))
        held = Held(claim, task)
        self.held[id(task)] = held
        task.add_done_callback(self._let_go)

    def _let_go(self, task: asyncio.Task[None]) -> None:
        self.held.pop(id(task), None)
        if not task.cancelled() and (error := task.exception()):
            logger.error("A run could not be carried to its end.", exc_info=error)
        self._read_on()

    # -- carrying one run --------------------------------------------------------------------------

    async def _carry(self, claim: Claim) -> None:
        held = self.held[id(asyncio.current_task())]
        if claim.losses >= 2:
            async with self.suspects:
                await self._start_and_perform(held)
        else:
            await self._start_and_perform(held)

    async def _start_and_perform(self, held: Held) -> None:
        held.run = run = await self._write(held, self.start, held.claim)
        if run is None or held.reason:
            return
        structlog.contextvars.bind_contextvars(run=run.pk, action=run.action, attempt=run.attempt)
        tallies.started(run)
        try:
            ending = await performing.perform(run, threads=self.threads, reason=lambda: held.reason)
        except performing.GivenUp:
            return
        await self._end(held, run, ending)
        if performing.overrun_threads() * 2 >= settings.BOTFLOW_THREADS:
            logger.error("Half of the threads are held by functions past their timeout; retiring.")
            self.stopping.set()

    async def _end(self, held: Held, run: Run, ending: Ending) -> None:
        try:
            result = await self._write(held, attempts.end, ending)
        except LostLease:
            logger.warning("Run %s was lost to another worker; its result is dropped.", run.pk)
            return
        except Exception as error:  # Boundary: the action's last write failed; the run did too.
            if ending.commit is None:
                raise
            await self._end(held, run, performing.failure(run, error))
            return
        tallies.ended(run, ending)
        if ending.commit and ending.commit.then:
            await performing.announce(ending.commit.then, result)

    async def _write(self, held: Held, write: Callable[[list[Any]], Any], item: Any) -> Any:
        held.is_writing = True
        try:
            return await self.commit(write, item)
        finally:
            held.is_writing = False

    # -- staying alive -----------------------------------------------------------------------------

    async def _beat(self) -> None:
        """Show that the loop turns, whatever the database does."""
        while True:
            self.pulses.beat(self.place)
            await asyncio.sleep(BEAT_EVERY)

    async def _tick(self) -> None:
        """While something runs, look for requests to stop it; now and then add to the tallies."""
        ticks = 0
        while True:
            try:
                if self.held:
                    await self._heed_cancel_requests()
                ticks += 1
                if ticks % 8 == 0:
                    await self.commit.read(tallies.flush)
            except (DatabaseError, InterfaceError) as error:
                logger.warning("Cancel requests cannot be read; trying again. %s", error)
            await asyncio.sleep(CANCEL_EVERY)

    async def _heed_cancel_requests(self) -> None:
        asked = await self.commit.read(attempts.cancel_requests, self.name)
        for held in list(self.held.values()):
            if held.run and held.run.pk in asked:
                held.interrupt("cancelled")

    def _keep_leases(self, loop: asyncio.AbstractEventLoop) -> None:
        """Renew leases from a thread: an action that blocks the loop must not lose them at once.

        A loop that stands still for longer than STALL_LIMIT loses them all the same: the cluster
        then kills this process and the runs go to another.
        """
        while not self.is_done.wait(min(settings.BOTFLOW_LEASE / 4, STALL_WARNING)):
            silence = self.pulses.silence(self.place)
            if silence > STALL_WARNING:
                performing.log_stall(silence)
            if silence < STALL_LIMIT and self.held:
                # Taken before the renewal: a run that starts during it is not missing from it.
                mine = {held.token for held in list(self.held.values())}
                try:
                    owned = attempts.renew(mine, now=clock.now())
                    loop.call_soon_threadsafe(self._drop, mine - owned)
                except (DatabaseError, InterfaceError) as error:
                    logger.warning("Leases could not be renewed; trying again. %s", error)
                    connection.close()
        connection.close()

    def _drop(self, lost: set[tuple[int, int]]) -> None:
        for held in self.held.values():
            if held.run and held.token in lost:
                held.interrupt("lost")

    # -- stopping ----------------------------------------------------------------------------------

    async def _finish_or_give_back(self) -> None:
        """Let what runs end within the grace; interrupt the rest and return it to the queue."""
        self._read_on()
        if self.held:
            tasks = [held.task for held in self.held.values()]
            await asyncio.wait(tasks, timeout=settings.BOTFLOW_STOP_GRACE)
        unfinished = list(self.held.values())
        for held in unfinished:
            held.interrupt("stopping")
        if unfinished:
            logger.info("%d runs go back to the queue.", len(unfinished))
            await asyncio.wait([held.task for held in unfinished], timeout=2)
        for held in unfinished:
            claim = Claim(held.run.pk, held.run.attempt) if held.run else held.claim
            await self.commit(attempts.give_back, claim)
        await self.commit.read(tallies.flush)
