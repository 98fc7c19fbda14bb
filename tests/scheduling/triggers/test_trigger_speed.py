"""No expression, however it is meant, keeps the process that asks about it."""

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from scheduling import triggers
from scheduling.triggers import CronTrigger, InvalidTrigger

NOW = datetime(2026, 11, 22, 12, 0, 30, tzinfo=UTC)
HOSTILE = [
    "* * */20 * 1L",
    "0 0 31 2 *",
    "0 0 * 2 MON#5",
    "0 0 29 2 */7",
    "*/20 2 * 3 SUN#2",
    "* * 2 * 3 SUN#2",
    "* * * * * *",
    "59 59 23 31 12 *",
    "0 0 LW 2 5L,6L,1#5",
    ",".join(["1"] * 95) + " * * * *",
    "0 0 " + ",".join(["L"] * 90) + " * *",
    "0 0 1 1 " + ",".join(["1L"] * 60),
    "9" * 196 + " * * *",
    "*/" + "9" * 190 + " * * * *",
    "-" * 190 + " * * * *",
    "0-0/" + "0" * 180 + " * * * *",
    "x" * 100_000,
]


def cpu_seconds(work: Callable[[], Any], tries: int = 5) -> float:
    """Return the least CPU time of several tries, which a busy machine does not inflate."""
    times = []
    for _ in range(tries):
        began = time.thread_time()
        work()
        times.append(time.thread_time() - began)
    return min(times)


@pytest.mark.parametrize("expression", HOSTILE, ids=lambda expression: expression[:30])
def test_a_hostile_expression_is_answered_or_refused_within_10_ms(expression: str) -> None:
    def work() -> None:
        triggers.clock_of.cache_clear()
        with suppress(InvalidTrigger):
            CronTrigger(expression, "America/New_York").next_after(NOW)

    assert cpu_seconds(work) < 0.010


@pytest.mark.parametrize("expression", ["* * * * * *", "0 0 29 2 *", "*/20 2 * 3 SUN#2"])
def test_the_latest_after_years_of_standstill_is_found_within_50_ms(expression: str) -> None:
    start = NOW - timedelta(days=3 * 365)
    trigger = CronTrigger(expression, "America/New_York", start)

    assert cpu_seconds(lambda: trigger.latest(NOW)) < 0.050


def test_a_usual_trigger_finds_its_next_occurrence_within_60_microseconds() -> None:
    trigger = CronTrigger("0 9 * * 1-5", "America/New_York")

    def work() -> None:
        for _ in range(100):
            trigger.next_after(NOW)

    assert cpu_seconds(work) / 100 < 0.000_060
