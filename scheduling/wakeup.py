"""Wakes waiting brokers when something may be due: a bell on SQLite, NOTIFY on PostgreSQL."""

import contextlib
import os
import select
import time
from pathlib import Path

import psycopg
from django.conf import settings
from django.db import connection, transaction

CHANNEL = "botflow_runs"
# Seconds between looks at SQLite's data_version, for rows written without ringing the bell.
LOOK_EVERY = 0.02


def ring_on_commit() -> None:
    """Wake every broker once the caller's transaction commits; never if it rolls back."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute(f"NOTIFY {CHANNEL}")
    else:
        transaction.on_commit(ring)


def ring() -> None:
    """Wake the brokers of this machine that wait on a bell; costs a few microseconds each."""
    for fifo in bell_directory().glob("*.bell"):
        try:
            descriptor = os.open(fifo, os.O_WRONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            continue
        except OSError:
            # ENXIO: its broker is gone without taking the bell along.
            fifo.unlink(missing_ok=True)
            continue
        try:
            # EAGAIN: a full pipe has been rung enough.
            with contextlib.suppress(BlockingIOError):
                os.write(descriptor, b"\0")
        finally:
            os.close(descriptor)


def bell_directory() -> Path:
    return Path(settings.BOTFLOW_DATA_DIR) / "bells"


class SQLiteBell:
    """A named pipe that `ring` writes to, with SQLite's own change counter as the second ear.

    A pipe rather than a socket: its path may be of any length, and one byte is all it carries.
    """

    def __init__(self) -> None:
        directory = bell_directory()
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = directory / f"{os.getpid()}-{time.monotonic_ns()}.bell"
        os.mkfifo(self.path, 0o600)
        # Opened for reading and writing: a pipe without writers would poll as closed for ever.
        self.descriptor = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)
        self.version = self._data_version()

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or sooner when the bell rang or another connection committed."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                return
            if select.select([self.descriptor], [], [], min(left, LOOK_EVERY))[0]:
                self._silence()
                return
            version = self._data_version()
            if version != self.version:
                self.version = version
                return

    def close(self) -> None:
        os.close(self.descriptor)
        self.path.unlink(missing_ok=True)

    def _silence(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while os.read(self.descriptor, 4096):
                pass

    @staticmethod
    def _data_version() -> int:
        connection.ensure_connection()
        # Past Django's cursor wrapper: this is looked at fifty times a second.
        with connection.wrap_database_errors:
            return int(connection.connection.execute("PRAGMA data_version").fetchone()[0])


class PostgresBell:
    """LISTEN on a connection of its own, so that waiting holds no transaction open."""

    def __init__(self) -> None:
        parameters = connection.get_connection_params()
        parameters.pop("cursor_factory", None)
        parameters.pop("context", None)
        with connection.wrap_database_errors:
            self.connection = psycopg.connect(**parameters, autocommit=True)
            self.connection.execute(f"LISTEN {CHANNEL}")

    def wait(self, seconds: float) -> None:
        """Return after `seconds`, or sooner when any process notified."""
        with connection.wrap_database_errors:
            for _ in self.connection.notifies(timeout=seconds, stop_after=1):
                break

    def close(self) -> None:
        self.connection.close()


def make_bell() -> SQLiteBell | PostgresBell:
    return PostgresBell() if connection.vendor == "postgresql" else SQLiteBell()
