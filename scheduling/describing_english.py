"""Puts triggers and distances in time into English for people who read schedules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time

from scheduling.describing_cron import (
    DaysOfMonth,
    DaysOfWeek,
    Fields,
    Meaning,
    Repeating,
    Shape,
    Span,
    Times,
    Values,
    month_run,
    pieces,
    weekday_run,
)

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)
NTH = {1: "first", 2: "second", 3: "third", 4: "fourth", 5: "fifth", -1: "last"}
NOTES = {"leap": " (only in leap years)", "short": " (only in months that have such a day)"}
SHORT_UNITS = {"year": "y", "day": "d", "hour": "h", "minute": "min", "second": "s"}
NOW = "now"


def once(moment: str) -> str:
    return f"Once, on {moment}"


def interval(amounts: Sequence[tuple[str, str]]) -> str:
    if len(amounts) == 1 and amounts[0][0] == "1":
        return f"Every {amounts[0][1]}"
    return f"Every {' '.join(_amount(*each) for each in amounts)}"


def bounds(start: str | None, end: str | None) -> str:
    """Return what follows a rule that begins or ends, with its comma."""
    words = [f"from {start}"] * (start is not None) + [f"until {end}"] * (end is not None)
    return f", {' '.join(words)}"


def in_zone(zone: str) -> str:
    return f" ({zone})"


def moment(local: datetime) -> str:
    return f"{local.day} {MONTHS[local.month - 1]} {local.year} at {clock(local.time())}"


def clock(at: time, with_seconds: bool = False) -> str:
    return f"{at:%H:%M:%S}" if with_seconds or at.second else f"{at:%H:%M}"


def distance(amounts: Sequence[tuple[str, str]], *, ahead: bool, about: bool) -> str:
    """Return "in 3 minutes" for one unit and "in 1 h 20 min" for two."""
    if len(amounts) == 1:
        words = _amount(*amounts[0])
    else:
        words = " ".join(f"{number} {SHORT_UNITS[unit]}" for number, unit in amounts)
    words = f"about {words}" if about else words
    return f"in {words}" if ahead else f"{words} ago"


def _amount(number: str, unit: str) -> str:
    return f"{number} {unit}" if number == "1" else f"{number} {unit}s"


def cron(meaning: Meaning) -> str:
    """Return times, then days: "At 09:00, Monday to Friday"."""
    shape = meaning.shape
    goes_on = isinstance(shape, Repeating) and not shape.spans
    goes_on = goes_on or (isinstance(shape, Fields) and len(shape.hours) == 24)
    days = _days(meaning, goes_on=goes_on)
    comma = not isinstance(shape, Times) or (days and not days.startswith(("on ", "every day")))
    return _shape(shape) + (f"{', ' if comma else ' '}{days}" if days else "")


# -- times -----------------------------------------------------------------------------------------


def _shape(shape: Shape) -> str:
    if isinstance(shape, Times):
        return "At " + _listed([clock(each, shape.with_seconds) for each in shape.times])
    if isinstance(shape, Repeating):
        amount = shape.unit if shape.step == 1 else f"{shape.step} {shape.unit}s"
        spans = f" {_spans(shape.spans, shape.with_seconds)}" if shape.spans else ""
        on_the_hour = ", on the hour" if amount == "hour" and not spans else ""
        return f"Every {amount}{spans}{on_the_hour}"
    return _fields(shape)


def _spans(spans: Sequence[Span], with_seconds: bool = False) -> str:
    return _listed([f"from {clock(a, with_seconds)} to {clock(b, with_seconds)}" for a, b in spans])


def _fields(shape: Fields) -> str:
    minutes = shape.minutes
    if shape.seconds == (0,):
        if len(minutes) == 60:
            return f"Every minute{_hours(shape)}"
        if pieces(minutes)[0].step > 1:
            return f"At {_numbers('minute', minutes, of=' of the hour')}{_hours(shape)}"
        return f"At {_numbers('minute', minutes)}{_of_hours(shape)}"
    seconds = _numbers("second", shape.seconds, of=" of the minute" if len(minutes) == 60 else "")
    seconds = "Every second" if len(shape.seconds) == 60 else f"At {seconds}"
    if len(minutes) < 60:
        return f"{seconds} of {_numbers('minute', minutes)}{_of_hours(shape)}"
    stepped = pieces(shape.seconds)[0].step > 1 or len(shape.seconds) == 60
    return f"{seconds}{'' if stepped else ' of every minute'}{_hours(shape)}"


def _of_hours(shape: Fields) -> str:
    if len(shape.hours) == 24 or shape.hour_spans:
        return f" of every hour{_hours(shape)}"
    return f" of the hours {_numbers('', shape.hours, width=2)}"


def _hours(shape: Fields) -> str:
    """Return to which hours the minutes are limited, beginning with a space or comma."""
    if len(shape.hours) == 24:
        return ""
    if shape.hour_spans:
        return f" {_spans(shape.hour_spans)}"
    return f", in the hours {_numbers('', shape.hours, width=2)}"


def _numbers(noun: str, values: Values, *, width: int = 1, of: str = "") -> str:
    """Return "minute 5", "minutes 0 to 5 and 7", "every 7th minute of the hour (0, 7, … 56)"."""
    texts = []
    parts = pieces(values)
    for part in parts:
        first, last = f"{part.first:0{width}}", f"{part.last:0{width}}"
        if part.step > 1:
            listed = f"{first}, {part.first + part.step:0{width}}, … {last}"
            return f"every {_ordinal(part.step)} {noun}{of} ({listed})" if noun else listed
        texts.append(f"{first} to {last}" if part.step else first)
    if not noun:
        return _listed(texts)
    return f"{noun}{'' if len(values) == 1 else 's'} {_listed(texts)}"


def _ordinal(number: int) -> str:
    ending = {1: "st", 2: "nd", 3: "rd"}.get(number % 10, "th")
    return f"{number}{'th' if number % 100 in (11, 12, 13) else ending}"


# -- days ------------------------------------------------------------------------------------------


def _days(meaning: Meaning, *, goes_on: bool) -> str:
    """Return on which days; nothing for every day when the times go on and on anyway."""
    if meaning.every_day:
        months = _in_months(meaning.months)
        if goes_on:
            return months.removeprefix(",").strip()
        return f"every day{months}"
    if meaning.weekdays is None:
        return _on_days(meaning.days, meaning.months)
    if meaning.days is None:
        return _on_weekdays(meaning.weekdays, meaning.months)
    days = _on_days(meaning.days, meaning.months)
    if meaning.both_must_match:
        return f"{days}, but only {_on_weekdays(meaning.weekdays, None)}"
    return f"{days}, and {_on_weekdays(meaning.weekdays, meaning.months)}"


def _in_months(months: Values) -> str:
    if len(months) == 12:
        return ""
    if run := month_run(months):
        return f", from {MONTHS[run[0] - 1]} to {MONTHS[run[1] - 1]}"
    return f" in {_listed([MONTHS[month - 1] for month in months])}"


def _of_months(months: Values | None) -> str:
    if months is None or len(months) == 12:
        return "of the month"
    if run := month_run(months):
        return f"of every month from {MONTHS[run[0] - 1]} to {MONTHS[run[1] - 1]}"
    return f"of {_listed([MONTHS[month - 1] for month in months])}"


def _on_days(days: DaysOfMonth | None, months: Values) -> str:
    if days is None:
        return ""
    note = NOTES[days.missing] if days.missing else ""
    if len(days.numbers) == len(months) == 1 and not (days.last or days.last_working):
        return f"on {days.numbers[0]} {MONTHS[months[0] - 1]}{note}"
    of = f" {_of_months(months)}"
    if (
        len(days.numbers) > 1
        and pieces(days.numbers)[0].step > 1
        and not (days.last or days.last_working)
    ):
        return f"on {_numbers('day', days.numbers, of=of)}{note}"
    numbers = [_numbers("day", days.numbers)] if days.numbers else []
    last = ["the last day"] * days.last + ["the last working day (Monday to Friday)"] * (
        days.last_working
    )
    return f"on {_listed(numbers + last)}{of}{note}"


def _on_weekdays(days: DaysOfWeek, months: Values | None) -> str:
    parts = []
    if days.weekdays:
        plain = _weekdays(days.weekdays)
        of = _in_months(months) if months else ""
        comma = "," if of.startswith(" ") and not plain.startswith("on ") else ""
        parts.append(f"{plain}{comma}{of}")
    if days.nth:
        names = [f"the {NTH[number]} {WEEKDAYS[day]}" for day, number in days.nth]
        rare = any(number == 5 for _, number in days.nth)
        note = " (if there is a fifth)" if rare else ""
        parts.append(f"on {_listed(names)} {_of_months(months)}{note}")
    return ", and ".join(parts)


def _weekdays(weekdays: Values) -> str:
    if run := weekday_run(weekdays):
        return f"{WEEKDAYS[run[0]]} to {WEEKDAYS[run[1]]}"
    return f"on {_listed([f'{WEEKDAYS[day]}s' for day in weekdays])}"


def _listed(texts: Sequence[str]) -> str:
    """Return "a", "a and b", "a, b and c"."""
    if len(texts) < 2:
        return "".join(texts)
    return f"{', '.join(texts[:-1])} and {texts[-1]}"
