"""What the processes of one cluster share without a lock: a dead process can hold none of it."""

import contextlib
import json
import select
import socket
import sys
import time
from multiprocessing.sharedctypes import RawArray, RawValue
from typing import Any

STOP = "STOP"  # django-q2's pill
# Linux queues only 10 datagrams, but sequenced packets by their bytes. macOS has only datagrams.
_KIND = socket.SOCK_SEQPACKET if sys.platform == "linux" else socket.SOCK_DGRAM


class Flag:
    """A one-way switch; stands in for multiprocessing.Event, whose lock dies with its holder."""

    def __init__(self) -> None:
        self._value = RawValue("b", 0)

    def set(self) -> None:
        self._value.value = 1

    def is_set(self) -> bool:
        return bool(self._value.value)


class Pulses:
    """The last moment each process of a cluster was seen to be going about its work."""

    def __init__(self, count: int) -> None:
        self._seen = RawArray("d", count)

    def beat(self, place: int) -> None:
        self._seen[place] = time.monotonic()

    def silence(self, place: int) -> float:
        """Return the seconds since the last beat."""
        return time.monotonic() - self._seen[place]


class Roster:
    """Who belongs to a cluster, kept by its sentinel; read wherever its status is reported."""

    def __init__(self, count: int) -> None:
        self.pids = RawArray("i", count)
        self._replaced = RawValue("i", 0)

    def enter(self, place: int, pid: int) -> None:
        self._replaced.value += self.pids[place] != 0
        self.pids[place] = pid

    @property
    def replaced(self) -> int:
        """How many processes took the place of one that was lost."""
        return int(self._replaced.value)


class TaskPipe:
    """The task queue between pusher and workers: a socket pair that keeps message boundaries.

    django-q2's multiprocessing queue is read under a lock: kill -9 of the one idle worker that
    holds it wedges the cluster silently and for ever. Here the kernel hands each message whole to
    one reader and nothing is held. `put` blocks while the buffer (about 250 tasks) is full.
    """

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair(socket.AF_UNIX, _KIND)
        self._reader.setblocking(False)

    def fileno(self) -> int:
        return self._reader.fileno()

    def put(self, task: dict[str, Any] | str) -> None:
        self._writer.send(json.dumps(task).encode())

    def get_nowait(self) -> dict[str, Any] | str:
        """Return one task, or raise BlockingIOError when there is none."""
        task: dict[str, Any] | str = json.loads(self._reader.recv(65536))
        return task

    def drain(self) -> None:
        """Throw away what waits; its runs stay claimed until somebody takes them back."""
        with contextlib.suppress(BlockingIOError):
            while True:
                self._reader.recv(65536)

    def qsize(self) -> int:
        """Return 1 when something waits, else 0: how many the kernel does not say."""
        return len(select.select([self._reader], [], [], 0)[0])

    def empty(self) -> bool:
        return not self.qsize()
