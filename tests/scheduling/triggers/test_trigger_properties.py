"""What holds for every trigger and every moment, at the limits of the calendar too."""

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduling.triggers import (
    CronTrigger,
    IntervalTrigger,
    InvalidTrigger,
    OnceTrigger,
    Trigger,
)

TICK = timedelta.resolution
START, END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2027, 3, 1, tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)
FIRST = datetime.min.replace(tzinfo=UTC)

expressions = st.sampled_from(
    [
        "* * * * *",
        "*/7 */5 * * * *",
        "30 2 * * *",
        "0,30 1-3 * * *",
        "*/20 2 * * *",
        "0 12 L * *",
        "10,50 30 1,2 * * *",
        "0 9 1 * MON",
        "0 0 29 2 *",
    ]
)
zones = st.sampled_from(
    ["UTC", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Shanghai"]
)
moments = st.datetimes(datetime(2024, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC))
# Around a night in which New York, and another in which Lord Howe, changes its clocks.
nights = st.integers(0, 6 * 3600).map(
    lambda second: datetime(2026, 11, 1, 4, tzinfo=UTC) + timedelta(seconds=second)
) | st.integers(0, 6 * 3600).map(
    lambda second: datetime(2026, 10, 3, 12, tzinfo=UTC) + timedelta(seconds=second)
)
crons = st.builds(CronTrigger, expressions, zones)


@settings(deadline=None)
@given(trigger=crons, moment=moments | nights)
def test_occurrences_ascend_and_exist_on_the_local_clock(
    trigger: CronTrigger, moment: datetime
) -> None:
    fires = list(islice(trigger.occurrences(moment, LAST), 12))

    assert fires[0] > moment
    assert all(earlier < later for earlier, later in pairwise(fires))
    for fire in fires:
        assert fire.microsecond == 0
        assert trigger.next_after(fire - TICK) == fire


@settings(deadline=None)
@given(trigger=crons, moment=moments | nights)
def test_between_the_latest_and_the_next_there_is_nothing(
    trigger: CronTrigger, moment: datetime
) -> None:
    latest, following = trigger.latest(moment), trigger.next_after(moment)

    assert latest is not None
    assert following is not None
    assert latest <= moment < following
    assert trigger.next_after(latest) == following
    assert trigger.latest(following - TICK) == latest
    assert trigger.latest(following) == following


@settings(deadline=None)
@given(expression=expressions, zone=zones, start=moments, length=st.timedeltas(TICK, END - START))
def test_start_and_end_only_cut(
    expression: str, zone: str, start: datetime, length: timedelta
) -> None:
    free, end = CronTrigger(expression, zone), start + length
    bounded = CronTrigger(expression, zone, start, end)

    inside = list(islice(free.occurrences(start - TICK, end), 5))

    assert list(islice(bounded.occurrences(start - timedelta(days=99), LAST), 5)) == inside
    assert bounded.latest(LAST) == (free.latest(end) if inside else None)


def test_start_and_end_are_inclusive() -> None:
    noon = datetime(2026, 11, 22, 12, tzinfo=UTC)
    trigger = CronTrigger("0 12 * * *", start=noon, end=noon)

    assert list(trigger.occurrences(FIRST, LAST)) == [noon]
    assert trigger.next_after(noon) is None
    assert trigger.latest(noon - TICK) is None


@given(trigger=crons, moment=moments, hours=st.integers(-23, 23))
def test_the_zone_in_which_one_asks_does_not_matter(
    trigger: CronTrigger, moment: datetime, hours: int
) -> None:
    there = moment.astimezone(timezone(timedelta(hours=hours)))

    assert trigger.next_after(there) == trigger.next_after(moment)


ends_of_time = [
    FIRST,
    FIRST + timedelta(hours=30),
    FIRST.replace(tzinfo=timezone(timedelta(hours=14))),
    LAST,
    LAST - timedelta(minutes=1),
    LAST.replace(tzinfo=timezone(-timedelta(hours=12))),
    LAST.replace(tzinfo=ZoneInfo("America/New_York")),
]
everywhere: list[Trigger] = [
    OnceTrigger(START),
    IntervalTrigger(timedelta(days=1), START),
    IntervalTrigger(timedelta.max, START),
    IntervalTrigger(TICK, FIRST),
    CronTrigger("0 0 1 1 *", "Asia/Shanghai"),
    CronTrigger("30 2 * * *", "America/New_York"),
    CronTrigger("* * * * * *", "Pacific/Kiritimati"),
    CronTrigger("* * * * *", "Etc/GMT+12"),
    CronTrigger("0 0 * 2 MON#5", "Etc/GMT-14", FIRST, LAST),
]


@pytest.mark.parametrize("trigger", everywhere, ids=str)
@pytest.mark.parametrize("moment", ends_of_time, ids=str)
def test_at_the_ends_of_the_calendar_there_is_an_answer_or_none(
    trigger: Trigger, moment: datetime
) -> None:
    following, latest = trigger.next_after(moment), trigger.latest(moment)

    assert following is None or following > moment
    assert latest is None or latest <= max(moment, FIRST)


def test_after_the_last_occurrence_of_the_calendar_comes_none() -> None:
    last = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)

    assert CronTrigger("* * * * *").next_after(last - timedelta(minutes=1)) == last
    assert CronTrigger("* * * * *").next_after(last) is None
    assert IntervalTrigger(timedelta.max, START).next_after(START) is None


@pytest.mark.parametrize("limit", [FIRST, LAST])
def test_a_time_that_utc_cannot_hold_is_refused(limit: datetime) -> None:
    beyond = limit.replace(tzinfo=timezone(timedelta(hours=9 if limit == FIRST else -9)))

    with pytest.raises(InvalidTrigger) as refused:
        OnceTrigger(beyond)

    assert refused.value.code == "moment_out_of_range"


@pytest.mark.parametrize("trigger", everywhere[:2] + everywhere[-1:], ids=str)
def test_a_moment_without_a_time_zone_is_refused(trigger: Trigger) -> None:
    naive = datetime(2026, 11, 22, 12)

    for ask in (trigger.next_after, trigger.latest):
        with pytest.raises(InvalidTrigger, match="needs a time zone"):
            ask(naive)


def test_a_bound_without_a_time_zone_is_refused() -> None:
    naive = datetime(2026, 11, 22, 12)
    makers: list[Any] = [
        lambda: OnceTrigger(naive),
        lambda: IntervalTrigger(timedelta(1), naive),
        lambda: IntervalTrigger(timedelta(1), START, naive),
        lambda: CronTrigger("@daily", start=naive),
        lambda: CronTrigger("@daily", end=naive),
    ]

    for make in makers:
        with pytest.raises(InvalidTrigger) as refused:
            make()
        assert refused.value.code == "naive_moment"
        assert str(date(2026, 11, 22)) in str(refused.value)
