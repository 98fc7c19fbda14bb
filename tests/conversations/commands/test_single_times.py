"""A single time in words is the moment a person would mean, on the user's clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from conversations.commands.when import read_when
from tests.conversations.commands.reading import NOW, SHANGHAI, rows, understood

WAITS = rows("""
    in 10m x => 2026-11-25 15:10
    in 10s x => 2026-11-25 15:00:10
    in 2h30m x => 2026-11-25 17:30
    in 2h 30m x => 2026-11-25 17:30
    in 1 hour 30 minutes x => 2026-11-25 16:30
    in 1 hour and 30 minutes x => 2026-11-25 16:30
    in half an hour x => 2026-11-25 15:30
    in an hour x => 2026-11-25 16:00
    in an hour and a half x => 2026-11-25 16:30
    in two and a half hours x => 2026-11-25 17:30
    in 1.5 hours x => 2026-11-25 16:30
    in ten minutes x => 2026-11-25 15:10
    in 90 sec x => 2026-11-25 15:01:30
    in 3 days x => 2026-11-28 15:00
    in 1d2h x => 2026-11-26 17:00
    in 2 weeks x => 2026-12-09 15:00
    in 1 month x => 2026-12-25 15:00
    in a year x => 2027-11-25 15:00
    in 3 days at 9 x => 2026-11-28 09:00
    in 2 weeks at 9am x => 2026-12-09 09:00
    after 10m x => 2026-11-25 15:10
    2 days from now x => 2026-11-27 15:00
    IN 10M x => 2026-11-25 15:10
    ｉｎ １０ｍ x => 2026-11-25 15:10
    10分钟后 x => 2026-11-25 15:10
    10秒后 x => 2026-11-25 15:00:10
    １０分钟后　x => 2026-11-25 15:10
    十分钟后 x => 2026-11-25 15:10
    一百二十秒后 x => 2026-11-25 15:02
    30秒之后 x => 2026-11-25 15:00:30
    半小时后 x => 2026-11-25 15:30
    半个小时以后 x => 2026-11-25 15:30
    一个半小时后 x => 2026-11-25 16:30
    1小时半后 x => 2026-11-25 16:30
    两小时后 x => 2026-11-25 17:00
    两个小时以后 x => 2026-11-25 17:00
    兩小時後 x => 2026-11-25 17:00
    1小时30分钟后 x => 2026-11-25 16:30
    1个小时零5分钟后 x => 2026-11-25 16:05
    1.5小时后 x => 2026-11-25 16:30
    一刻钟后 x => 2026-11-25 15:15
    三天后 x => 2026-11-28 15:00
    3天后9点 x => 2026-11-28 09:00
    一周后 x => 2026-12-02 15:00
    两个星期后上午9点 x => 2026-12-09 09:00
    一个月后 x => 2026-12-25 15:00
    半年后 x => 2027-05-25 15:00
    过10分钟 x => 2026-11-25 15:10
    再过10分钟 x => 2026-11-25 15:10
    3 小时 后 x => 2026-11-25 18:00
