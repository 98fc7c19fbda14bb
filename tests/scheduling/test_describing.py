"""Schedules and distances in time read truly, in English and in Chinese."""

import random
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path

import pytest
from django.utils.translation import override
from hypothesis import given
from hypothesis import strategies as st

from scheduling.describing import describe, relative
from scheduling.triggers import CronTrigger, IntervalTrigger, InvalidTrigger, OnceTrigger
from tests.scheduling.random_triggers import RANGES, neighbor, random_trigger

NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
LANGUAGES = ("en", "zh-hans")
ROWS = [
    [part.strip() for part in line.split(" | ")]
    for line in (Path(__file__).parent / "descriptions.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
]


@pytest.mark.parametrize(("expression", "english", "chinese"), ROWS, ids=[row[0] for row in ROWS])
def test_an_expression_reads_in_both_languages(expression: str, english: str, chinese: str) -> None:
    trigger = CronTrigger(expression)

    assert describe(trigger, language="en") == english
    assert describe(trigger, language="zh-hans") == chinese


def test_the_table_is_long_enough_to_mean_something() -> None:
    assert len(ROWS) >= 120


# -- any expression --------------------------------------------------------------------------------


@cache
def fire_times(trigger: CronTrigger) -> tuple[datetime, ...]:
    def following() -> Iterator[datetime]:
        moment: datetime | None = NOW
        while moment := trigger.next_after(moment):
            yield moment

    return tuple(islice(following(), 50))


@pytest.mark.parametrize("language", LANGUAGES)
def test_expressions_that_fire_differently_never_read_alike(language: str) -> None:
    rng = random.Random(20261122)
    alike: dict[str, set[CronTrigger]] = defaultdict(set)
    for _ in range(2_000):
        trigger = random_trigger(rng)
        for each in (trigger, neighbor(rng, trigger)):
            alike[describe(each, language=language)].add(each)

    shared = [triggers for triggers in alike.values() if len(triggers) > 1]
    assert len(shared) > 50, "too few expressions that read alike to say anything"
    for triggers in shared:
        assert len({fire_times(each) for each in triggers}) == 1, triggers


@pytest.mark.parametrize("language", LANGUAGES)
def test_one_value_more_or_less_is_read(language: str) -> None:
    base = ["30", "7", "9", "13", "5", "1-3"]

    for index, (low, high) in enumerate(RANGES):
        told: dict[str, CronTrigger] = {}
        for first in range(low, high + 1):
            for last in range(first, high + 1):
                fields = [*base[:index], f"{first}-{last}", *base[index + 1 :]]
                trigger = CronTrigger(" ".join(fields))
                twin = told.setdefault(describe(trigger, language=language), trigger)

                assert fire_times(twin) == fire_times(trigger), (twin, trigger)


@given(st.integers(min_value=0))
def test_any_valid_expression_has_one_line_of_words(seed: int) -> None:
    trigger = random_trigger(random.Random(seed))

    for language in LANGUAGES:
        sentence = describe(trigger, language=language)

        assert sentence.strip() == sentence
        assert len(sentence) > 1
        assert sentence.isprintable()
        assert "  " not in sentence
        assert (language == "en") == sentence.isascii() or "…" in sentence


@given(st.text(alphabet="0123456789*/,-#LWMONFRIJAN ", max_size=40))
def test_whatever_counts_as_an_expression_can_be_told(expression: str) -> None:
    try:
        trigger = CronTrigger(expression)
    except InvalidTrigger:
        return

    assert describe(trigger, language="en")
    assert describe(trigger, language="zh-hans")


# -- moments and intervals -------------------------------------------------------------------------

EVENING = datetime(2026, 12, 24, 10, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("trigger", "english", "chinese"),
    [
        (
            OnceTrigger(EVENING),
            "Once, on 24 December 2026 at 18:00 (Asia/Shanghai)",
            "仅一次：2026 年 12 月 24 日 18:00（Asia/Shanghai）",
        ),
        (
            IntervalTrigger(timedelta(hours=2, minutes=30), EVENING),
            "Every 2 hours 30 minutes, from 24 December 2026 at 18:00 (Asia/Shanghai)",
            "每 2 小时 30 分钟，从 2026 年 12 月 24 日 18:00 起（Asia/Shanghai）",
        ),
        (
            IntervalTrigger(timedelta(minutes=1), EVENING, EVENING + timedelta(seconds=90)),
            "Every minute, from 24 December 2026 at 18:00 until 24 December 2026 at 18:01:30"
            " (Asia/Shanghai)",
            "每分钟，从 2026 年 12 月 24 日 18:00 起，到 2026 年 12 月 24 日 18:01:30 止"
            "（Asia/Shanghai）",
        ),
        (
            CronTrigger("0 9 * * 1-5", "Europe/Berlin", EVENING),
            "At 09:00, Monday to Friday, from 24 December 2026 at 11:00 (Europe/Berlin)",
            "周一至周五 09:00，从 2026 年 12 月 24 日 11:00 起（Europe/Berlin）",
        ),
    ],
)
def test_moments_are_told_in_a_named_zone(
    trigger: OnceTrigger | IntervalTrigger | CronTrigger, english: str, chinese: str
) -> None:
    assert describe(trigger, timezone="Asia/Shanghai", language="en") == english
    assert describe(trigger, timezone="Asia/Shanghai", language="zh-hans") == chinese


@pytest.mark.parametrize(
    ("every", "english", "chinese"),
    [
        (timedelta(seconds=1), "Every second", "每秒"),
        (timedelta(seconds=0.5), "Every 0.5 seconds", "每 0.5 秒"),
        (timedelta(seconds=61.25), "Every 1 minute 1.25 seconds", "每 1 分钟 1.25 秒"),
        (timedelta(seconds=60, microseconds=1), "Every 1 minute 0.000001 seconds", None),
        (timedelta(minutes=90), "Every 1 hour 30 minutes", "每 1 小时 30 分钟"),
        (timedelta(hours=1), "Every hour", "每小时"),
        (timedelta(days=1), "Every 24 hours", "每 24 小时"),
        (timedelta(days=7), "Every 7 days", "每 7 天"),
        (timedelta(days=2, seconds=3), "Every 2 days 3 seconds", "每 2 天 3 秒"),
    ],
)
def test_an_interval_is_told_exactly(every: timedelta, english: str, chinese: str | None) -> None:
    trigger = IntervalTrigger(every, EVENING)

    assert describe(trigger, language="en").startswith(f"{english}, from ")
    if chinese:
        assert describe(trigger, language="zh-hans").startswith(f"{chinese}，从 ")


def test_the_zone_of_an_expression_is_named_when_asked_for() -> None:
    trigger = CronTrigger("0 9 * * *", "Asia/Shanghai")

    assert describe(trigger, language="en") == "At 09:00 every day"
    assert (
        describe(trigger, language="en", show_timezone=True) == "At 09:00 every day (Asia/Shanghai)"
    )
    assert (
        describe(trigger, language="zh-hans", show_timezone=True) == "每天 09:00（Asia/Shanghai）"
    )


def test_a_time_that_comes_twice_is_told_with_its_offset() -> None:
    passes = [datetime(2026, 11, 1, hour, 30, tzinfo=UTC) for hour in (5, 6)]

    told = [describe(OnceTrigger(at), timezone="America/New_York", language="en") for at in passes]

    assert told == [
        "Once, on 1 November 2026 at 01:30 UTC-04:00 (America/New_York)",
        "Once, on 1 November 2026 at 01:30 UTC-05:00 (America/New_York)",
    ]


@pytest.mark.parametrize("at", [datetime.min, datetime.max])
@pytest.mark.parametrize("timezone", ["Pacific/Kiritimati", "America/Los_Angeles", "no/zone"])
def test_the_ends_of_the_calendar_are_told_in_utc(at: datetime, timezone: str) -> None:
    trigger = OnceTrigger(at.replace(tzinfo=UTC))

    assert describe(trigger, timezone=timezone, language="en").startswith("Once, on ")


def test_the_active_language_is_the_default_and_english_stands_for_others() -> None:
    trigger = CronTrigger("0 9 1 * *")

    with override("zh-hans"):
        assert describe(trigger) == "每月 1 日 09:00"
        assert relative(NOW, now=NOW) == "现在"
    with override("de"):
        assert describe(trigger) == "At 09:00 on day 1 of the month"
    with override(None):
        assert relative(NOW, now=NOW) == "now"
    assert describe(trigger, language="fr") == "At 09:00 on day 1 of the month"


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0.4, "now", "现在"),
        (1, "in 1 second", "1 秒后"),
        (-1.4, "1 second ago", "1 秒前"),
        (59.7, "in 1 minute", "1 分钟后"),
        (180, "in 3 minutes", "3 分钟后"),
        (200, "in 3 min 20 s", "3 分钟 20 秒后"),
        (-300, "5 minutes ago", "5 分钟前"),
        (3599.6, "in 1 hour", "1 小时后"),
        (4800, "in 1 h 20 min", "1 小时 20 分钟后"),
        (4829, "in 1 h 20 min", "1 小时 20 分钟后"),
        (86_390, "in 1 day", "1 天后"),
        (2 * 86_400, "in 2 days", "2 天后"),
        (-2 * 86_400 - 5 * 3600, "2 d 5 h ago", "2 天 5 小时前"),
        (13.99 * 86_400, "in 14 days", "14 天后"),
        (30.4 * 86_400, "in 30 days", "30 天后"),
        (6400 * 86_400, "in about 18 years", "约 18 年后"),
        (-6400 * 86_400, "about 18 years ago", "约 18 年前"),
    ],
)
def test_a_distance_has_two_units_at_most(seconds: float, english: str, chinese: str) -> None:
    moment = NOW + timedelta(seconds=seconds)

    assert relative(moment, now=NOW, language="en") == english
    assert relative(moment, now=NOW, language="zh-hans") == chinese


@given(st.datetimes(timezones=st.just(UTC)), st.datetimes(timezones=st.just(UTC)))
def test_any_distance_can_be_told(moment: datetime, now: datetime) -> None:
    for language in LANGUAGES:
        assert relative(moment, now=now, language=language).isprintable()


def test_an_interval_can_be_told_without_its_bounds() -> None:
    trigger = IntervalTrigger(timedelta(hours=2), NOW, NOW + timedelta(days=9))

    assert describe(trigger, show_bounds=False) == "Every 2 hours"
