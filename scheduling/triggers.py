"""Say when a schedule is due: value objects that turn a moment into the next occurrence."""

import re
from bisect import bisect_left, bisect_right
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from typing import NamedTuple
from zoneinfo import ZoneInfo

from cronsim import CronSim, CronSimError

LONGEST_EXPRESSION = 200
SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)
MIN, MAX = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
#: Where cron begins: west of Greenwich the local time at datetime.min does not exist.
EARLIEST = MIN + timedelta(days=1)
#: A longer jump of the local clock is a new calendar, not daylight saving time (as in Vixie cron).
LONGEST_DST_SHIFT = timedelta(hours=3)
#: After so many occurrences in a row that fall into gaps none is expected to fall elsewhere.
MOST_GAPS = 50

NICKNAMES = {
    **dict.fromkeys(("@yearly", "@annually"), "0 0 1 1 *"),
    **dict.fromkeys(("@daily", "@midnight"), "0 0 * * *"),
    **{"@monthly": "0 0 1 * *", "@weekly": "0 0 * * 0", "@hourly": "0 * * * *"},
}
RANGES = ((0, 59), (0, 59), (0, 23), (1, 31), (1, 12), (0, 7))
FULL_NAME = re.compile("(?:JANU|FEBR|MARC|APRI|JUNE|JULY|AUGU|SEPT|OCTO|NOVE|DECE|[A-Z]+DAY)[A-Z]*")
FIELDS = ("second", "minute", "hour", "day of month", "month", "day of week")
#: Marks a sentence for makemessages; it is translated where Django is at hand.
gettext_noop = str
#: code → sentence with the places of `InvalidTrigger.params`.
MESSAGES = {
    "naive_moment": gettext_noop("%(what)s needs a time zone: %(value)s has none."),
    "moment_out_of_range": gettext_noop("%(what)s is too close to the end of the calendar."),
    "bad_interval": gettext_noop("The interval must be a length of time above zero."),
    "unknown_time_zone": gettext_noop("“%(value)s” is no time zone such as Asia/Shanghai."),
    "too_long": gettext_noop("A cron expression has at most %(limit)s characters."),
    "strange_character": gettext_noop("%(character)s does not belong in a cron expression."),
    "unknown_nickname": gettext_noop("There is no “%(value)s” here. Use one of %(known)s."),
    "too_few_fields": gettext_noop("Write five fields (or six, second first), not %(count)s."),
    "too_many_fields": gettext_noop("Write six fields at most; for a year, set start and end."),
    "year_field": gettext_noop("Instead of the year %(value)s, set a start and an end."),
    "question_mark": gettext_noop("Write * instead of ? in the field “%(field)s”."),
    "nearest_weekday": gettext_noop("Write LW (last weekday of the month), not “%(value)s”."),
    "full_name": gettext_noop("Write names with three letters, such as JAN or MON, not %(value)s."),
    "bad_day": gettext_noop("Write L (last day), 5L (last Friday) or MON#2, not “%(value)s”."),
    "empty_item": gettext_noop("A value is missing beside a comma in the field “%(field)s”."),
    "zero_step": gettext_noop("The step after / must be above 0 in the field “%(field)s”."),
    "out_of_range": gettext_noop("The field “%(field)s” takes %(low)s to %(high)s, not %(value)s."),
    "reversed_range": gettext_noop("“%(value)s” in the field “%(field)s” ends before it begins."),
    "bad_field": gettext_noop(
        "“%(value)s” is not understood: the field “%(field)s” takes %(low)s to %(high)s."
    ),
    "never_fires": gettext_noop("“%(value)s” never happens: no month has such a day."),
}


class InvalidTrigger(ValueError):
    """The message is a sentence for the person who typed it; translate MESSAGES[code] % params."""

    def __init__(self, message: str, code: str = "invalid", **params: object) -> None:
        super().__init__(message)
        self.code, self.params = code, params


def invalid(code: str, **params: object) -> InvalidTrigger:
    return InvalidTrigger(MESSAGES[code] % params, code, **params)


def in_utc(value: datetime, what: str) -> datetime:
    """Return `value` in UTC; raise InvalidTrigger if it is naive or at datetime's very limits."""
    if value.utcoffset() is None:
        raise invalid("naive_moment", what=what, value=value.isoformat(" "))
    try:
        return value.astimezone(UTC)
    except OverflowError as error:
        raise invalid("moment_out_of_range", what=what) from error


def saturated(moment: datetime) -> datetime:
    """Return an asked-about moment in UTC, moved inside what datetime can hold."""
    try:
        return in_utc(moment, "The moment")
    except InvalidTrigger as error:
        if error.code != "moment_out_of_range":
            raise
    return MIN if moment.year == 1 else MAX


