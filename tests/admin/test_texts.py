"""Moments and durations read well, in both languages."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import override_settings
from django.utils.translation import override

from scheduling.admin_texts import (
    duration_text,
    excerpt_html,
    json_html,
    moment_html,
    moment_text,
    relative_text,
)

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.0124, "12 ms"),
        (0.9999, "1.0 s"),
        (3.21, "3.2 s"),
        (59.99, "1 min 0 s"),
        (245, "4 min 5 s"),
        (3 * 3600 + 125, "3 h 2 min"),
        (50 * 3600, "2 d 2 h"),
        (-0.5, "−500 ms"),
    ],
)
def test_a_duration_shows_the_two_units_that_matter(seconds: float, text: str) -> None:
    assert duration_text(timedelta(seconds=seconds)) == text


def test_no_duration_is_a_dash() -> None:
    assert duration_text(None) == "–"


@pytest.mark.parametrize(
    ("seconds", "english", "chinese"),
    [
        (0.2, "now", "刚刚"),
        (45, "45 s ago", "45 秒前"),
        (-45, "in 45 s", "45 秒后"),
        (300, "5\xa0minutes ago", "5 分钟前"),
        (-7200, "in 2\xa0hours", "2 小时后"),
    ],
)
def test_a_moment_is_told_from_now(seconds: float, english: str, chinese: str) -> None:
    moment = NOW - timedelta(seconds=seconds)

    assert relative_text(moment, now=NOW) == english
    with override("zh-hans"):
        assert relative_text(moment, now=NOW).replace("\xa0", " ") == chinese


@override_settings(TIME_ZONE="Asia/Shanghai")
def test_a_moment_names_its_zone() -> None:
    assert moment_text(NOW) == "2026-03-01 20:00:00 CST"
    assert "2026-03-01 20:00:00 CST" in moment_html(NOW, now=NOW)


def test_an_excerpt_is_one_line() -> None:
    assert ">a b c<" in excerpt_html("a\n\nb\tc")
    assert "…" in excerpt_html("word " * 100)


def test_json_keeps_every_script() -> None:
    assert "完成" in json_html({"a": "完成"})
