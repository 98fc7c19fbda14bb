"""When local clocks jump, cron triggers do what Debian's cron does."""

from datetime import UTC, datetime
from itertools import islice
from zoneinfo import ZoneInfo

import pytest

from scheduling.triggers import CronTrigger

NEW_YORK, LORD_HOWE = "America/New_York", "Australia/Lord_Howe"


def local_fires(expression: str, zone: str, after: str, count: int) -> list[str]:
    """Return fire times as the zone shows them; `after` is UTC."""
    trigger, moment = CronTrigger(expression, zone), datetime.fromisoformat(after)
    fires = trigger.occurrences(moment.replace(tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))
    return [
        fire.astimezone(ZoneInfo(zone)).isoformat(" ", "auto")[5:] for fire in islice(fires, count)
    ]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 2 * * *", ["03-08 03:00:00-04:00", "03-09 02:30:00-04:00"]),
        ("0,30 2 * * *", ["03-08 03:00:00-04:00", "03-09 02:00:00-04:00"]),
        ("59 1-3 * * *", ["03-08 01:59:00-05:00", "03-08 03:00:00-04:00", "03-08 03:59:00-04:00"]),
        ("*/20 2 * * *", ["03-09 02:00:00-04:00", "03-09 02:20:00-04:00"]),
        ("0 */2 * * *", ["03-08 04:00:00-04:00", "03-08 06:00:00-04:00"]),
        ("0 30 2 * * *", ["03-08 03:00:00-04:00", "03-09 02:30:00-04:00"]),
        ("*/30 30 2 * * *", ["03-08 03:00:00-04:00", "03-08 03:00:30-04:00"]),
        # Each second of the swallowed hour once, merged in order with what is due anyway.
        (
            "10,20 0,30 2 * * *",
            ["03-08 03:00:10-04:00", "03-08 03:00:20-04:00", "03-09 02:00:10-04:00"],
        ),
        (
            "5,50 0,30 2,3 * * *",
            ["03-08 03:00:05-04:00", "03-08 03:00:50-04:00", "03-08 03:30:05-04:00"],
        ),
    ],
)
def test_what_a_gap_swallows_fires_after_it_unless_it_follows_real_time(
    expression: str, expected: list[str]
) -> None:
    found = local_fires(expression, NEW_YORK, "2026-03-08 06:45", 9)

    assert [fire for fire in found if fire > "03-08 01:59"][: len(expected)] == expected


def test_what_a_gap_swallowed_is_still_due_within_its_first_minute() -> None:
    expected = ["03-08 03:00:30-04:00", "03-08 03:00:40-04:00"]

    found = local_fires("10,30,40 30 2 * * *", NEW_YORK, "2026-03-08 07:00:29", 2)

    assert found == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("30 1 * * *", ["11-01 01:30:00-04:00", "11-02 01:30:00-05:00"]),
        ("*/30 1 * * *", ["11-01 01:00:00-04:00", "11-01 01:30:00-04:00", "11-01 01:00:00-05:00"]),
        ("30 * * * *", ["11-01 00:30:00-04:00", "11-01 01:30:00-04:00", "11-01 01:30:00-05:00"]),
        ("0 1,2 * * *", ["11-01 01:00:00-04:00", "11-01 02:00:00-05:00", "11-02 01:00:00-05:00"]),
        ("15 30 1 * * *", ["11-01 01:30:15-04:00", "11-02 01:30:15-05:00"]),
    ],
)
def test_what_an_overlap_repeats_fires_once_unless_it_follows_real_time(
    expression: str, expected: list[str]
) -> None:
    assert local_fires(expression, NEW_YORK, "2026-11-01 04:00", len(expected)) == expected


def test_in_the_second_pass_the_next_fixed_time_is_the_next_day() -> None:
    found = local_fires("30 1 * * *", NEW_YORK, "2026-11-01 06:10", 1)

    assert found == ["11-02 01:30:00-05:00"]


@pytest.mark.parametrize(
    ("zone", "expression", "after", "expected"),
    [
        # Half an hour back, in the middle of a two-hourly step.
        (LORD_HOWE, "0 */2 * * *", "2026-04-04 13:10", ["04-05 02:00:00+10:30"]),
        (LORD_HOWE, "15 2 * * *", "2026-10-03 14:00", ["10-04 02:30:00+11:00"]),
        # Two hours forward, a missing midnight, a zone whose standard time is the summer's.
        ("Antarctica/Troll", "30 1,2 * * *", "2026-03-28 12:00", ["03-29 03:00:00+02:00"]),
        ("America/Havana", "0 0 * * *", "2026-03-07 12:00", ["03-08 01:00:00-04:00"]),
        ("Europe/Dublin", "30 1 * * *", "2026-10-24 12:00", ["10-25 01:30:00+01:00"]),
        ("Africa/Casablanca", "30 2 * * *", "2026-03-21 12:00", ["03-22 03:00:00+01:00"]),
        # A whole day left out is another calendar, not daylight saving time.
        ("Pacific/Apia", "0 9 * * *", "2011-12-30 00:00", ["12-31 09:00:00+14:00"]),
        ("Pacific/Apia", "0 9 30 12 *", "2011-12-01 00:00", ["12-30 09:00:00+14:00"]),
    ],
)
def test_zones_with_unusual_jumps_follow_the_same_rules(
    zone: str, expression: str, after: str, expected: list[str]
) -> None:
    assert local_fires(expression, zone, after, len(expected)) == expected


def test_what_always_falls_into_a_gap_ends_with_the_rule_that_began_it() -> None:
    trigger = CronTrigger("*/20 2 * 3 SUN#2", NEW_YORK)

    assert trigger.next_after(datetime(2026, 1, 1, tzinfo=UTC)) is None
    assert trigger.latest(datetime(2026, 1, 1, tzinfo=UTC)) == datetime(
        2006, 3, 12, 7, 40, tzinfo=UTC
    )
