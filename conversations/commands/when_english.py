"""Reads the English forms of waits, repetitions and days: `in 2h30m`, `every monday`, `dec 24`."""

from __future__ import annotations

import re
from datetime import date, timedelta
from fractions import Fraction

from conversations.commands.numbers import ENGLISH_NUMBER, number, whole
from conversations.commands.when_days import (
    coming_weekday,
    day_of_month,
    in_month,
    next_weekday,
    on_date_of_year,
    weekday_checked,
    weekday_in,
)
from conversations.commands.when_phrases import Day, Repeat, Span, no_day, times

END = r"(?![a-z0-9'])"
_UNITS = {
    "seconds": (r"s(?:ecs?|econds?)?", Span(seconds=Fraction(1))),
    "minutes": (r"m(?:ins?|inutes?)?", Span(seconds=Fraction(60))),
    "hours": (r"h(?:rs?|ours?)?", Span(seconds=Fraction(3600))),
    "days": (r"d(?:ays?)?", Span(days=Fraction(1))),
    "weeks": (r"w(?:ks?|eeks?)?", Span(days=Fraction(7))),
    "months": (r"months?", Span(months=Fraction(1))),
    "years": (r"years?", Span(months=Fraction(12))),
}
_ORDER = list(_UNITS)
_NAMED = "|".join(f"(?P<{name}>{pattern})" for name, (pattern, _) in _UNITS.items())
_PIECE = re.compile(
    rf"(?P<number>{ENGLISH_NUMBER})(?P<half> +and +a +half)? *-?(?:{_NAMED})"
    rf"(?![a-z'])(?P<more> +and +a +half{END})?"
)
_JOINT = re.compile(r"(?: *, *| +)?(?:and +)?")
_IN = re.compile(r"(?:in|after) +")
_FROM_NOW = re.compile(rf" +from +now{END}")
_EVERY = re.compile(rf"(?:every|each) +(?P<other>other +)?(?:(?P<alone>{_NAMED}){END})?")
_HOURLY = re.compile(rf"hourly{END}")

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_WEEKDAY = (
    r"(?:mon(?:day)?|tue(?:s(?:day)?)?|wed(?:s|nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?"
    r"|sat(?:urday)?|sun(?:day)?)"
)
_PLURAL = r"(?:mon|tues|wednes|thurs|fri|satur|sun)days"
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTH = (
    r"(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?"
    r"|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)"
)
_PART = r"(?: +(?P<part>morning|afternoon|evening|night))?"
_PARTS = {"morning": "morning", "afternoon": "afternoon", "evening": "evening", "night": "evening"}
_DAY_NUMBER = r"[0-9]{1,2}(?:st|nd|rd|th)?(?![0-9:]| *[ap]\.?m)"
_AND = r"(?: *(?:,|&|/) *(?:and +)?| +and +)"
_TO = r"(?: *(?:-|–) *| +(?:to|through|till) +)"
_MONTH_DAY = (
    rf"(?:(?P<month>{_MONTH})\.? +(?:the +)?(?P<day>{_DAY_NUMBER})"
    rf"|(?:the +)?(?P<day2>{_DAY_NUMBER}) +(?:of +)?(?P<month2>{_MONTH}))"
)

_RELATIVE = re.compile(
    rf"(?:(?P<days>today|tonight|tomorrow|(?:the +)?day +after +tomorrow|yesterday){_PART}"
    rf"|this +(?P<this>morning|afternoon|evening)){END}"
)
_ON_WEEKDAY = re.compile(
    rf"(?P<on>on +)?(?:(?P<which>this|next|coming) +)?(?P<weekday>{_WEEKDAY}){_PART}{END}"
)
_ON_DATE = re.compile(
    rf"(?:on +)?(?:(?P<weekday>{_WEEKDAY}),? +)?{_MONTH_DAY}(?:,? +(?P<year>[0-9]{{4}}))?"
    rf"(?![a-z0-9':])"
)
_ON_NUMBERS = re.compile(
    r"(?:on +)?(?P<year>[0-9]{4})([-/.])(?P<month>[0-9]{1,2})\2(?P<day>[0-9]{1,2})(?![0-9/.-])"
)
_ON_THE = re.compile(rf"on +the +(?P<day>[0-9]{{1,2}})(?:st|nd|rd|th){END}(?! +of)")

