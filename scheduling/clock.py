"""The time that the queue goes by: the database's where several hosts share it."""

import time
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

# Seconds for which a reading of the database's clock is carried on by the monotonic one.
ASK_EVERY = 5.0


@dataclass(frozen=True, slots=True)
class _Reading:
    moment: datetime
    taken_at: float


_reading: _Reading | None = None


def now() -> datetime:
    """Return the current instant, in UTC.

    On PostgreSQL it is the server's, asked for every few seconds: a host whose own clock is wrong,
    or is set while it runs, neither takes work early nor holds leases too long. SQLite's processes
    share one clock. Raises DatabaseError when the server must be asked and does not answer.
    """
    if connection.vendor != "postgresql":
        return timezone.now()
    global _reading
    reading = _reading
    if reading is None or time.monotonic() - reading.taken_at > ASK_EVERY:
        with connection.cursor() as cursor:
            before = time.monotonic()
            cursor.execute("SELECT clock_timestamp()")
            moment = cursor.fetchone()[0]
        _reading = reading = _Reading(moment, (before + time.monotonic()) / 2)
    return _carried_on(reading)


def reckon() -> datetime:
    """Return what `now` would, going by the last reading; never asks, for the event loop."""
    reading = _reading
    if reading is None or connection.vendor != "postgresql":
        return timezone.now()
    return _carried_on(reading)


def _carried_on(reading: _Reading) -> datetime:
    return reading.moment + timedelta(seconds=time.monotonic() - reading.taken_at)