@lru_cache(maxsize=1024)
def zone_named(name: str) -> ZoneInfo:
    """Return the zone; raise InvalidTrigger for anything that is not the name of one."""
    # `right/` counts leap seconds, and `localtime` means another zone on each machine.
    pattern = r"(?!right/|posix/|localtime$|posixrules$)[A-Za-z][\w+-]*(/[\w+-]+){0,3}"
    if isinstance(name, str) and len(name) <= 64 and re.fullmatch(pattern, name, re.ASCII):
        try:
            return ZoneInfo(name)
        except (KeyError, ValueError, OSError):  # not found, not a zone's file, a folder
            pass
    raise invalid("unknown_time_zone", value=str(name)[:64])


def split(expression: str) -> list[str]:
    """Return six upper-case fields, seconds first, without looking into them."""
    if len(expression) > LONGEST_EXPRESSION:
        raise invalid("too_long", limit=LONGEST_EXPRESSION)
    if strange := re.search(r"[^\x21-\x7e \t\n\v\f\r]", expression):
        raise invalid("strange_character", character=f"U+{ord(strange[0]):04X}")
    text = expression.strip()
    if text.startswith("@"):
        if text.lower() not in NICKNAMES:
            raise invalid("unknown_nickname", value=text, known=", ".join(NICKNAMES))
        text = NICKNAMES[text.lower()]
    fields = text.upper().split()
    if not 5 <= (count := len(fields)) <= 6:
        raise invalid("too_few_fields" if count < 5 else "too_many_fields", count=count)
    return fields if count == 6 else ["0", *fields]


def parsed(fields: list[str]) -> CronSim | None:
    # CronSim reads 5-5/2 as 5/2, which goes on to the end of the range; cron reads it as 5.
    text = re.sub(r"\b0*(\w+)-0*\1/0*[1-9]\d*", r"\1", " ".join(fields))
    try:
        return CronSim(text, datetime(2000, 1, 1))  # noqa: DTZ001 - a clock's time
    except (CronSimError, ValueError):
        return None


def reason(index: int, text: str) -> InvalidTrigger:
    """Say what is wrong with one field that was not understood."""
    low, high = RANGES[index]
    numbers = [int(digits) for digits in re.findall(r"(?<![/#\d])\d+", text)]
    ranges = [(int(a), int(b)) for a, b in re.findall(r"(\d+)-(\d+)", text)]
    patterns = [
        ("question_mark", "?" in text),
        ("full_name", FULL_NAME.search(text)),
        ("year_field", index == 5 and re.search(r"(?<!\d)[12]\d{3}(?!\d)", text)),
        ("nearest_weekday", index == 3 and "W" in text),
        ("empty_item", "" in text.split(",")),
        ("zero_step", re.search(r"/0+(?!\d)", text)),
        ("out_of_range", any(not low <= number <= high for number in numbers)),
        ("reversed_range", any(first > last for first, last in ranges)),
        ("bad_day", index in (3, 5) and re.search("[L#]", text)),
    ]
    code = next((code for code, applies in patterns if applies), "bad_field")
    return invalid(code, field=FIELDS[index], value=text, low=low, high=high)


