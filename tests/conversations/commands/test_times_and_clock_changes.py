"""Local times in the nights when the clocks change are the moments at which cron would fire."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from conversations.commands.when import read_when
from scheduling.triggers import CronTrigger

LONDON, NEW_YORK, LORD_HOWE = "Europe/London", "America/New_York", "Australia/Lord_Howe"

#: zone, local now (fold 1: in the second pass), typed, the moment in UTC
CHANGES = [
    # London, 28 March 2027: from 01:00 to 02:00 there is no local time.
    (LONDON, "2027-03-27 20:00", 0, "tomorrow 1:30 x", "2027-03-28 01:00"),
    (LONDON, "2027-03-27 20:00", 0, "tomorrow 0:59 x", "2027-03-28 00:59"),
    (LONDON, "2027-03-27 20:00", 0, "tomorrow 2:00 x", "2027-03-28 01:00"),
    (LONDON, "2027-03-27 20:00", 0, "明天1点半 x", "2027-03-28 01:00"),
    (LONDON, "2027-03-28 00:30", 0, "at 1:30 x", "2027-03-28 01:00"),
    (LONDON, "2027-03-28 02:30", 0, "at 1:30 x", "2027-03-29 00:30"),
    (LONDON, "2027-03-27 20:00", 0, "in 1 day x", "2027-03-28 19:00"),
    (LONDON, "2027-03-27 20:00", 0, "in 24h x", "2027-03-28 20:00"),
    (LONDON, "2027-03-27 01:30", 0, "in 1 day x", "2027-03-28 01:00"),
    (LONDON, "2027-03-28 00:30", 0, "in 1h x", "2027-03-28 01:30"),
    (LONDON, "2027-03-28 00:30", 0, "半小时后 x", "2027-03-28 01:00"),
    # London, 31 October 2027: 01:00 to 02:00 comes twice.
    (LONDON, "2027-10-30 20:00", 0, "tomorrow 1:30 x", "2027-10-31 00:30"),
    (LONDON, "2027-10-31 01:15", 0, "at 1:30 x", "2027-10-31 00:30"),
    (LONDON, "2027-10-31 01:45", 0, "at 1:30 x", "2027-11-01 01:30"),
    (LONDON, "2027-10-31 01:15", 1, "at 1:30 x", "2027-11-01 01:30"),
    (LONDON, "2027-10-31 01:15", 0, "in 1h x", "2027-10-31 01:15"),
    (LONDON, "2027-10-30 20:00", 0, "明天9点 x", "2027-10-31 09:00"),
    (LONDON, "2027-10-30 20:00", 0, "in 1 day x", "2027-10-31 20:00"),
    (LONDON, "2027-10-30 20:00", 0, "一天后 x", "2027-10-31 20:00"),
    # New York, 14 March 2027: no 02:00 to 03:00.
    (NEW_YORK, "2027-03-13 12:00", 0, "tomorrow 2:30am x", "2027-03-14 07:00"),
    (NEW_YORK, "2027-03-13 12:00", 0, "march 14 2:59:59 x", "2027-03-14 07:00"),
    (NEW_YORK, "2027-03-13 12:00", 0, "3月14日3点 x", "2027-03-14 07:00"),
    (NEW_YORK, "2027-03-13 12:00", 0, "tomorrow at noon x", "2027-03-14 16:00"),
    # New York, 1 November 2026: 01:00 to 02:00 comes twice.
    (NEW_YORK, "2026-10-31 12:00", 0, "tomorrow 1:30am x", "2026-11-01 05:30"),
    (NEW_YORK, "2026-10-31 12:00", 0, "tomorrow at 24:00 x", "2026-11-02 05:00"),
    (NEW_YORK, "2026-10-31 23:00", 0, "明天凌晨1点半 x", "2026-11-01 05:30"),
    (NEW_YORK, "2026-10-31 12:00", 0, "2026-11-01T01:30-05:00 x", "2026-11-01 06:30"),
    # Lord Howe changes by half an hour: 4 October 2026, no 02:00 to 02:30.
    (LORD_HOWE, "2026-10-03 12:00", 0, "tomorrow 2:15 x", "2026-10-03 15:30"),
    # Havana has no midnight on 14 March 2027.
    ("America/Havana", "2027-03-13 12:00", 0, "at midnight x", "2027-03-14 05:00"),
    # Across the date line the day is the user's.
    ("Pacific/Kiritimati", "2026-11-25 01:00", 0, "today at 9 x", "2026-11-24 19:00"),
    ("Pacific/Pago_Pago", "2026-11-25 01:00", 0, "today at 9 x", "2026-11-25 20:00"),
]


@pytest.mark.parametrize(("zone", "now", "fold", "typed", "expected"), CHANGES)
def test_a_time_that_is_missing_or_double(
    zone: str, now: str, fold: int, typed: str, expected: str
) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=ZoneInfo(zone), fold=fold)

    fire = read_when(typed, now=moment, timezone=zone).trigger.next_after(moment)

    assert f"{fire:%Y-%m-%d %H:%M}" == expected


@pytest.mark.parametrize("hour", range(24))
@pytest.mark.parametrize(
    ("zone", "now"),
    [(LONDON, "2027-03-27 23:30"), (LONDON, "2027-10-30 23:30"), (NEW_YORK, "2026-10-31 23:30")],
)
def test_a_plain_time_is_the_next_fire_of_a_daily_cron(zone: str, now: str, hour: int) -> None:
    moment = datetime.fromisoformat(now).replace(tzinfo=ZoneInfo(zone))

    fire = read_when(f"at {hour}:30 x", now=moment, timezone=zone).trigger.next_after(moment)

    assert fire == CronTrigger(f"30 {hour} * * *", zone).next_after(moment)
