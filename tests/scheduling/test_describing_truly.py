"""Read back, the words for times of day give the very times at which a schedule fires."""

import random
import re
from calendar import monthrange
from collections.abc import Callable
from datetime import date, timedelta

import pytest

from scheduling.describing import describe
from scheduling.describing_cron import Meaning, meaning_of
from scheduling.triggers import CronTrigger, clock_of
from tests.scheduling.random_triggers import random_trigger

DAY = 86_400
UNITS = {"second": 1, "minute": 60, "hour": 3_600, "秒": 1, "分钟": 60, "小时": 3_600}
CLOCK = r"\d\d:\d\d(?::\d\d)?"
NUMBERS = r"(\d+(?:(?: to |, | and | 至 |、|(?<= )… |(?<=、)…、)*\d+)*)"


def seconds_of(clock: str) -> int:
    parts = [int(part) for part in clock.split(":")] + [0]
    return parts[0] * 3_600 + parts[1] * 60 + parts[2]


def numbers(text: str) -> set[int]:
    """Return the numbers of "0 to 5 and 7" or "0, 7, … 56"."""
    if found := re.search(r"(\d+)(?:, |、)(\d+)(?:, |、)…[ 、](\d+)", text):
        first, second, last = (int(number) for number in found.groups())
        return set(range(first, last + 1, second - first))
    told: set[int] = set()
    for item in re.split(", | and |、", text):
        ends = [int(number) for number in re.findall(r"\d+", item)]
        told |= set(range(ends[0], ends[-1] + 1))
    return told


def stepped(step: int, spans: list[tuple[str, str]]) -> set[int]:
    if not spans:
        return set(range(0, DAY, step))
    told: set[int] = set()
    for ends in spans:
        first, last = map(seconds_of, ends)
        told |= {each % DAY for each in range(first, last + 1 + DAY * (last < first), step)}
    return told


def product(hours: set[int], minutes: set[int], seconds: set[int]) -> set[int]:
    return {h * 3_600 + m * 60 + s for h in hours for m in minutes for s in seconds}


def hours_of(spans: list[tuple[str, str]]) -> set[int]:
    return {each // 3_600 for each in stepped(60, spans)}


def read_english(sentence: str) -> set[int]:
    text = re.sub(",? every day$", "", sentence)
    spans = re.findall(rf"from ({CLOCK}) to ({CLOCK})", text)
    if re.fullmatch(rf"At {CLOCK}(?:(?:, | and ){CLOCK})*", text):
        return {seconds_of(clock) for clock in re.findall(CLOCK, text)}
    bare = re.sub(rf"(?:,|,? and)? from {CLOCK} to {CLOCK}", "", text)
    if found := re.fullmatch(r"Every (?:(\d+) )?(second|minute|hour)s?(?:, on the hour)?", bare):
        return stepped(int(found[1] or 1) * UNITS[found[2]], spans)
    hours = re.search(rf"the hours {NUMBERS}", text)
    of = {
        unit: re.search(
            rf"(?<!the ){unit}s? {NUMBERS}|(?<!the ){unit}(?: of the \w+)? \({NUMBERS}\)", bare
        )
        for unit in ("minute", "second")
    }
    minutes, seconds = of["minute"], of["second"]
    return product(
        numbers(hours[1]) if hours else hours_of(spans),
        numbers(minutes[1] or minutes[2]) if minutes else set(range(60)),
        numbers(seconds[1] or seconds[2]) if seconds else every(60, "Every second" in text),
    )


def every(size: int, whole: bool) -> set[int]:
    return set(range(size)) if whole else {0}


def read_chinese(sentence: str) -> set[int]:
    text = re.sub("^每天[ ，]", "", sentence)
    spans = re.findall(rf"({CLOCK}) 至 ({CLOCK})", text)
    if re.fullmatch(rf"{CLOCK}(?:、{CLOCK})*", text):
        return {seconds_of(clock) for clock in re.findall(CLOCK, text)}
    if text == "每小时整点":
        return stepped(3_600, [])
    bare = re.sub(rf"^(?:{CLOCK} 至 {CLOCK}、?)+，(.*)一次$", r"\1", text)
    if found := re.fullmatch("每 ?(\\d+)? ?(秒|分钟|小时)", bare):
        return stepped(int(found[1] or 1) * UNITS[found[2]], spans)
    hours = re.search(rf"^{NUMBERS} 时", text)
    minutes, seconds = (re.search(rf"第 {NUMBERS} {unit}", text) for unit in "分秒")
    return product(
        numbers(hours[1]) if hours else hours_of(spans),
        numbers(minutes[1]) if minutes else set(range(60)),
        numbers(seconds[1]) if seconds else every(60, text.endswith("每一秒")),
    )


@pytest.mark.parametrize(("language", "read"), [("en", read_english), ("zh-hans", read_chinese)])
def test_the_times_told_are_the_times_of_firing(
    language: str, read: Callable[[str], set[int]]
) -> None:
    rng = random.Random(1122)
    for _ in range(1_500):
        fields = random_trigger(rng).expression.split()[:3]
        expression = " ".join([*fields, "*", "*", "*"])
        clock = clock_of(expression)

        sentence = describe(CronTrigger(expression), language=language)

        fires = product(set(clock.hours), set(clock.minutes), set(clock.seconds))
        assert read(sentence) == fires, (expression, sentence)


def is_meant(meaning: Meaning, day: date) -> bool:
    """Say whether a day is one of those that the describers are told to name."""
    days, weekdays, answers = meaning.days, meaning.weekdays, []
    length = monthrange(day.year, day.month)[1]
    if days:
        working = max(d for d in range(length - 2, length + 1) if day.replace(day=d).weekday() < 5)
        answers.append(
            day.day in days.numbers
            or (days.last and day.day == length)
            or (days.last_working and day.day == working)
        )
    if weekdays:
        weekday, number = day.isoweekday() % 7, (day.day + 6) // 7
        answers.append(
            weekday in weekdays.weekdays
            or (weekday, number) in weekdays.nth
            or (day.day + 7 > length and (weekday, -1) in weekdays.nth)
        )
    combined = all(answers) if meaning.both_must_match else any(answers or [True])
    return day.month in meaning.months and combined


def test_the_days_told_are_the_days_of_firing() -> None:
    rng = random.Random(1123)
    days = [date(2026, 1, 1) + timedelta(days=number) for number in range(0, 1_500)]
    for _ in range(300):
        expression = random_trigger(rng).expression
        clock, meaning = clock_of(expression), meaning_of(expression)

        for day in rng.sample(days, 200):
            fires = day.month in clock.matcher.months and day.day in clock.days(day.year, day.month)
            assert is_meant(meaning, day) == fires, (expression, meaning, day)