class WallClock:
    """The times an expression matches on a clock on the wall that is never put forward or back."""

    def __init__(self, expression: str) -> None:
        self.fields = split(expression)
        if (matcher := parsed(self.fields)) is None:
            for index, text in enumerate(self.fields):
                if parsed(["*"] * index + [text] + ["*"] * (5 - index)) is None:
                    raise reason(index, text)
            raise invalid("never_fires", value=expression.strip())
        self.matcher = matcher
        self.seconds, self.minutes = sorted(matcher.seconds), sorted(matcher.minutes)
        self.hours = sorted(matcher.hours)
        self.follows_real_time = self.fields[1][0] == "*" or self.fields[2][0] == "*"
        self.days_of: dict[tuple[int, int], list[int]] = {}
        # These 28 years hold every kind of month: each length, beginning on each weekday.
        if not any(self.days(year, m) for year in range(2000, 2028) for m in matcher.months):
            raise invalid("never_fires", value=expression.strip())

    def days(self, year: int, month: int) -> list[int]:
        """Return the days that match, which depend on the month's first weekday and length only."""
        kind = monthrange(year, month)
        if kind not in self.days_of:
            every = (date(year, month, day) for day in range(1, kind[1] + 1))
            self.days_of[kind] = [day.day for day in every if self.matcher.match_day(day)]
        return self.days_of[kind]

    def first_from(self, wall: datetime) -> datetime | None:
        """Return the first match at or after `wall`, which has no zone and whole seconds."""
        year, month, day = wall.year, wall.month, wall.day
        today = month in self.matcher.months and day in self.days(year, month)
        if today and (time := self.time_from(wall.hour, wall.minute, wall.second)):
            return datetime(year, month, day, *time)  # noqa: DTZ001
        # 41 years at most: to the next 29 February on the same weekday, across 2100.
        while year <= 9999:
            if month in self.matcher.months:
                days = self.days(year, month)
                if (index := bisect_right(days, day)) < len(days):
                    first = self.hours[0], self.minutes[0], self.seconds[0]
                    return datetime(year, month, days[index], *first)  # noqa: DTZ001
            year, month, day = (year, month + 1, 0) if month < 12 else (year + 1, 1, 0)
        return None

    def time_from(self, hour: int, minute: int, second: int) -> tuple[int, int, int] | None:
        """Return the first matching time of a day at or after the given one."""
        if hour in self.matcher.hours:
            index = bisect_left(self.seconds, second)
            if minute in self.matcher.minutes and index < len(self.seconds):
                return hour, minute, self.seconds[index]
            if (index := bisect_right(self.minutes, minute)) < len(self.minutes):
                return hour, self.minutes[index], self.seconds[0]
        if (index := bisect_right(self.hours, hour)) < len(self.hours):
            return self.hours[index], self.minutes[0], self.seconds[0]
        return None


#: Parsing costs 0.1 to 2 ms, a look-up nothing; an expression is at most 200 characters.
clock_of = lru_cache(maxsize=1024)(WallClock)


def parse_fields(expression: str) -> tuple[str, ...]:
    """Return the six fields of a valid expression in upper case, seconds first, no nicknames."""
    return tuple(clock_of(expression).fields)


class Shift(NamedTuple):
    """A local clock put forward (a gap: `start` to `end` do not exist) or back (an overlap)."""

    start: datetime
    end: datetime
    forward: bool


