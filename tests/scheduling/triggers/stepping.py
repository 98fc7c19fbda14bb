"""A slow second opinion: Vixie cron's rules applied to every step of real time, one by one.

It shares nothing with scheduling.triggers: its own parser, no folds, no search. The clock of the
zone is read at each step; where it jumps is seen by comparing a reading with the one before.
"""

from calendar import monthrange
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

DAY, HOUR, MINUTE, SECOND = (timedelta(seconds=n) for n in (86400, 3600, 60, 1))
DAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")
MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
NAMES = {name: n for names in (enumerate(DAYS), enumerate(MONTHS, 1)) for n, name in names}


def number(text: str) -> int:
    return NAMES[text] if text in NAMES else int(text)


def values(text: str, low: int, high: int) -> set[int]:
    """Return the numbers of a field that has neither L nor #."""
    found: set[int] = set()
    for item in text.split(","):
        span, _, step = item.partition("/")
        if span == "*":
            first, last = low, high
        elif "-" in span:
            first, last = map(number, span.split("-"))
        else:
            first = number(span)
            last = high if step else first
        found |= set(range(first, last + 1, int(step or 1)))
    return found


class Rule:
    """What an expression of 5 or 6 fields says about a reading of the local clock."""

    def __init__(self, expression: str) -> None:
        fields = expression.upper().split()
        self.fields = fields if len(fields) == 6 else ["0", *fields]
        second, minute, hour, self.dom, month, self.dow = self.fields
        self.seconds = values(second, 0, 59)
        self.minutes = values(minute, 0, 59)
        self.hours = values(hour, 0, 23)
        self.months = values(month, 1, 12)
        self.fixed = not minute.startswith("*") and not hour.startswith("*")
        self.step = MINUTE if self.seconds == {0} else SECOND
        self.day = cache(self._day)

    def dom_matches(self, day: date) -> bool:
        last = monthrange(day.year, day.month)[1]
        for item in self.dom.split(","):
            if item == "L":
                matches = day.day == last
            elif item == "LW":
                rest = [date(day.year, day.month, d) for d in range(day.day + 1, last + 1)]
                matches = day.weekday() < 5 and all(other.weekday() >= 5 for other in rest)
            else:
                matches = day.day in values(item, 1, 31)
            if matches:
                return True
        return False

    def dow_matches(self, day: date) -> bool:
        last = monthrange(day.year, day.month)[1]
        for item in self.dow.split(","):
            nth = True
            if item.endswith("L"):
                item, nth = item[:-1], day.day > last - 7
            elif "#" in item:
                item, k = item.split("#")
                nth = (day.day - 1) // 7 + 1 == int(k)
            if nth and day.isoweekday() % 7 in {n % 7 for n in values(item, 0, 7)}:
                return True
        return False

    def _day(self, day: date) -> bool:
        if day.month not in self.months:
            return False
        if self.dom.startswith("*") or self.dow.startswith("*"):
            return self.dom_matches(day) and self.dow_matches(day)
        return self.dom_matches(day) or self.dow_matches(day)

    def matches(self, reading: datetime) -> bool:
        return (
            reading.minute in self.minutes
            and reading.hour in self.hours
            and reading.second in self.seconds
            and self.day(reading.date())
        )


def readings(
    zone: ZoneInfo, begin: datetime, end: datetime, step: timedelta
) -> Iterator[tuple[datetime, datetime]]:
    """Yield (instant, what the local clock shows) for each step of [begin, end]."""
    instant = begin
    while instant <= end:
        yield instant, instant.astimezone(zone).replace(tzinfo=None)
        instant += step


def fires(
    rule: Rule, clock: Iterable[tuple[datetime, datetime]], begin: datetime, end: datetime
) -> list[datetime]:
    """Return the fire times in (begin, end]; `clock` must start a day before `begin`."""
    found: set[datetime] = set()
    shown: datetime | None = None
    latest = datetime.min
    for instant, reading in clock:
        if shown is not None and rule.fixed and reading - shown > rule.step:
            found |= swallowed(rule, shown, instant, reading)
        first_pass = reading > latest
        if (first_pass or not rule.fixed) and rule.matches(reading):
            found.add(instant)
        shown, latest = reading, max(latest, reading)
    return sorted(instant for instant in found if begin < instant <= end)


def swallowed(rule: Rule, shown: datetime, instant: datetime, reading: datetime) -> set[datetime]:
    """Return when the matches between two readings fire: a minute later until they exist."""
    found: set[datetime] = set()
    if reading - shown - rule.step > 3 * HOUR:
        return found
    missing = shown + rule.step
    while missing < reading:
        if rule.matches(missing):
            target = missing
            while target < reading:
                target += MINUTE
            found.add(instant + (target - reading))
        missing += rule.step
    return found


def stepped(expression: str, zone: str, begin: datetime, end: datetime) -> list[datetime]:
    """Return the fire times in (begin, end] of an expression; both on whole minutes, in UTC."""
    rule, local = Rule(expression), ZoneInfo(zone)
    assert begin.tzinfo is UTC and not begin.second and not begin.microsecond
    return fires(rule, readings(local, begin - DAY, end, rule.step), begin, end)
