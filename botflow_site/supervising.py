"""Keeps the processes of `manage.py start` alive: restarts what dies, and ends them as one."""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import FrameType

from django.conf import settings

logger = logging.getLogger(__name__)

# Seconds between two looks at the processes.
LOOK_EVERY = 0.1
# A process that lived this long was well: it is replaced at once, others after a growing pause.
WELL_AFTER = 10.0
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


@dataclass
class Service:
    """One process that must run; `early_ends` counts its latest quick deaths in a row."""

    name: str
    command: Sequence[str]
    process: subprocess.Popen[bytes] | None = None
    started_at: float = 0.0
    due_at: float = 0.0
    early_ends: int = 0

    def start(self, *, now: float) -> None:
        self.started_at = now
        # A session of its own: Ctrl-C reaches it once, through the supervisor.
        self.process = subprocess.Popen(  # noqa: S603  (the command is this program's own)
            self.command,
            cwd=settings.BASE_DIR,
            start_new_session=True,
            preexec_fn=_end_with(os.getpid()),
        )

    def note_end(self, *, now: float) -> None:
        """Decide when the process, which has ended, is started again."""
        is_early = now - self.started_at < WELL_AFTER
        self.early_ends = self.early_ends + 1 if is_early else 0
        self.process, self.due_at = None, now + _pause(self.early_ends)

    def is_alive(self) -> bool:
        return self.process is not None and self.process.poll() is None

    def send(self, number: signal.Signals) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.send_signal(number)


class Supervisor:
    """Runs services until SIGTERM, SIGINT or SIGHUP; a second signal kills what still stops.

    Processes that outlive `stop_seconds` are killed. Should the supervisor itself be killed,
    Linux sends its processes SIGTERM: they end in their own good order.
    """

    def __init__(self, commands: Mapping[str, Sequence[str]], *, stop_seconds: float) -> None:
        self.services = [Service(name, command) for name, command in commands.items()]
        self.stop_seconds = stop_seconds
        self.signals = 0

    def run(self, look: Callable[[], None]) -> None:
        """Keep everything running, calling `look` now and then; return once all is over."""
        for number in STOP_SIGNALS:
            signal.signal(number, self._note_signal)
        while not self.signals:
            self._start_missing(now=time.monotonic())
            look()
            time.sleep(LOOK_EVERY)
        self._stop()

    def _note_signal(self, number: int, frame: FrameType | None) -> None:
        self.signals += 1

    def _start_missing(self, *, now: float) -> None:
        for service in self.services:
            if service.process is not None and not service.is_alive():
                code = service.process.returncode
                service.note_end(now=now)
                logger.error("Process %s ended with %s; starting it again.", service.name, code)
            if service.process is None and service.due_at <= now:
                service.start(now=now)

    def _stop(self) -> None:
        for service in self.services:
            service.send(signal.SIGTERM)
        deadline, signals = time.monotonic() + self.stop_seconds, self.signals
        while any(service.is_alive() for service in self.services):
            if time.monotonic() > deadline or self.signals > signals:
                self._kill()
            time.sleep(LOOK_EVERY)

    def _kill(self) -> None:
        for service in self.services:
            if service.is_alive():
                logger.error("Process %s does not stop; killing it.", service.name)
                service.send(signal.SIGKILL)


def _pause(early_ends: int) -> float:
    """Return the seconds before a restart: none at first, then doubling."""
    if early_ends < 2:
        return 0.0
    return float(min(FIRST_PAUSE * 2 ** min(early_ends - 2, 10), LONGEST_PAUSE))


def _end_with(parent: int) -> Callable[[], None] | None:
    """Return what a new child calls so that it cannot outlive its parent; None where it cannot."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)  # before the fork, after which as little as possible may be done

    def tie() -> None:
        libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(1)

    return tie
