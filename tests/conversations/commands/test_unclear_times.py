"""What is not clear is asked back, in the reader's language, with examples that work."""

from __future__ import annotations

import re

import pytest
from django.utils import translation

from conversations.commands.when import MissingText, UnclearTime, read_when
from tests.conversations.commands.reading import NOW, SHANGHAI, asked_back, rows

#: typed => a part of the question
UNCLEAR = rows("""
    stretch => do not understand the time in “stretch”
    9 x => do not understand
    10m stretch => do not understand
    tomorrow 9 eggs => At what time of day? “tomorrow”
    tomorrow buy milk => At what time of day? “tomorrow”
    read chapter 3 tomorrow => At what time of day? “tomorrow”
    on friday x => At what time of day? “on friday”
    2026-12-24 x => At what time of day?
    every day drink => At what time of day? “every day”
    every monday x => At what time of day?
    every week x => On which day? “every week”
    weekly 9:00 x => On which day?
    monthly 9:00 x => On which day?
    next friday 9am x => 2026-11-27 or 2026-12-04
    tomorrow at midnight x => 0:00 or 24:00
    at 25:00 x => “at 25:00” is not a time of day
    at 9:60 x => not a time of day
    at 0pm x => not a time of day
    tonight at 9am x => not a time of day
    at 9.30 x => do not understand
    at 9 30 x => do not understand
    9点 30 x => do not understand
    八点差五分 x => do not understand
    at 930 x => do not understand
    at 5 minutes to six x => do not understand
    feb 30 9:00 x => no such date: “feb 30”
    2026-02-30 9:00 x => no such date
    2026-12-24T25:00+08:00 x => no such date
    every year on feb 30 at 9 x => no such date
    monthly 32 9:00 x => no such date
    Friday 24 December 2026 6pm x => another day of the week
    12/24 18:00 x => do not understand
    today 9:00 x => in the past: 2026-11-25 09:00
    yesterday at 9 x => in the past
    this monday at 9 x => in the past
    2026-11-24 9:00 x => in the past
    2020-12-24 18:00 x => in the past
    2020-12-24T18:00+08:00 x => in the past
    0001-01-01T00:00+14:00 x => in the past
    in 0m x => That is now
    in 0 days x => That is now
    in -5m x => do not understand
    in 5 parsecs x => do not understand
    in 99999999 days x => too far away
    in 999999999 years x => too far away
    in 99999999999999999999 minutes x => do not understand
    9999-12-31 23:59 x => too far away
    9999-12-31T23:59Z x => too far away
    in 1.5 months x => no halves
    every 0s x => at least one
    every 1.5 seconds x => whole number of seconds
    every 99999999 weeks x => too far away
    every 2 months x => Name the day
    every 3 days at 9 x => “every 3 days” and “at 9”
    every hour at 9 x => two times
    every 2h until friday x => two times
    every day at 9 from monday x => two times
    at 9 and 18:00 x => “at 9” and “18:00”
    at 9 to 10 x => two times
    in 10m at 9 x => two times
    at 9 friday report => “at 9” and “friday”
    to buy the 9:00 ticket tomorrow at 8 => “9:00” and “tomorrow at 8”
    at 9 UTC x => Times are read in Asia/Shanghai
    cron 0 9 * * 1-5 x => in quotes
    cron "0 9 * * 1-5 x => in quotes
    cron "61 * * * *" x => does not work
    cron "" x => does not work
    cron "0 0 31 2 *" x => does not work
    喝水 => do not understand
    10分钟喝水 => do not understand
    半天后喝水 => do not understand
    9点前交作业 => do not understand
    9点3喝水 => do not understand
    12月24日周五9点 x => another day of the week
    明天开会 => At what time of day? “明天”
    今晚看电影 => At what time of day?
    每天喝水 => At what time of day? “每天”
    每周一 周报 => At what time of day? “每周一”
    每周9点开会 => On which day? “每周”
    每周3点开会 => On which day? “每周”
    每周一次 9点开会 => On which day?
    每月9点开会 => On which day? “每月”
    下周9点开会 => On which day? “下周”
    周末9点睡觉 => On which day? “周末”
    每隔一天喝水 => 每2天
    每3天9点浇花 => “每3天” and “9点”
    明天9点到10点开会 => “明天9点” and “10点”
    上午13点吃饭 => “上午13点” is not a time of day
    凌晨9点 x => not a time of day
    晚上1点 x => not a time of day
    25点 x => not a time of day
    9点60分 x => not a time of day
    2月30日9点 x => no such date: “2月30日”
    13月1日9点 x => no such date
    每月32号9点 x => no such date
    2025年12月24日9点 x => in the past
    今天9点 x => in the past
    昨天9点 x => in the past
    这周一9点 x => in the past
    0分钟后 x => That is now
    每0秒 x => at least one
    每2个月 x => Name the day
    ٣ دقائق => do not understand
    in ３٣ minutes x => do not understand
    😀 => do not understand
    \0 => do not understand
""")


@pytest.mark.parametrize(("typed", "part"), UNCLEAR)
def test_what_is_unclear_is_asked_back(typed: str, part: str) -> None:
    question = asked_back(typed)

    assert part in question
    assert "For example: “in 10m stretch”" in question


@pytest.mark.parametrize(("typed", "_part"), UNCLEAR)
def test_the_question_is_all_in_the_language_of_the_reader(typed: str, _part: str) -> None:
    with translation.override("zh-hans"):
        question, english = asked_back(typed), "For example"

    assert english not in question
    assert "例如：“10分钟后 喝水”" in question
    assert question.splitlines()[0] != asked_back(typed).splitlines()[0]


@pytest.mark.parametrize("typed", ["", " ", "　\n"])
def test_nothing_is_asked_back(typed: str) -> None:
    assert asked_back(typed).startswith("When, and of what")


@pytest.mark.parametrize("language", ["en", "zh-hans"])
def test_the_examples_are_understood(language: str) -> None:
    with translation.override(language):
        question = asked_back("lala")

    examples = re.findall("“([^”]+)”", question.splitlines()[1])

    assert len(examples) == 3
    assert all(read_when(each, now=NOW, timezone=SHANGHAI).text for each in examples)


@pytest.mark.parametrize(
    "typed",
    [
        "in 10m",
        "at 9",
        "every day at 9",
        "in 10m to",
        "in 10m: ",
        "10分钟后",
        "10分钟后提醒我",
        "每天9点",
    ],
)
def test_a_time_without_a_text_asks_only_for_the_text(typed: str) -> None:
    with pytest.raises(MissingText, match="Of what should I remind you"):
        read_when(typed, now=NOW, timezone=SHANGHAI)


def test_what_was_said_is_quoted_short_and_in_one_line() -> None:
    with pytest.raises(UnclearTime) as caught:
        read_when("a\n\u202eb" + "很" * 10_000, now=NOW, timezone=SHANGHAI)

    assert "“a b很很" in str(caught.value)
    assert len(str(caught.value)) < 300
