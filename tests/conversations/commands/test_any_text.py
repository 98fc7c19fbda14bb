"""Whatever is typed is understood as a time to come or asked back; nothing else ever happens."""

from __future__ import annotations

from datetime import datetime
from time import perf_counter
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conversations.commands.parsing import parse_command
from conversations.commands.when import UnclearTime, read_when
from scheduling.triggers import CronTrigger, IntervalTrigger, OnceTrigger

ZONES = ["Asia/Shanghai", "Europe/London", "America/New_York", "Australia/Lord_Howe"]
KINDS = {"once": OnceTrigger, "interval": IntervalTrigger, "cron": CronTrigger}
WORDS = """
    in at on every each the of and to me that 10m 2h30m half an hour 3 days 1.5 0 1 9 12 24 31 99
    9:00 18:30 25:61 24:00 am pm noon midnight today tonight tomorrow yesterday next this monday
    fri sun mon weekday weekly daily monthly hourly yearly last day 1st 31st feb dec 2026-12-24
    0001-01-01 9999-12-31 T18:00 +08:00 +99:99 Z cron "0 9 * * 1-5" '* *' “@daily” evening
    morning from now utc stretch
    半 一 两 三十 百 零 〇 １２ ： ， 。 个 小时 分钟 秒 天 周 月 年 后 之后 每 每隔 每天 周一
    星期日 礼拜 下周 这 下个 三五 到 和 、 今天 明早 今晚 大后天 昨天 号 日 12月24日 2月30日
    最后一天 工作日 周末 上午 下午 晚上 凌晨 中午 午夜 点 点半 一刻 时 分 提醒我 请 喝水
    👋🏽 ٣ שלום \u202e \0 \ud83d İ ﬁ
"""
PIECES = [*WORDS.split(), 'cron "0 9 * * 1-5"', "cron '* * 31 2 *'"]
NOW = st.datetimes(datetime(2000, 1, 1), datetime(2200, 1, 1))
MIXED = st.lists(
    st.sampled_from(PIECES) | st.integers(0, 10**12).map(str) | st.text(max_size=3), max_size=9
)
TYPED = st.tuples(st.sampled_from(["", " "]), MIXED).map(lambda both: both[0].join(both[1]))
ANY_TEXT = st.text(st.characters(codec=None, exclude_categories=[]))


def check(typed: str, now: datetime, zone: str) -> None:
    moment = now.replace(tzinfo=ZoneInfo(zone))
    try:
        when = read_when(typed, now=moment, timezone=zone)
    except UnclearTime as question:
        assert str(question)
        return

    fire = when.trigger.next_after(moment)
    assert fire is not None
    assert fire > moment
    assert when.text
    assert when.text == when.text.strip()
    assert when.text in typed
    assert type(when.trigger) is KINDS[when.kind]


@settings(max_examples=1500, deadline=None)
@given(TYPED, NOW, st.sampled_from(ZONES))
@example("in 99999999 days x", datetime(2200, 1, 1), "Asia/Shanghai")
def test_pieces_of_times_in_any_order(typed: str, now: datetime, zone: str) -> None:
    check(typed, now, zone)


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT, NOW)
def test_any_text(typed: str, now: datetime) -> None:
    check(typed, now, "Asia/Shanghai")


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT)
def test_a_text_after_a_time_is_kept(text: str) -> None:
    now = datetime(2026, 11, 25, 15, 0, tzinfo=ZoneInfo("Asia/Shanghai"))
    try:
        when = read_when(f"in 10m: !{text}", now=now, timezone="Asia/Shanghai")
    except UnclearTime as question:
        pytest.fail(f"{text!r}: {question}")

    assert when.text == f"!{text}".strip()


@settings(max_examples=500, deadline=None)
@given(st.sampled_from(["/", "／", "/remind", "/提醒", " /cancel"]), TYPED | ANY_TEXT)
def test_any_text_is_a_command_or_none(start: str, text: str) -> None:
    command = parse_command(start + text)

    assert command is None or (command.argument in start + text or command.argument.isdecimal())


MANY = 20_000


@pytest.mark.parametrize(
    "typed",
    [
        "9 " * MANY,
        "in 1h " * MANY,
        "in " + "1" * MANY + "m x",
        "一" * MANY,
        "每周一" + "、二" * MANY,
        "每周" + "一" * MANY,
        "every mon" + " and mon" * MANY,
        "every month on the 1" + ",2" * MANY,
        " " * MANY + "in 10m x" + " " * MANY,
        "in" + " " * MANY + "10m x",
        'cron "' + "1" * MANY,
        "me to " * MANY,
        "at 9" + " - " * MANY,
        "İ" * MANY + " in 10m",
        "12月" * MANY,
    ],
    ids=lambda typed: typed.strip()[:12],
)
def test_a_very_long_text_is_read_in_time_that_grows_with_its_length(typed: str) -> None:
    begun = perf_counter()

    check(typed, datetime(2026, 11, 25, 15), "Asia/Shanghai")

    # Measured: at most 0.2 s; quadratic time would be minutes.
    assert perf_counter() - begun < 5