""")

CLOCKS = rows("""
    at 18:30 x => 2026-11-25 18:30
    at 14:30 x => 2026-11-26 14:30
    at 15:00 x => 2026-11-26 15:00
    at 15:00:01 x => 2026-11-25 15:00:01
    18:30 x => 2026-11-25 18:30
    at 7 x => 2026-11-26 07:00
    at 6pm x => 2026-11-25 18:00
    6pm x => 2026-11-25 18:00
    at 6:30 pm x => 2026-11-25 18:30
    at 9 a.m. x => 2026-11-26 09:00
    at 12am x => 2026-11-26 00:00
    at 12pm x => 2026-11-26 12:00
    at seven pm x => 2026-11-25 19:00
    at 9 o'clock x => 2026-11-26 09:00
    at 9 o’clock x => 2026-11-26 09:00
    at 9 in the evening x => 2026-11-25 21:00
    at 9 in the morning x => 2026-11-26 09:00
    at 10 at night x => 2026-11-25 22:00
    at half past six x => 2026-11-26 06:30
    at quarter to 7 pm x => 2026-11-25 18:45
    at noon x => 2026-11-26 12:00
    at midnight x => 2026-11-26 00:00
    24:00 x => 2026-11-26 00:00
    下午3点半 x => 2026-11-25 15:30
    下午3点一刻 x => 2026-11-25 15:15
    下午三点二十五 x => 2026-11-25 15:25
    下午13点 x => 2026-11-26 13:00
    下午6:30 x => 2026-11-25 18:30
    9点 x => 2026-11-26 09:00
    9点钟 x => 2026-11-26 09:00
    九点十分 x => 2026-11-26 09:10
    9点30 x => 2026-11-26 09:30
    9点零五分 x => 2026-11-26 09:05
    9时30分 x => 2026-11-26 09:30
    １８：３０ x => 2026-11-25 18:30
    晚上7点 x => 2026-11-25 19:00
    晚上12点 x => 2026-11-26 00:00
    晚上12点半 x => 2026-11-26 00:30
    凌晨12点 x => 2026-11-26 00:00
    凌晨2点 x => 2026-11-26 02:00
    中午12点 x => 2026-11-26 12:00
    中午1点 x => 2026-11-26 13:00
    傍晚6点 x => 2026-11-25 18:00
    上午10点 x => 2026-11-26 10:00
    早上8点 x => 2026-11-26 08:00
    零点 x => 2026-11-26 00:00
    午夜 x => 2026-11-26 00:00
