"""Once and interval triggers: a grid in elapsed time, both ends inclusive."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduling.triggers import CronTrigger, IntervalTrigger, InvalidTrigger, OnceTrigger
from tests.scheduling.triggers.samples import SAMPLES, moments

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
TICK = timedelta.resolution
NEW_YORK = ZoneInfo("America/New_York")
near = st.datetimes(datetime(2020, 1, 1), datetime(2030, 1, 1), timezones=st.just(UTC))
lengths = st.timedeltas(TICK, timedelta(days=400))


@pytest.mark.parametrize("case", SAMPLES["interval_cases"], ids=lambda case: case["id"])
def test_a_case_fires_when_expected(case: dict[str, Any]) -> None:
    end = case["end"] and datetime.fromisoformat(case["end"])
    every = timedelta(seconds=case["every_seconds"])
    trigger = IntervalTrigger(every, datetime.fromisoformat(case["start"]), end)
    fires, after = [], datetime.fromisoformat(case["after"])

    while len(fires) < case["n"] and (fire := trigger.next_after(after)) is not None:
        fires.append(fire)
        after = fire

    assert fires == moments(case["expect_utc"])


def test_a_single_occurrence_fires_once() -> None:
    trigger = OnceTrigger(NOON)

    assert trigger.next_after(NOON - TICK) == NOON
    assert trigger.next_after(NOON) is None
    assert trigger.latest(NOON - TICK) is None
    assert trigger.latest(NOON) == NOON
    assert list(trigger.occurrences(NOON - TICK, NOON)) == [NOON]


def test_the_start_is_the_first_occurrence() -> None:
    trigger = IntervalTrigger(timedelta(hours=1), NOON)

    assert trigger.next_after(NOON - timedelta(days=900)) == NOON
    assert trigger.latest(NOON - TICK) is None


def test_the_end_is_the_last_occurrence() -> None:
    trigger = IntervalTrigger(timedelta(hours=1), NOON, NOON + timedelta(hours=2))

    assert trigger.next_after(NOON + timedelta(hours=1)) == NOON + timedelta(hours=2)
    assert trigger.next_after(NOON + timedelta(hours=2)) is None
    assert trigger.latest(NOON + timedelta(days=90)) == NOON + timedelta(hours=2)


def test_an_end_before_the_start_leaves_nothing() -> None:
    for trigger in (
        IntervalTrigger(timedelta(hours=1), NOON, NOON - TICK),
        CronTrigger("* * * * *", start=NOON, end=NOON - TICK),
    ):
        assert trigger.next_after(NOON - timedelta(days=1)) is None
        assert trigger.latest(NOON + timedelta(days=1)) is None


@given(every=lengths, start=near, moment=near)
def test_the_neighbors_of_a_moment_lie_on_the_grid(
    every: timedelta, start: datetime, moment: datetime
) -> None:
    trigger = IntervalTrigger(every, start)

    following, latest = trigger.next_after(moment), trigger.latest(moment)

    assert following is not None
    assert following > moment
    assert (following - start) % every == timedelta(0)
    if moment < start:
        assert (latest, following) == (None, start)
    else:
        assert latest == following - every


@given(every=lengths, start=near, hours=st.integers(0, 24 * 365))
def test_local_clocks_do_not_move_the_grid(every: timedelta, start: datetime, hours: int) -> None:
    moment = start + timedelta(hours=hours)
    there = IntervalTrigger(every, start.astimezone(NEW_YORK))

    assert there.next_after(moment.astimezone(NEW_YORK)) == IntervalTrigger(
        every, start
    ).next_after(moment)


@pytest.mark.parametrize("every", [timedelta(0), timedelta(seconds=-1), 60])
def test_an_interval_is_a_positive_length_of_time(every: Any) -> None:
    with pytest.raises(InvalidTrigger) as refused:
        IntervalTrigger(every, NOON)

    assert refused.value.code == "bad_interval"


def test_triggers_are_values() -> None:
    same = NOON.astimezone(NEW_YORK)

    assert len({OnceTrigger(NOON), OnceTrigger(same)}) == 1
    assert len({IntervalTrigger(timedelta(1), NOON), IntervalTrigger(timedelta(1), same)}) == 1
    assert len({CronTrigger("@daily", start=NOON), CronTrigger("@daily", "UTC", same)}) == 1
    assert CronTrigger("@daily") != CronTrigger("@daily", "Asia/Shanghai")
    with pytest.raises(AttributeError):
        OnceTrigger(NOON).at = NOON  # type: ignore[misc]


def test_a_moment_in_the_second_pass_of_an_overlap_stays_that_instant() -> None:
    second_pass = datetime(2026, 11, 1, 1, 30, tzinfo=NEW_YORK, fold=1)

    assert OnceTrigger(second_pass).at.isoformat() == "2026-11-01T06:30:00+00:00"
