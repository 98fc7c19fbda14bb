"""The process tree of `qcluster`: main → sentinel → pusher and workers; any may die any time."""

from __future__ import annotations

import logging
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from types import FrameType
from typing import Any

import setproctitle
from django import db
from django.conf import settings
from django.utils import timezone
from django_q.cluster import Cluster as QCluster
from django_q.cluster import Sentinel as QSentinel
from django_q.cluster import get_mp_context
from django_q.conf import Conf
from django_q.pusher import pusher
from django_q.status import Stat

from scheduling import wakeup
from scheduling.broker import STATUS_EVERY, FireTimeBroker
from scheduling.processes import child_main, is_orphan
from scheduling.shared import STOP, Flag, Pulses, Roster, TaskPipe
from scheduling.worker import STALL_LIMIT, worker

logger = logging.getLogger(__name__)

# Seconds between two looks at the children.
GUARD_EVERY = 0.2
# Seconds that a child must have lived before it is replaced.
RESPAWN_EVERY = 1.0
# Seconds without a sign of life after which a child is killed and replaced.
SILENCE_LIMIT = STALL_LIMIT
# Seconds beyond the grace in which workers must have given back their runs.
STOP_MARGIN = 4.0

SENTINEL, PUSHER, FIRST_WORKER = 0, 1, 2


def push(sentinel: Sentinel) -> None:
    """Run django-q2's pusher on our broker; the target of the process that the sentinel forks.

    It also reports the cluster's status: a sentinel that waits for a database watches nobody. And
    it takes back its claims when a worker died: those that it held and had not begun are still
    the pusher's, who lives, and would wait for the end of their lease.
    """
    broker, dequeue = sentinel.broker, sentinel.broker.dequeue
    sentinel.pool = []
    reported_at, replaced = float("-inf"), sentinel.roster.replaced

    def dequeue_and_report() -> list[tuple[int, str]]:
        nonlocal reported_at, replaced
        sentinel.pulses.beat(PUSHER)
        if sentinel.roster.replaced != replaced:
            replaced = sentinel.roster.replaced
            # What nobody has read is taken back too: it need not be in the pipe twice.
            sentinel.task_queue.drain()
            broker.claims_are_lost = True
        if time.monotonic() - reported_at >= STATUS_EVERY:
            reported_at = time.monotonic()
            _report(sentinel)
        return dequeue()

    broker.dequeue = dequeue_and_report
    pusher(sentinel.task_queue, sentinel.event_out, broker)
    broker.remove_stat(Stat.get_key(sentinel.cluster_id))
    os._exit(0)


def _report(sentinel: Sentinel) -> None:
    stat = Stat(sentinel)
    stat.pusher, stat.workers = os.getpid(), sentinel.roster.pids[FIRST_WORKER:]
    stat.reincarnations = sentinel.roster.replaced
    stat.save()


