"""A write transaction that waits for its turn: on SQLite in a queue of the kernel's."""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Iterator

from django.db import connection, transaction

_local = threading.local()


@contextlib.contextmanager
def writing() -> Iterator[None]:
    """Open a transaction for writing.

    SQLite's own waiting sleeps 1, 2, 5, … 100 ms between looks at the lock and lets the luckiest go
    first. A file lock around the transaction wakes the next writer at once, and the kernel frees it
    when its holder is killed. Writers that do not use it still meet SQLite's lock.
    """
    if connection.vendor != "sqlite" or connection.in_atomic_block:
        with transaction.atomic():
            yield
        return
    turn = _turn()
    fcntl.flock(turn.descriptor, fcntl.LOCK_EX)
    try:
        with transaction.atomic():
            yield
    finally:
        fcntl.flock(turn.descriptor, fcntl.LOCK_UN)


class _Turn:
    """A descriptor of the lock file, closed when the thread that holds it ends."""

    def __init__(self, owner: tuple[int, str], descriptor: int) -> None:
        self.owner = owner
        self.descriptor = descriptor

    def __del__(self) -> None:
        os.close(self.descriptor)


def _turn() -> _Turn:
    """Return this thread's own: threads and forks must not share one."""
    path = f"{connection.settings_dict['NAME']}-turn"
    turn: _Turn | None = getattr(_local, "turn", None)
    if turn is None or turn.owner != (os.getpid(), path):
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        turn = _local.turn = _Turn((os.getpid(), path), descriptor)
    return turn