def shift_at(zone: ZoneInfo, wall: datetime) -> Shift | None:
    """Return the gap or overlap that holds the local time `wall`, None nearly always."""
    before, after = zone.utcoffset(wall.replace(fold=0)), zone.utcoffset(wall.replace(fold=1))
    if before == after or before is None or after is None:
        return None
    # The clock changes at an instant in (wall - larger offset, wall - smaller offset].
    low, high = wall - max(before, after), wall - min(before, after)
    while high - low > SECOND:
        middle = low + ((high - low) // 2 // SECOND) * SECOND
        changed = middle.replace(tzinfo=UTC).astimezone(zone).utcoffset() == after
        low, high = (low, middle) if changed else (middle, high)
    ends = sorted((high + before, high + after))
    return Shift(ends[0], ends[1], before < after)


def instant(zone: ZoneInfo, wall: datetime, fold: int = 0) -> datetime:
    return wall.replace(tzinfo=zone, fold=fold).astimezone(UTC)


def next_in_real_time(clock: WallClock, zone: ZoneInfo, moment: datetime) -> datetime | None:
    """Fire whenever the local clock shows a match: in both passes of an overlap, in no gap."""
    local = moment.astimezone(zone)
    wall = local.replace(tzinfo=None, microsecond=0, fold=0)
    found, overlap = clock.first_from(wall + SECOND), shift_at(zone, wall)
    if overlap and not local.fold and (found is None or found >= overlap.end):
        found = clock.first_from(overlap.start)
    for _ in range(MOST_GAPS):
        if found is None:
            return None
        shift = shift_at(zone, found)
        if shift is None or not shift.forward:
            fire = instant(zone, found)
            return fire if fire > moment else instant(zone, found, fold=1)
        found = clock.first_from(shift.end)
    return None


def moved(clock: WallClock, gap: Shift) -> list[datetime]:
    """Return when the matches inside `gap` fire: in the first minute after it, seconds kept."""
    if gap.end - gap.start > LONGEST_DST_SHIFT:
        return []
    seconds: set[int] = set()
    wall = clock.first_from(gap.start)
    while wall is not None and wall < gap.end and len(seconds) < len(clock.seconds):
        seconds.add(wall.second)
        wall = clock.first_from(wall + SECOND)
    return sorted(gap.end + timedelta(seconds=(each - gap.end.second) % 60) for each in seconds)


def next_at_fixed_time(clock: WallClock, zone: ZoneInfo, moment: datetime) -> datetime | None:
    """Fire once for each match: after a gap that swallows it, in the first pass of an overlap."""
    wall = floor = moment.astimezone(zone).replace(tzinfo=None, microsecond=0, fold=0) + SECOND
    # In the first minute after a gap, what it swallowed may still be due.
    ago = (moment - MINUTE).astimezone(zone).replace(tzinfo=None, microsecond=0, fold=0)
    if (shift := shift_at(zone, ago + MINUTE)) and shift.forward:
        wall = shift.start
    for _ in range(MOST_GAPS):
        if (found := clock.first_from(wall)) is None:
            return None
        shift = shift_at(zone, found)
        if shift and shift.forward:
            wall = max(shift.end, floor)
            due = [at for at in moved(clock, shift) if instant(zone, at) > moment]
            if due:
                return instant(zone, min(due[0], clock.first_from(wall) or due[0]))
        elif (fire := instant(zone, found)) > moment:
            return fire
        else:  # before `floor`, or fired in the first pass while `moment` is in the second
            wall = shift.end if shift else floor
    return None


@dataclass(frozen=True)
class Trigger:
    """What the three kinds share: moments are kept in UTC, so that equal ones hash alike."""

    def __post_init__(self) -> None:
        for name in ("at", "start", "end"):
            if (value := getattr(self, name, None)) is not None:
                object.__setattr__(self, name, in_utc(value, f"“{name}”"))

    def next_after(self, moment: datetime) -> datetime | None:
        """Return the first occurrence strictly after `moment` in UTC, None if there is none."""
        raise NotImplementedError

    def latest(self, at: datetime) -> datetime | None:
        """Return the last occurrence at or before `at` in UTC, None if there is none."""
        raise NotImplementedError

    def occurrences(self, after: datetime, until: datetime) -> Iterator[datetime]:
        """Yield the occurrences with after < occurrence <= until, ascending, one search each."""
        until, fire = saturated(until), self.next_after(after)
        while fire is not None and fire <= until:
            yield fire
            fire = self.next_after(fire)


@dataclass(frozen=True)
class OnceTrigger(Trigger):
    at: datetime

    def next_after(self, moment: datetime) -> datetime | None:
        return self.at if saturated(moment) < self.at else None

    def latest(self, at: datetime) -> datetime | None:
        return self.at if self.at <= saturated(at) else None


@dataclass(frozen=True)
class IntervalTrigger(Trigger):
    """Occurrences at start + k * every in elapsed time, whatever local clocks do."""

    every: timedelta
    start: datetime
    end: datetime | None = None

    def __post_init__(self) -> None:
        if not isinstance(self.every, timedelta) or self.every <= timedelta(0):
            raise invalid("bad_interval")
        super().__post_init__()

    def number(self, k: int) -> datetime | None:
        """Return the occurrence with the number `k`, None outside start and end."""
        try:
            fire = self.start + k * self.every
        except OverflowError:
            return None
        return fire if k >= 0 and (self.end is None or fire <= self.end) else None

    def next_after(self, moment: datetime) -> datetime | None:
        return self.number(max(0, (saturated(moment) - self.start) // self.every + 1))

    def latest(self, at: datetime) -> datetime | None:
        at = saturated(at) if self.end is None else min(saturated(at), self.end)
        return self.number((at - self.start) // self.every)


@dataclass(frozen=True)
class CronTrigger(Trigger):
    """Cron as Debian's does it; `start` and `end` bound the occurrences, both inclusive."""

    expression: str
    timezone: str = "UTC"
    start: datetime | None = None
    end: datetime | None = None

    def __post_init__(self) -> None:
        super().__post_init__()
        zone_named(self.timezone)
        clock_of(self.expression)

    def next_after(self, moment: datetime) -> datetime | None:
        start = EARLIEST if self.start is None else max(self.start, EARLIEST)
        moment = max(saturated(moment), start - timedelta.resolution)
        clock, zone = clock_of(self.expression), zone_named(self.timezone)
        following = next_in_real_time if clock.follows_real_time else next_at_fixed_time
        try:
            fire = following(clock, zone, moment)
        except OverflowError:  # in the last hours of the year 9999
            return None
        return fire if fire is None or self.end is None or fire <= self.end else None

    def latest(self, at: datetime) -> datetime | None:
        at = saturated(at)
        # Halve the time in which it lies, from the beginning of the calendar: some 70 searches.
        low, high, found = MIN, at, None
        while (fire := self.next_after(low)) is not None and fire <= at:
            low = found = fire
            middle = low + (high - low) / 2
            if (fire := self.next_after(middle)) is not None and fire <= at:
                low = found = fire
            else:
                high = middle
        return found
