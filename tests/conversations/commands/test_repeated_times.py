"""A repetition in words becomes the interval or the cron expression that says the same."""

from __future__ import annotations

from datetime import timedelta

import pytest

from conversations.commands.when import read_when
from scheduling.triggers import CronTrigger, IntervalTrigger
from tests.conversations.commands.reading import NOW, SHANGHAI, rows, understood

INTERVALS = rows("""
    every 2h x => every 7200 s
    every 30 minutes x => every 1800 s
    every 15 seconds x => every 15 s
    every 1 hour 30 minutes x => every 5400 s
    every hour x => every 3600 s
    every minute x => every 60 s
    every half hour x => every 1800 s
    every half an hour x => every 1800 s
    every two hours x => every 7200 s
    every 3 days x => every 259200 s
    every other day x => every 172800 s
    every 2 weeks x => every 1209600 s
    each hour x => every 3600 s
    hourly x => every 3600 s
    每2小时 x => every 7200 s
    每两小时 x => every 7200 s
    每２个小时 x => every 7200 s
    每隔2小时 x => every 7200 s
    每小时 x => every 3600 s
    每个小时 x => every 3600 s
    每半小时 x => every 1800 s
    每半个小时 x => every 1800 s
    每30分钟 x => every 1800 s
    每隔10分钟 x => every 600 s
    每分钟 x => every 60 s
    每15秒 x => every 15 s
    每2小时一次 x => every 7200 s
    每3天 x => every 259200 s
    每两周 x => every 1209600 s
""")

CRONS = rows("""
    every day at 9 x => cron 0 9 * * *
    each day at 9 x => cron 0 9 * * *
    everyday at 9 x => cron 0 9 * * *
    daily 09:00 x => cron 0 9 * * *
    daily at 6pm x => cron 0 18 * * *
    every day at 9:30:15 x => cron 15 30 9 * * *
    every day at noon x => cron 0 12 * * *
    every day at midnight x => cron 0 0 * * *
    every morning at 7 x => cron 0 7 * * *
    every evening at 7 x => cron 0 19 * * *
    at 9 every day x => cron 0 9 * * *
    every weekday 9:00 x => cron 0 9 * * 1-5
    every working day at 9 x => cron 0 9 * * 1-5
    weekdays at 9 x => cron 0 9 * * 1-5
    every weekend at 10 x => cron 0 10 * * 0,6
    every monday 9:00 x => cron 0 9 * * 1
    every sunday evening at 7 x => cron 0 19 * * 0
    mondays at 9 x => cron 0 9 * * 1
    every monday and thursday at 18:30 x => cron 30 18 * * 1,4
    every mon, wed, fri at 7:15 x => cron 15 7 * * 1,3,5
    every mon-fri 9:00 x => cron 0 9 * * 1-5
    every friday to monday at 9 x => cron 0 9 * * 0,1,5,6
    weekly mon 9:00 x => cron 0 9 * * 1
    every week on monday at 9 x => cron 0 9 * * 1
    monthly 1 9:00 x => cron 0 9 1 * *
    monthly on the 15th at 9am x => cron 0 9 15 * *
    every month on the 1st at 9 x => cron 0 9 1 * *
    every month on the 1st and 15th at 9 x => cron 0 9 1,15 * *
    every month on the last day at 9 x => cron 0 9 L * *
    every 15th of the month at 9 x => cron 0 9 15 * *
    on the 1st of every month at 9 x => cron 0 9 1 * *
    every year on dec 24 at 9 x => cron 0 9 24 12 *
    cron "0 9 * * 1-5" x => cron 0 9 * * 1-5
    cron "*/15 0 9 * * 1-5" x => cron */15 0 9 * * 1-5
    cron '0 9 * * 1-5' x => cron 0 9 * * 1-5
    cron “0 9 * * 1-5” x => cron 0 9 * * 1-5
    cron ‘0 9 * * 1-5’ x => cron 0 9 * * 1-5
    cron ＂０ ９ ＊ ＊ １－５＂ x => cron 0 9 * * 1-5
    Cron: "0 9 * * 1-5" x => cron 0 9 * * 1-5
    cron "@daily" x => cron @daily
    每天9:00 x => cron 0 9 * * *
    每天9点 x => cron 0 9 * * *
    每日９：００ x => cron 0 9 * * *
    每一天9点 x => cron 0 9 * * *
    每天早上七点半 x => cron 30 7 * * *
    每晚8点 x => cron 0 20 * * *
    每天晚上12点 x => cron 0 0 * * *
    每天中午12点 x => cron 0 12 * * *
    每个工作日9点 x => cron 0 9 * * 1-5
    工作日每天9点 x => cron 0 9 * * 1-5
    每周末10点 x => cron 0 10 * * 0,6
    每周一 9:00 x => cron 0 9 * * 1
    每周1 9:00 x => cron 0 9 * * 1
    每週一九點 x => cron 0 9 * * 1
    每星期天上午10点 x => cron 0 10 * * 0
    每个礼拜五18:30 x => cron 30 18 * * 5
    每周五下午三点一刻 x => cron 15 15 * * 5
    每周一三五9点 x => cron 0 9 * * 1,3,5
    每周一三点 x => cron 0 3 * * 1
    每周一、三、五 18:30 x => cron 30 18 * * 1,3,5
    每周一和周四18:30 x => cron 30 18 * * 1,4
    每周六日9点 x => cron 0 9 * * 0,6
    每周一到周五9点 x => cron 0 9 * * 1-5
    周一至周五每天9点 x => cron 0 9 * * 1-5
    每周一晚上12点 x => cron 0 0 * * 2
    每月1号9点 x => cron 0 9 1 * *
    每个月15日上午9点 x => cron 0 9 15 * *
    每月1、15号 9:00 x => cron 0 9 1,15 * *
    每月最后一天9点 x => cron 0 9 L * *
    每年12月24日9点 x => cron 0 9 24 12 *
""")


@pytest.mark.parametrize(("typed", "expected"), INTERVALS)
def test_an_interval_is_understood(typed: str, expected: str) -> None:
    assert understood(typed) == expected
    assert read_when(typed, now=NOW, timezone=SHANGHAI).kind == "interval"


@pytest.mark.parametrize(("typed", "expected"), CRONS)
def test_a_repetition_is_understood(typed: str, expected: str) -> None:
    assert understood(typed) == expected
    assert read_when(typed, now=NOW, timezone=SHANGHAI).kind == "cron"


def test_an_interval_begins_after_its_first_length_on_a_whole_second() -> None:
    now = NOW.replace(microsecond=700_000)

    trigger = read_when("every 2h x", now=now, timezone=SHANGHAI).trigger

    assert isinstance(trigger, IntervalTrigger)
    assert trigger.start == NOW + timedelta(hours=2)
    assert trigger.next_after(now) == NOW + timedelta(hours=2)


def test_a_repetition_keeps_to_the_zone_of_the_user() -> None:
    trigger = read_when("every day at 9 x", now=NOW, timezone="Europe/London").trigger

    assert trigger == CronTrigger("0 9 * * *", "Europe/London")
