"""Tables of what is typed and what is understood, for tests of times in words."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from conversations.commands.when import UnclearTime, When, read_when
from scheduling.triggers import CronTrigger, IntervalTrigger, OnceTrigger

SHANGHAI = "Asia/Shanghai"
#: A Wednesday afternoon.
NOW = datetime(2026, 11, 25, 15, 0, tzinfo=ZoneInfo(SHANGHAI))


def rows(table: str) -> list[tuple[str, str]]:
    """Return (typed, expected) of the lines of a table, `typed => expected`."""
    lines = [line.strip() for line in table.strip().splitlines()]
    return [tuple(part.strip() for part in line.split("=>")) for line in lines if line]  # type: ignore[misc]


def understood(typed: str, *, now: datetime = NOW, timezone: str = SHANGHAI) -> str:
    """Return what is understood: a local time with its offset left out, an interval, a cron."""
    return in_words(read_when(typed, now=now, timezone=timezone), timezone)


def in_words(when: When, timezone: str) -> str:
    match when.trigger:
        case OnceTrigger(at=at):
            return f"{at.astimezone(ZoneInfo(timezone)):%Y-%m-%d %H:%M:%S}".removesuffix(":00")
        case IntervalTrigger(every=every):
            return f"every {every // timedelta(seconds=1)} s"
        case CronTrigger(expression=expression):
            return f"cron {expression}"


def asked_back(typed: str, *, now: datetime = NOW, timezone: str = SHANGHAI) -> str:
    """Return the question; fails if the time was understood."""
    try:
        when = read_when(typed, now=now, timezone=timezone)
    except UnclearTime as question:
        return str(question)
    raise AssertionError(f"{typed!r} was understood: {in_words(when, timezone)}, {when.text!r}")
