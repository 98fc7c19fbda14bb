"""What a cron expression means, as shapes that the describers of each language put into words."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import time
from itertools import pairwise
from typing import Literal

from cronsim import CronSim

from scheduling.triggers import clock_of

Unit = Literal["second", "minute", "hour"]
Values = tuple[int, ...]
Span = tuple[time, time]

#: A list of times up to this long reads better than any pattern.
SHORT_LIST = 4
#: A list of times without a pattern is written out up to this length.
LONG_LIST = 12
#: More spans than these are no longer heard as a pattern.
MOST_SPANS = 3
LONGEST_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
ALL_MONTHS = tuple(range(1, 13))
ALL_WEEKDAYS = (1, 2, 3, 4, 5, 6, 0)
DAYS = tuple(range(1, 32))


@dataclass(frozen=True)
class Times:
    """A few times of day."""

    times: tuple[time, ...]
    with_seconds: bool


@dataclass(frozen=True)
class Repeating:
    """Every `step` units: through the whole day, or in spans whose both ends are occurrences."""

    step: int
    unit: Unit
    spans: tuple[Span, ...] = ()
    with_seconds: bool = False


@dataclass(frozen=True)
class Fields:
    """Anything else: each field on its own; `hour_spans` are the hours as time, if they read so."""

    seconds: Values
    minutes: Values
    hours: Values
    hour_spans: tuple[Span, ...]


Shape = Times | Repeating | Fields


@dataclass(frozen=True)
class DaysOfMonth:
    """Days by number, none of them one that the months never have."""

    numbers: Values
    last: bool
    last_working: bool
    #: None, or what a reader must know about days that not every month or year has.
    missing: Literal["leap", "short"] | None


@dataclass(frozen=True)
class DaysOfWeek:
    """Weekdays, 0 is Sunday, Monday first; `nth` counts within a month and -1 is the last."""

    weekdays: Values
    nth: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Meaning:
    """An expression in parts; a part that is None leaves every day.

    With both kinds of days, `both_must_match` says whether they narrow each other (as in cron when
    one of the fields begins with a star) or add up.
    """

    shape: Shape
    months: Values
    days: DaysOfMonth | None
    weekdays: DaysOfWeek | None
    both_must_match: bool

    @property
    def every_day(self) -> bool:
        return self.days is None and self.weekdays is None

    @property
    def every_month(self) -> bool:
        return self.months == ALL_MONTHS


def meaning_of(expression: str) -> Meaning:
    """Return what a valid expression means; equal meanings written differently become equal."""
    # What decides when it fires: the words cannot disagree with it.
    parsed = clock_of(expression).matcher
    months = tuple(sorted(parsed.months))
    days = _days_of_month(parsed.days, months)
    weekdays = _days_of_week(parsed.weekdays)
    if not parsed.day_and and (days is None or weekdays is None):
        days = weekdays = None
    # Of days added up, those that never come do not count: 30 February.
    if days is not None and not (days.numbers or days.last or days.last_working):
        days = None
    always = days is None and weekdays is None and months == ALL_MONTHS
    return Meaning(
        shape=_shape(
            tuple(sorted(parsed.seconds)),
            tuple(sorted(parsed.minutes)),
            tuple(sorted(parsed.hours)),
            every_day=always,
        ),
        months=months,
        days=days,
        weekdays=weekdays,
        both_must_match=parsed.day_and,
    )


def _days_of_month(parsed: set[int], months: Values) -> DaysOfMonth | None:
    longest = max(LONGEST_MONTH[month - 1] for month in months)
    numbers = tuple(sorted(day for day in parsed if 1 <= day <= longest))
    if numbers == DAYS[:longest]:
        return None
    last, last_working = CronSim.LAST in parsed, CronSim.LAST_WEEKDAY in parsed
    missing: Literal["leap", "short"] | None = None
    if numbers and numbers[0] > 28 and not (last or last_working):
        shortest = min(28 if month == 2 else LONGEST_MONTH[month - 1] for month in months)
        if months == (2,):
            missing = "leap"
        elif numbers[-1] > shortest:
            missing = "short"
    return DaysOfMonth(numbers, last, last_working, missing)


def _days_of_week(parsed: set[int | tuple[int, int]]) -> DaysOfWeek | None:
    plain = {day % 7 for day in parsed if isinstance(day, int)}
    if len(plain) == 7:
        return None
    nth = {
        (-1 if number == CronSim.LAST else number, day % 7)
        for day, number in (each for each in parsed if isinstance(each, tuple))
        if day % 7 not in plain
    }
    ordered = sorted(nth, key=lambda each: (each[0] % 7, ALL_WEEKDAYS.index(each[1])))
    return DaysOfWeek(
        weekdays=tuple(day for day in ALL_WEEKDAYS if day in plain),
        nth=tuple((day, number) for number, day in ordered),
    )


def _shape(seconds: Values, minutes: Values, hours: Values, *, every_day: bool) -> Shape:
    """Return the shortest true shape of the times that are the product of three fields."""
    with_seconds = seconds != (0,)
    count = len(seconds) * len(minutes) * len(hours)
    # Only where every day is alike does 22:00 to 05:00 mean one night.
    runs = _runs(hours, around=24 if every_day else 0)
    if count > SHORT_LIST:
        if repeating := _whole_day(seconds, minutes, hours):
            return repeating
        if len(hours) == 24:
            return Fields(seconds, minutes, hours, ())
        if pattern := _pattern(seconds, minutes, hours, runs):
            return Repeating(*pattern, with_seconds)
        if count > LONG_LIST and count > len(hours):
            spans = tuple((time(first), time(last, 59)) for first, last in runs)
            return Fields(seconds, minutes, hours, spans if len(spans) <= MOST_SPANS else ())
    times = (time(h, m, s) for h in hours for m in minutes for s in seconds)
    return Times(tuple(times), with_seconds)


def _whole_day(seconds: Values, minutes: Values, hours: Values) -> Repeating | None:
    """Return a repetition that goes on through the whole day without a start or an end."""
    if len(hours) < 24:
        return None
    if len(minutes) == 60 and seconds[0] == 0 and (step := _grid(seconds)):
        return Repeating(step, "second") if step < 60 else Repeating(1, "minute")
    if seconds == (0,) and minutes[0] == 0 and (step := _grid(minutes)):
        return Repeating(step, "minute") if step < 60 else Repeating(1, "hour")
    return None


def _pattern(
    seconds: Values, minutes: Values, hours: Values, runs: list[tuple[int, int]]
) -> tuple[int, Unit, tuple[Span, ...]] | None:
    """Return an even repetition within spans of the day, at the finest field that varies."""
    first, last = (minutes[0], seconds[0]), (minutes[-1], seconds[-1])
    spans = tuple((time(a, *first), time(b, *last)) for a, b in runs)
    within_an_hour = len(hours) == 1
    if len(spans) > MOST_SPANS:
        spans = ()
    if len(seconds) > 1:
        if within_an_hour and len(minutes) == 1 and (step := _even_step(seconds)):
            return step, "second", spans
        unbroken = len(minutes) == 60 or (within_an_hour and _even_step(minutes) == 1)
        if spans and unbroken and (step := _grid(seconds)):
            return step, "second", spans
    elif len(minutes) > 1:
        if within_an_hour and (step := _even_step(minutes)):
            return step, "minute", spans
        long_enough = all(((b - a) % 24 + 1) * len(minutes) > 2 for a, b in runs)
        if spans and long_enough and (step := _grid(minutes)):
            return step, "minute", spans
    else:
        return _pattern_of_hours(hours, time(0, *first), runs)
    return None


def _pattern_of_hours(
    hours: Values, past: time, runs: list[tuple[int, int]]
) -> tuple[int, Unit, tuple[Span, ...]] | None:
    """Return every hour in a few long runs, or every so many hours of the day."""
    if len(runs) <= MOST_SPANS and all((b - a) % 24 >= 2 for a, b in runs):
        return 1, "hour", tuple((past.replace(a), past.replace(b)) for a, b in runs)
    if step := _even_step(hours):
        return step, "hour", ((past.replace(hours[0]), past.replace(hours[-1])),)
    return None


def _grid(values: Values) -> int:
    """Return the step if the values divide the 60 of an hour or a minute evenly, else 0."""
    step = 60 // len(values)
    return step if values == tuple(range(values[0], 60, step)) and 60 % len(values) == 0 else 0


def _even_step(values: Values) -> int:
    """Return the distance between all neighbors if it is the same for at least three, else 0."""
    distances = {b - a for a, b in pairwise(values)}
    return distances.pop() if len(values) > 2 and len(distances) == 1 else 0


def _runs(values: Values, *, around: int = 0) -> list[tuple[int, int]]:
    """Return first and last of each run of neighbors; with `around`, its end touches 0."""
    runs: list[tuple[int, int]] = []
    for value in values:
        if runs and runs[-1][1] == value - 1:
            runs[-1] = (runs[-1][0], value)
        else:
            runs.append((value, value))
    if around and len(runs) > 1 and runs[0][0] == 0 and runs[-1][1] == around - 1:
        runs = [*runs[1:-1], (runs[-1][0], runs[0][1])]
    return runs


@dataclass(frozen=True)
class Piece:
    """Part of a list of numbers: one (step 0), a run (step 1), or every step-th."""

    first: int
    last: int
    step: int = 0


def pieces(values: Values) -> list[Piece]:
    """Return a list of numbers shortened to what a reader takes in, nothing lost."""
    step = _even_step(values)
    if step > 1 and len(values) > SHORT_LIST:
        return [Piece(values[0], values[-1], step)]
    shortened = []
    for first, last in _runs(values):
        if last - first > 1:
            shortened.append(Piece(first, last, 1))
        else:
            shortened.extend(Piece(each, each) for each in range(first, last + 1))
    return shortened


def weekday_run(weekdays: Values) -> tuple[int, int] | None:
    """Return first and last of three or more weekdays in a row, around the week's end too."""
    return _ring_run(tuple(sorted(weekdays)), range(7))


def month_run(months: Values) -> tuple[int, int] | None:
    """Return first and last of three or more months in a row, around the year's end too."""
    return _ring_run(months, range(1, 13))


def _ring_run(values: Values, ring: range) -> tuple[int, int] | None:
    size = len(ring)
    if not 2 < len(values) < size:
        return None
    starts = [each for each in values if (each - 1 - ring.start) % size + ring.start not in values]
    if len(starts) > 1:
        return None
    return starts[0], (starts[0] + len(values) - 1 - ring.start) % size + ring.start