_DAILY = re.compile(
    rf"(?:(?:every|each) +(?:day|(?P<part>morning|afternoon|evening|night))|everyday|daily){END}"
)
_WORKDAYS = re.compile(
    rf"(?:(?:every|each) +(?:weekday|(?:work|working|business) *day)|(?:on +)?weekdays){END}"
)
_WEEKENDS = re.compile(rf"(?:(?:every|each) +weekend|(?:on +)?weekends){END}")
_WEEKLY = re.compile(
    rf"(?:(?:every +week|each +week|weekly|every|each)(?: +on)? +"
    rf"(?P<days>{_WEEKDAY}s?(?:(?:{_AND}|{_TO}){_WEEKDAY}s?)*)"
    rf"|(?:on +)?(?P<plural>{_PLURAL}(?:{_AND}{_PLURAL})*)){_PART}{END}"
)
_MONTHLY = re.compile(
    rf"(?:(?:monthly|(?:every|each) +month)(?: +on)?(?: +the)? +"
    rf"(?:(?P<last>last(?: +day)?)|(?P<days>{_DAY_NUMBER}(?:{_AND}(?:the +)?{_DAY_NUMBER})*))"
    rf"|(?:every|each) +(?:(?P<last2>last +day)|(?P<day>[0-9]{{1,2}}(?:st|nd|rd|th)))"
    rf"(?: +day)?|(?:on +)?the +(?:(?P<last3>last +day)|(?P<day2>[0-9]{{1,2}}(?:st|nd|rd|th)))"
    rf"(?= +of +(?:every|each))){END}(?: +of +(?:the|every|each) +month{END})?"
)
_YEARLY = re.compile(rf"(?:yearly|annually|every +year)(?: +on)? +{_MONTH_DAY}{END}")
_NO_DAY = re.compile(
    rf"(?:weekly|monthly|yearly|annually|(?:every|each) +(?:week|month|year)){END}"
)


def read_wait(text: str, at: int) -> tuple[Span, int] | None:
    """Read `in 2h30m`, `in an hour and a half`, `2 days from now`."""
    start = _IN.match(text, at)
    found = _read_span(text, start.end() if start else at)
    if found is None:
        return None
    later = _FROM_NOW.match(text, found[1])
    if later:
        return found[0], later.end()
    return found if start else None


def _read_span(text: str, at: int) -> tuple[Span, int] | None:
    """Read lengths from the longest unit to the shortest, of which each is there once."""
    total, end, last = Span(), at, len(_ORDER)
    while piece := _PIECE.match(text, at):
        unit = _unit_of(piece)
        amount = number(piece["number"])
        if amount is None or _ORDER.index(unit) >= last:
            break
        last = _ORDER.index(unit)
        half = Fraction(1, 2) if piece["half"] or piece["more"] else Fraction(0)
        total += times(_UNITS[unit][1], amount + half)
        end = piece.end()
        joint = _JOINT.match(text, end)
        at = joint.end() if joint else end
    is_cut = end < len(text) and text[end].isascii() and text[end].isalnum()
    return (total, end) if last < len(_ORDER) and not is_cut else None


def _unit_of(found: re.Match[str]) -> str:
    return next(name for name in _ORDER if found[name])


def read_every(text: str, at: int) -> tuple[Span, int] | None:
    """Read `every 2h`, `every half hour`, `every other day`, `hourly`."""
    if found := _HOURLY.match(text, at):
        return _UNITS["hours"][1], found.end()
    if not (found := _EVERY.match(text, at)):
        return None
    many = Fraction(2) if found["other"] else Fraction(1)
    if found["alone"]:
        return _every_one(found, many)
    half = re.compile(rf"half +(?:an +)?hour{END}").match(text, found.end())
    if half:
        return times(_UNITS["hours"][1], Fraction(1, 2)), half.end()
    return None if found["other"] else _read_span(text, found.end())


def _every_one(found: re.Match[str], many: Fraction) -> tuple[Span, int] | None:
    """Read a unit without a number; `every day` is a repetition of days unless it is `other`."""
    unit = _unit_of(found)
    is_word = len(found["alone"]) > 1
    if not is_word or (many == 1 and unit in ("days", "weeks", "months", "years")):
        return None
    if unit == "seconds" and re.compile(rf" +(?:day|{_WEEKDAY})").match(found.string, found.end()):
        return None
    return times(_UNITS[unit][1], many), found.end()