class Sentinel(QSentinel):
    """Keeps one pusher and the workers alive and replaces those that die or fall silent.

    django-q2's monitor has no part here: workers record results themselves.
    """

    task_queue: TaskPipe

    def __init__(self, stop: Flag, started: Flag, cluster_id: Any, pulses: Pulses) -> None:
        super().__init__(stop, started, cluster_id, broker=FireTimeBroker(), start=False)
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        setproctitle.setproctitle("qcluster sentinel")
        self.pulses = pulses
        self.roster = Roster(FIRST_WORKER + self.pool_size)
        self.spawned_at: dict[int, float] = {}
        self.event_out = Flag()
        self.task_queue = TaskPipe()
        self.broker.cluster = cluster_id.hex
        self.start()

    def spawn_cluster(self) -> None:
        self.pool: list[BaseProcess] = []
        for place in range(self.pool_size):
            self.pool.append(self._spawn_worker(FIRST_WORKER + place))
        self.pusher = self._spawn_pusher()

    def _spawn(self, place: int, target: Callable[..., None], *args: Any) -> BaseProcess:
        # Connections must not be shared across a fork; the child counts as seen from here on.
        db.connections.close_all()
        self.pulses.beat(place)
        self.spawned_at[place] = time.monotonic()
        process: BaseProcess = get_mp_context().Process(
            target=child_main, args=(os.getpid(), True, target, *args)
        )
        process.start()
        self.roster.enter(place, process.pid or 0)
        return process

    def _spawn_worker(self, place: int) -> BaseProcess:
        return self._spawn(place, worker, self.task_queue, self.pulses, place)

    def _spawn_pusher(self) -> BaseProcess:
        return self._spawn(PUSHER, push, self)

    def guard(self) -> None:
        """Watch until told to stop, or until the main process is gone."""
        self.start_event.set()
        logger.info("The cluster is running with %d worker(s).", self.pool_size)
        while not (self.stop_event.is_set() or is_orphan(self.parent_pid)):
            self.pulses.beat(SENTINEL)
            for place, process in enumerate(self.pool):
                if self._is_lost(process, FIRST_WORKER + place):
                    self.pool[place] = self._spawn_worker(FIRST_WORKER + place)
            if self._is_lost(self.pusher, PUSHER):
                self.pusher = self._spawn_pusher()
            time.sleep(GUARD_EVERY)
        self.stop()

    def _is_lost(self, process: BaseProcess, place: int) -> bool:
        """Tell whether a child is gone and may be replaced; one that fell silent is killed first.

        One that dies at its start is replaced once a second, not as fast as it can die.
        """
        if process.is_alive() and self.pulses.silence(place) > SILENCE_LIMIT:
            logger.critical("Process %s fell silent; killing it.", process.pid)
            process.kill()
            process.join()
        if process.is_alive() or time.monotonic() - self.spawned_at[place] < RESPAWN_EVERY:
            return False
        logger.error("Process %s ended with %s; replacing it.", process.pid, process.exitcode)
        process.join()
        return True

    def status(self) -> str:
        if self.stop_event.is_set():
            return str(Conf.STOPPING)
        return str(Conf.IDLE if self.start_event.is_set() else Conf.STARTING)

    def stop(self) -> None:
        """Stop claiming, let workers finish or give back, and end whatever is left."""
        self.event_out.set()
        wakeup.ring()
        self._wait_for([self.pusher], seconds=1.5)
        for _ in self.pool:
            self.task_queue.put(STOP)
        self._wait_for(self.pool, seconds=settings.BOTFLOW_STOP_GRACE + STOP_MARGIN)
        os._exit(0)

    def _wait_for(self, processes: list[BaseProcess], *, seconds: float) -> None:
        """Wait, then kill: a claim that dies with its process is taken back by the next cluster."""
        deadline = time.monotonic() + seconds
        for process in processes:
            while process.is_alive() and time.monotonic() < deadline:
                self.pulses.beat(SENTINEL)
                process.join(0.05)
            if process.is_alive():
                logger.error("Process %s does not stop; killing it.", process.pid)
                process.kill()
                process.join()


class Cluster(QCluster):
    """The main process: forwards a stop, replaces a sentinel that died, exits 0 when told to."""

    def __init__(self) -> None:
        super().__init__()
        self.stop_requested = False

    def sig_handler(self, signum: int, frame: FrameType | None) -> None:
        self.stop_requested = True

    def run(self) -> None:
        """Supervise until SIGTERM or SIGINT; returns once every child is gone."""
        setproctitle.setproctitle("qcluster main")
        while not self.stop_requested:
            self._spawn_sentinel()
            self._watch_sentinel()
        self._stop_sentinel()

    def _spawn_sentinel(self) -> None:
        self.stop_event, self.start_event = Flag(), Flag()
        self.pulses = Pulses(FIRST_WORKER + settings.BOTFLOW_WORKERS)
        self.pulses.beat(SENTINEL)
        db.connections.close_all()
        args = (self.stop_event, self.start_event, self.cluster_id, self.pulses)
        self.sentinel = get_mp_context().Process(
            target=child_main, args=(os.getpid(), False, Sentinel, *args)
        )
        self.sentinel.start()

    def _watch_sentinel(self) -> None:
        while not self.stop_requested:
            if self.pulses.silence(SENTINEL) > SILENCE_LIMIT:
                logger.critical("The sentinel fell silent; killing it.")
                self.sentinel.kill()
            if not self.sentinel.is_alive():
                self.sentinel.join()
                logger.error("The sentinel ended with %s; replacing it.", self.sentinel.exitcode)
                time.sleep(GUARD_EVERY)
                return
            time.sleep(GUARD_EVERY)

    def _stop_sentinel(self) -> None:
        logger.info("The cluster is stopping.")
        self.stop_event.set()
        # The sentinel bounds its own stop; this bounds the sentinel.
        self.sentinel.join(settings.BOTFLOW_STOP_GRACE + STOP_MARGIN + 4)
        if self.sentinel.is_alive():
            self.sentinel.kill()
            self.sentinel.join()
        logger.info("The cluster has stopped at %s.", timezone.now().isoformat())
