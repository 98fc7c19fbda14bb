"""Cron triggers find what stepping through real time finds, above all where clocks jump."""

from datetime import UTC, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from cronsim import CronSim
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from scheduling.triggers import CronTrigger, InvalidTrigger
from tests.scheduling.triggers.stepping import DAY, Rule, fires, readings, stepped

# Instants (UTC) at which the clocks of a zone jump.
JUMPS = {
    "America/New_York": ["2026-03-08 07:00", "2026-11-01 06:00", "2040-03-11 07:00"],
    "Europe/London": ["2026-03-29 01:00", "2026-10-25 01:00"],
    "Europe/Dublin": ["2026-03-29 01:00", "2026-10-25 01:00"],
    "Australia/Lord_Howe": ["2026-04-04 15:00", "2026-10-03 15:30"],
    "America/Havana": ["2026-03-08 05:00", "2026-11-01 05:00"],
    "America/Sao_Paulo": ["2017-10-15 03:00", "2018-02-18 02:00"],
    "Antarctica/Troll": ["2026-03-29 01:00", "2026-10-25 01:00"],
    "Pacific/Chatham": ["2026-04-04 14:00", "2026-09-26 14:00"],
    "Africa/Casablanca": ["2026-02-15 02:00", "2026-03-22 02:00"],
    "Pacific/Apia": ["2011-12-30 10:00", "2012-03-31 14:00"],
    "Asia/Shanghai": ["1986-05-03 18:00", "1986-09-13 17:00"],
}
jumps = st.sampled_from(
    [
        (zone, datetime.fromisoformat(text).replace(tzinfo=UTC))
        for zone, texts in JUMPS.items()
        for text in texts
    ]
)


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    """Return fields of one to four numbers, a range, a step or a star."""
    number = st.integers(low, high).map(str)
    step = st.sampled_from(["/2", "/3", "/7", "/15"])
    # Two different ends: CronSim alone reads 5-5/2 as 5/2.
    pair = st.lists(st.integers(low, high), min_size=2, max_size=2, unique=True).map(sorted)
    span = pair.map(lambda ends: f"{ends[0]}-{ends[1]}")
    return (
        number
        | st.lists(number, min_size=2, max_size=4).map(",".join)
        | st.builds(str.__add__, st.just("*") | span | number, step)
        | st.sampled_from(["*", "*"])
        | span
    )


days = st.sampled_from(["*", "*", "*", "L", "LW", "L,1"]) | numbers(1, 31)
weekdays = st.sampled_from(["*", "*", "*", "SUN", "0", "7", "SAT,SUN", "SUN#2", "0L"]) | numbers(
    0, 7
)
# The hours that jumps touch, more often than the others.
hours = numbers(0, 4) | numbers(0, 23)
months = st.sampled_from(["*", "*", "*", "MAR,NOV", "3,10", "4-10"])
five = st.tuples(numbers(0, 59), hours, days, months, weekdays).map(" ".join)
six = st.builds("{} {}".format, numbers(0, 59), five)


def trigger_of(expression: str, zone: str) -> CronTrigger:
    try:
        return CronTrigger(expression, zone)
    except InvalidTrigger as error:
        assume(error.code != "never_fires")
        raise


def compare(expression: str, zone: str, begin: datetime, end: datetime) -> None:
    trigger = trigger_of(expression, zone)

    assert list(trigger.occurrences(begin, end)) == stepped(expression, zone, begin, end)


@settings(max_examples=150, deadline=None)
@given(expression=five, jump=jumps, before=st.integers(0, 600), length=st.integers(60, 1500))
def test_five_fields_agree_around_a_jump(
    expression: str, jump: tuple[str, datetime], before: int, length: int
) -> None:
    zone, instant = jump
    begin = instant - timedelta(minutes=before)

    compare(expression, zone, begin, begin + timedelta(minutes=length))


@settings(max_examples=25, deadline=None)
@given(expression=six, jump=jumps, before=st.integers(0, 150))
def test_six_fields_agree_around_a_jump(
    expression: str, jump: tuple[str, datetime], before: int
) -> None:
    zone, instant = jump
    begin = instant - timedelta(minutes=before)

    compare(expression, zone, begin, begin + timedelta(minutes=200))


@pytest.mark.parametrize("expression", ["*/20 0 0 * * *", "*/7 0,1 0 * * *", "* * 0 * * *"])
def test_a_gap_of_less_than_a_minute_agrees(expression: str) -> None:
    # In 1935 the clocks of Newfoundland went forward by 52 seconds.
    midnight = datetime(1935, 3, 30, 3, 30, tzinfo=UTC)

    compare(expression, "America/St_Johns", midnight - timedelta(hours=1), midnight + DAY)


@settings(max_examples=150, deadline=None)
@given(expression=five | six, begin=st.datetimes(datetime(2020, 1, 1), datetime(2150, 1, 1)))
def test_without_jumps_cronsim_itself_finds_the_same(expression: str, begin: datetime) -> None:
    trigger, reference = trigger_of(expression, "UTC"), CronSim(expression, begin)
    moment = begin.replace(tzinfo=UTC)

    for _ in range(4):
        found = trigger.next_after(moment)
        assert found == next(reference).replace(tzinfo=UTC)
        moment = found


@cache
def year(zone: str) -> list[tuple[datetime, datetime]]:
    """Return every minute of 2026 and the day before, with what the zone's clock shows."""
    begin, end = datetime(2025, 12, 31, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC)
    return list(readings(ZoneInfo(zone), begin, end, timedelta(minutes=1)))


@pytest.mark.parametrize("zone", ["America/New_York", "Australia/Lord_Howe"])
@pytest.mark.parametrize(
    "expression",
    [
        "*/17 * * * *",
        "0,30 0-5 * * *",
        "15 */5 * * *",
        "30 2 13 * FRI",
        "45 1 LW * *",
        "0 1 * * 0L",
    ],
)
def test_a_whole_year_agrees(zone: str, expression: str) -> None:
    begin, end = year(zone)[0][0] + DAY, year(zone)[-1][0]

    expected = fires(Rule(expression), year(zone), begin, end)

    assert len(expected) > 10
    assert list(CronTrigger(expression, zone).occurrences(begin, end)) == expected
