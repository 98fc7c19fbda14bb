"""The time that a tool is given stands alone, and every example that a model is told works."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import translation

from conversations.commands.when import UnclearTime, When, read_time
from conversations.tools import get_tools

NOW = datetime(2026, 11, 25, 2, 0, tzinfo=UTC)
EXAMPLES = [
    example
    for tool in get_tools(["reminders"])
    if "when" in tool.parameters["properties"]
    for example in re.findall(
        "(cron “[^”]*”|(?<=“)[^”]*(?=”))", tool.parameters["properties"]["when"]["description"]
    )
]


def read(time: str) -> When:
    return read_time(time, "drink", now=NOW, timezone="Asia/Shanghai")


def refused(time: str) -> UnclearTime:
    with pytest.raises(UnclearTime) as caught:
        read(time)
    return caught.value


def test_both_tools_that_take_a_time_teach_it_by_examples() -> None:
    assert len(EXAMPLES) == 24


@pytest.mark.parametrize("example", sorted(set(EXAMPLES)))
def test_each_example_is_understood(example: str) -> None:
    assert read(example).text == "drink"


@pytest.mark.parametrize(
    ("time", "expected"),
    [
        ("in 10 minutes", NOW + timedelta(minutes=10)),
        ("10分钟后", NOW + timedelta(minutes=10)),
        ("tomorrow at 18:30.", datetime(2026, 11, 26, 10, 30, tzinfo=UTC)),
        ("18:30 tomorrow", datetime(2026, 11, 26, 10, 30, tzinfo=UTC)),
        ("remind me tomorrow at 6:30 PM", datetime(2026, 11, 26, 10, 30, tzinfo=UTC)),
        ("明天下午6点半提醒我", datetime(2026, 11, 26, 10, 30, tzinfo=UTC)),
        ("2026-11-26T18:30:00", datetime(2026, 11, 26, 10, 30, tzinfo=UTC)),
        ("2026-11-26T18:30+08:00", datetime(2026, 11, 26, 10, 30, tzinfo=UTC)),
    ],
)
def test_a_moment_is_read_as_the_command_reads_it(time: str, expected: datetime) -> None:
    when: Any = read(time)

    assert (when.kind, when.trigger.at) == ("once", expected)


@pytest.mark.parametrize(
    ("time", "expression"),
    [
        ("every day at 9am", "0 9 * * *"),
        ("每天早上9点", "0 9 * * *"),
        ("0 9 * * 1-5", "0 9 * * 1-5"),
        ("cron 0 9 * * 1-5", "0 9 * * 1-5"),
        ("cron: */5 9-17 * * 1,3", "*/5 9-17 * * 1,3"),
        ("30 0 9 * * *", "30 0 9 * * *"),
        ('cron "0 9 * * 1-5"', "0 9 * * 1-5"),
    ],
)
def test_a_repetition_is_read_with_quotes_around_cron_or_without(
    time: str, expression: str
) -> None:
    when: Any = read(time)

    assert (when.kind, when.trigger.expression) == ("cron", expression)
    assert when.trigger.timezone == "Asia/Shanghai"


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ("every day 9:00 drink water", "Say the time alone; there is more: “drink water”."),
        ("drink water at 9:00", "Say the time alone; there is more: “drink water”."),
        ("tomorrow 18:30 until friday", "there is more: “until friday”"),
        ("every day at 9:00 (Asia/Shanghai)", "there is more: “(Asia/Shanghai)”"),
        ("", "When, and of what"),
        ("soon", "I do not understand the time in “soon”."),
        ("tomorrow", "At what time of day? “tomorrow” does not say."),
        ("yesterday 9:00", "That is in the past: 2026-11-24 09:00."),
        ("9 30 * * *", "The cron expression “9 30 * * *” does not work"),
        ("0 0 31 2 *", "does not work"),
        ("1; DROP TABLE scheduling_schedule", "I do not understand the time"),
    ],
)
def test_what_is_no_time_alone_is_refused_with_the_reason(time: str, reason: str) -> None:
    error = refused(time)

    assert reason in error.reason
    assert "\n" not in error.reason


def test_the_examples_that_people_type_are_in_the_message_and_not_in_the_reason() -> None:
    error = refused("soon")

    assert str(error) == f"{error.reason}\n{str(error).splitlines()[1]}"
    assert "stretch" in str(error)
    assert "stretch" not in error.reason
    with translation.override("zh-hans"):
        assert refused("soon").reason == "看不懂“soon”里的时间。"