""")

DAYS = rows("""
    today at 18:00 x => 2026-11-25 18:00
    tonight at 8 x => 2026-11-25 20:00
    tonight at 11pm x => 2026-11-25 23:00
    tonight at midnight x => 2026-11-26 00:00
    this evening at 7 x => 2026-11-25 19:00
    tomorrow 9:00 x => 2026-11-26 09:00
    tomorrow at 9 x => 2026-11-26 09:00
    tomorrow, 9am x => 2026-11-26 09:00
    tomorrow morning at 9 x => 2026-11-26 09:00
    tomorrow evening at 7 x => 2026-11-26 19:00
    tomorrow at 24:00 x => 2026-11-27 00:00
    the day after tomorrow at 9 x => 2026-11-27 09:00
    at 9 tomorrow x => 2026-11-26 09:00
    6pm on friday x => 2026-11-27 18:00
    on Friday at 9 x => 2026-11-27 09:00
    fri 18:30 x => 2026-11-27 18:30
    wednesday 14:00 x => 2026-12-02 14:00
    wednesday 16:00 x => 2026-11-25 16:00
    this friday at 9 x => 2026-11-27 09:00
    next monday 9am x => 2026-11-30 09:00
    next wednesday 16:00 x => 2026-12-02 16:00
    dec 24 18:00 x => 2026-12-24 18:00
    december 24th at 6pm x => 2026-12-24 18:00
    24 dec 18:00 x => 2026-12-24 18:00
    24th of december at 18:00 x => 2026-12-24 18:00
    Thursday 24 December 2026 6pm x => 2026-12-24 18:00
    january 5th, 2027 at 9am x => 2027-01-05 09:00
    nov 24 9:00 x => 2027-11-24 09:00
    feb 29 9:00 x => 2028-02-29 09:00
    on the 24th at 9 x => 2026-12-24 09:00
    on 2026-12-24 18:00 x => 2026-12-24 18:00
    2026/12/24 18:00 x => 2026-12-24 18:00
    2026-12-24T18:00 x => 2026-12-24 18:00
    2026-12-24T18:00+08:00 x => 2026-12-24 18:00
    2026-12-24T18:00:30+08:00 x => 2026-12-24 18:00:30
    2026-12-24 10:00Z x => 2026-12-24 18:00
    2026-12-24T00:00-05:00 x => 2026-12-24 13:00
    今天18点 x => 2026-11-25 18:00
    今晚8点 x => 2026-11-25 20:00
    今晚12点 x => 2026-11-26 00:00
    今天晚上8点半 x => 2026-11-25 20:30
    明天9点 x => 2026-11-26 09:00
    明天九点 x => 2026-11-26 09:00
    明日9:00 x => 2026-11-26 09:00
    明天上午9点15分 x => 2026-11-26 09:15
    明天的9点 x => 2026-11-26 09:00
    明早8点 x => 2026-11-26 08:00
    明晚8点半 x => 2026-11-26 20:30
    明晚12点 x => 2026-11-27 00:00
    明天24点 x => 2026-11-27 00:00
    明天中午 x => 2026-11-26 12:00
    后天下午两点半 x => 2026-11-27 14:30
    後天下午兩點半 x => 2026-11-27 14:30
    大后天上午十点 x => 2026-11-28 10:00
    周五9点 x => 2026-11-27 09:00
    星期天上午10点 x => 2026-11-29 10:00
    礼拜五18:30 x => 2026-11-27 18:30
    周三14点 x => 2026-12-02 14:00
    周三晚8点 x => 2026-11-25 20:00
    周一一点 x => 2026-11-30 01:00
    这周日9点 x => 2026-11-29 09:00
    下周一9点 x => 2026-11-30 09:00
    下周三9点 x => 2026-12-02 09:00
    下周日9点 x => 2026-12-06 09:00
    下个星期五9点 x => 2026-12-04 09:00
    下下周五9点 x => 2026-12-11 09:00
    12月24日18:00 x => 2026-12-24 18:00
    12月24号晚上6点 x => 2026-12-24 18:00
    12月24日（周四）9点 x => 2026-12-24 09:00
    十二月二十四日下午六点 x => 2026-12-24 18:00
    2026年12月24日下午6点 x => 2026-12-24 18:00
    二〇二六年十二月二十四日下午六点 x => 2026-12-24 18:00
    明年1月1日0点 x => 2027-01-01 00:00
    1月1日9点 x => 2027-01-01 09:00
    24号9点 x => 2026-12-24 09:00
    26号9点 x => 2026-11-26 09:00
    下个月1号9点 x => 2026-12-01 09:00
    2026-12-24 下午6点 x => 2026-12-24 18:00
""")


@pytest.mark.parametrize(("typed", "expected"), WAITS + CLOCKS + DAYS)
def test_a_single_time_is_understood(typed: str, expected: str) -> None:
    assert understood(typed) == expected
    assert read_when(typed, now=NOW, timezone=SHANGHAI).kind == "once"


def test_next_monday_on_a_monday_is_in_seven_days() -> None:
    monday = NOW.replace(day=23)

    assert understood("next monday 18:00 x", now=monday) == "2026-11-30 18:00"
    assert understood("下周一18点 x", now=monday) == "2026-11-30 18:00"
    assert understood("monday 18:00 x", now=monday) == "2026-11-23 18:00"
    assert understood("周一18点 x", now=monday) == "2026-11-23 18:00"


def test_a_wait_begins_at_this_very_moment() -> None:
    now = NOW.replace(microsecond=700_000)

    when = read_when("in 10s x", now=now, timezone=SHANGHAI)

    assert (when.trigger.next_after(now) - now).total_seconds() == 10


@given(st.integers(0, 23), st.integers(0, 59))
def test_every_minute_of_the_day_is_the_next_such_minute(hour: int, minute: int) -> None:
    day = 25 if (hour, minute) > (15, 0) else 26
    expected = f"2026-11-{day} {hour:02}:{minute:02}"

    assert understood(f"at {hour}:{minute:02} x") == expected
    assert understood(f"{hour}点{minute}分 x") == expected
    assert understood(f"x at {(hour - 1) % 12 + 1}:{minute:02}{'ap'[hour // 12]}m") == expected