def read_repeat(text: str, at: int) -> tuple[Repeat, int] | None:
    """Read the days of a repetition; raises UnclearTime for `weekly` without a day."""
    if found := _DAILY.match(text, at):
        return Repeat(part=_PARTS.get(found["part"] or "", "")), found.end()
    if found := _WORKDAYS.match(text, at):
        return Repeat(weekdays=(1, 2, 3, 4, 5)), found.end()
    if found := _WEEKENDS.match(text, at):
        return Repeat(weekdays=(0, 6)), found.end()
    if found := _WEEKLY.match(text, at):
        named = found["days"] or found["plural"]
        part = _PARTS.get(found["part"] or "", "")
        return Repeat(weekdays=_weekdays(named), part=part), found.end()
    if found := _MONTHLY.match(text, at):
        return Repeat(days=_month_days(found)), found.end()
    if found := _YEARLY.match(text, at):
        month, day = _month_and_day(found)
        on_date_of_year(month, day, date(2000, 1, 1), found[0])
        return Repeat(days=str(day), month=str(month)), found.end()
    if found := _NO_DAY.match(text, at):
        raise no_day(found[0])
    return None


def _weekdays(named: str) -> tuple[int, ...]:
    """Return cron's numbers of the weekdays in `mon, wed-fri and sunday`."""
    days: set[int] = set()
    for part in re.split(_AND, named):
        first, *last = (WEEKDAYS.index(name[:3]) for name in re.split(_TO, part))
        until = last[-1] if last else first
        days |= {(first + step + 1) % 7 for step in range((until - first) % 7 + 1)}
    return tuple(sorted(days))


def _month_days(found: re.Match[str]) -> str:
    if found["last"] or found["last2"] or found["last3"]:
        return "L"
    named = re.findall("[0-9]+", found["days"] or found["day"] or found["day2"])
    return in_month([int(day) for day in named], found[0])


def read_day(text: str, at: int, today: date) -> tuple[Day, int] | None:
    """Read `tomorrow`, `on Friday`, `dec 24`, `2026-12-24`; raises UnclearTime for Feb 30."""
    for read in (_relative, _date, _numbers, _weekday, _day_of_month):
        if found := read(text, at, today):
            return found
    return None


def _relative(text: str, at: int, today: date) -> tuple[Day, int] | None:
    if not (found := _RELATIVE.match(text, at)):
        return None
    word = (found["days"] or "today").split()
    steps = {"yesterday": -1, "tomorrow": 1}.get(word[-1], 0) + ("after" in word)
    part = (
        "evening" if word == ["tonight"] else _PARTS.get(found["part"] or found["this"] or "", "")
    )
    return Day((today + timedelta(days=steps),), part), found.end()


def _weekday(text: str, at: int, today: date) -> tuple[Day, int] | None:
    if not (found := _ON_WEEKDAY.match(text, at)):
        return None
    weekday = WEEKDAYS.index(found["weekday"][:3])
    if found["which"] == "next":
        dates = next_weekday(weekday, today, found["weekday"])
    elif found["which"] == "this":
        dates = weekday_in(0, weekday, today)
    else:
        dates = coming_weekday(weekday, today)
    return Day(dates, _PARTS.get(found["part"] or "", "")), found.end()


def _month_and_day(found: re.Match[str]) -> tuple[int, int]:
    month = MONTHS.index((found["month"] or found["month2"])[:3]) + 1
    return month, int(re.sub("[a-z]", "", found["day"] or found["day2"]))


def _date(text: str, at: int, today: date) -> tuple[Day, int] | None:
    if not (found := _ON_DATE.match(text, at)):
        return None
    month, day = _month_and_day(found)
    year = int(found["year"]) if found["year"] else None
    dates = on_date_of_year(month, day, today, found[0], year=year)
    if found["weekday"]:
        dates = weekday_checked(dates, WEEKDAYS.index(found["weekday"][:3]), today, found[0])
    return Day(dates), found.end()


def _numbers(text: str, at: int, today: date) -> tuple[Day, int] | None:
    if not (found := _ON_NUMBERS.match(text, at)):
        return None
    year, month, day = (int(found[name]) for name in ("year", "month", "day"))
    return Day(on_date_of_year(month, day, today, found[0], year=year)), found.end()


def _day_of_month(text: str, at: int, today: date) -> tuple[Day, int] | None:
    if not (found := _ON_THE.match(text, at)):
        return None
    return Day(day_of_month(whole(found["day"]), today, found[0])), found.end()
