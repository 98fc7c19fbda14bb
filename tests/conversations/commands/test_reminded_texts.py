"""What is left beside the time is kept exactly as typed, less what only asks to be reminded."""

from __future__ import annotations

import pytest

from conversations.commands.when import read_when
from tests.conversations.commands.reading import NOW, SHANGHAI, in_words, rows

#: typed => time | text
TEXTS = rows("""
    in 10m Stretch Your  LEGS! => 2026-11-25 15:10 | Stretch Your  LEGS!
    in 10m to stretch => 2026-11-25 15:10 | stretch
    in 10m, stretch => 2026-11-25 15:10 | stretch
    in 10m: stretch => 2026-11-25 15:10 | stretch
    in 10m that the tea is ready => 2026-11-25 15:10 | the tea is ready
    in 10m that's it => 2026-11-25 15:10 | that's it
    in 10m me time => 2026-11-25 15:10 | me time
    in 10m remind me to stretch => 2026-11-25 15:10 | stretch
    in 10m 5m run => 2026-11-25 15:10 | 5m run
    in 10m daily stand-up => 2026-11-25 15:10 | daily stand-up
    me in 10m to stretch => 2026-11-25 15:10 | stretch
    me to stretch in 10 minutes => 2026-11-25 15:10 | stretch
    to stretch in 10 minutes => 2026-11-25 15:10 | stretch
    stretch in 10 minutes! => 2026-11-25 15:10 | stretch
    stretch, in 10 minutes => 2026-11-25 15:10 | stretch
    call me at 5551234 in 1 hour => 2026-11-25 16:00 | call me at 5551234
    in 1 hour call me at 5551234 => 2026-11-25 16:00 | call me at 5551234
    buy 2 eggs at 6pm => 2026-11-25 18:00 | buy 2 eggs
    at 18:30 pack the bag for tomorrow => 2026-11-25 18:30 | pack the bag for tomorrow
    at 9 weekly report => 2026-11-26 09:00 | weekly report
    at 9 to do list => 2026-11-26 09:00 | do list
    at 6pm tomorrow dinner with Ann => 2026-11-26 18:00 | dinner with Ann
    at 9 on friday report => 2026-11-27 09:00 | report
    call Bob at 9 tomorrow => 2026-11-26 09:00 | call Bob
    stretch tomorrow at 9 => 2026-11-26 09:00 | stretch
    tomorrow call Bob at 6pm => 2026-11-26 18:00 | call Bob
    every day drink water at 9 => cron 0 9 * * * | drink water
    stretch at 9 daily => cron 0 9 * * * | stretch
    pay rent monthly on the 1st at 9 => cron 0 9 1 * * | pay rent
    water plants every 3 days => every 259200 s | water plants
    cron "0 9 * * *" Say "hi" => cron 0 9 * * * | Say "hi"
    半小时后提醒我喝水 => 2026-11-25 15:30 | 喝水
    提醒我10分钟后喝水 => 2026-11-25 15:10 | 喝水
    我10分钟后喝水 => 2026-11-25 15:10 | 喝水
    请在10分钟后提醒我喝水 => 2026-11-25 15:10 | 喝水
    10分钟后提醒我妈吃药 => 2026-11-25 15:10 | 提醒我妈吃药
    10分钟后，喝水 => 2026-11-25 15:10 | 喝水
    10分钟后　喝　水！ => 2026-11-25 15:10 | 喝　水！
    明天9点开会 => 2026-11-26 09:00 | 开会
    明天提醒我9点开会 => 2026-11-26 09:00 | 开会
    明天 开会 9点 => 2026-11-26 09:00 | 开会
    喝水 10分钟后 => 2026-11-25 15:10 | 喝水
    开会 明天下午3点。 => 2026-11-26 15:00 | 开会
    明天 下午 3 点 30 分 开会 => 2026-11-26 15:30 | 开会
    every day 9:00 20 push-ups => cron 0 9 * * * | 20 push-ups
    9点 30个俯卧撑 => 2026-11-26 09:00 | 30个俯卧撑
    9点30人开会 => 2026-11-26 09:00 | 30人开会
    9点十个人开会 => 2026-11-26 09:00 | 十个人开会
    3点前端会议 => 2026-11-26 03:00 | 前端会议
    每2小时提醒我喝水 => every 7200 s | 喝水
    每天9:00喝水 => cron 0 9 * * * | 喝水
    每月1号9点交房租 => cron 0 9 1 * * | 交房租
    tomorrow 下午3点 stand-up => 2026-11-26 15:00 | stand-up
    in 10m ＡＢＣ　１２３ => 2026-11-25 15:10 | ＡＢＣ　１２３
    in 10m שלום 👋🏽 => 2026-11-25 15:10 | שלום 👋🏽
    İ in 10m => 2026-11-25 15:10 | İ
""")


@pytest.mark.parametrize(("typed", "expected"), TEXTS)
def test_the_text_is_what_is_left(typed: str, expected: str) -> None:
    when = read_when(typed, now=NOW, timezone=SHANGHAI)

    assert f"{in_words(when, SHANGHAI)} | {when.text}" == expected


def test_a_text_of_several_lines_stays_one() -> None:
    when = read_when("in 10m\nmilk\n  eggs\0\n", now=NOW, timezone=SHANGHAI)

    assert when.text == "milk\n  eggs\0"
