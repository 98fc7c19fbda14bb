"""The parts a time in words is made of, and the questions asked back when it is not clear."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from fractions import Fraction

from django.utils.translation import gettext as _

SHOWN = 40


class UnclearTime(ValueError):
    """The time was not understood; the message says what was not, with examples to follow.

    `reason` is what was not understood, without the examples of what people type.
    """

    def __init__(self, reason: str, examples: str = "") -> None:
        super().__init__(f"{reason}\n{examples}" if examples else reason)
        self.reason = reason


class MissingText(UnclearTime):
    """The time is clear, and nothing was said to remind of."""


def unclear(reason: str) -> UnclearTime:
    examples = _(
        "For example: “in 10m stretch”, “tomorrow at 9 call Ann”, “every weekday 9:00 stand-up”."
    )
    return UnclearTime(reason, examples)


def shown(said: str) -> str:
    """Return the beginning of what was said, in one line, fit to be quoted."""
    line = " ".join("".join(each if each.isprintable() else " " for each in said[:400]).split())
    return line if len(line) <= SHOWN else line[: SHOWN - 1] + "…"


def not_understood(said: str) -> UnclearTime:
    if not said.strip():
        return unclear(_("When, and of what, should I remind you?"))
    return unclear(_("I do not understand the time in “%(said)s”.") % {"said": shown(said)})


def no_such_date(said: str) -> UnclearTime:
    return unclear(_("There is no such date: “%(said)s”.") % {"said": shown(said)})


def no_day(said: str) -> UnclearTime:
    return unclear(_("On which day? “%(said)s” does not say.") % {"said": shown(said)})


def past(said: str) -> UnclearTime:
    return unclear(_("That is in the past: %(time)s.") % {"time": shown(said)})


def too_far() -> UnclearTime:
    return unclear(_("That is too far away: more than a hundred years."))


@dataclass(frozen=True, slots=True)
class Span:
    """A length of time; months and days follow the calendar, seconds are elapsed time."""

    months: Fraction = Fraction(0)
    days: Fraction = Fraction(0)
    seconds: Fraction = Fraction(0)

    def __add__(self, other: Span) -> Span:
        return Span(
            self.months + other.months, self.days + other.days, self.seconds + other.seconds
        )


def times(unit: Span, amount: Fraction) -> Span:
    """Return so many of a unit; a part of a day is elapsed time."""
    days = unit.days * amount
    return Span(
        unit.months * amount,
        Fraction(int(days)),
        unit.seconds * amount + (days - int(days)) * 86400,
    )


@dataclass(frozen=True, slots=True)
class Clock:
    """A time of day as it was said; `part` is the part of the day that was said with it."""

    hour: int
    minute: int = 0
    second: int = 0
    part: str = ""
    said: str = ""


@dataclass(frozen=True, slots=True)
class Day:
    """The dates that were meant, first to last; the first still to come is the one."""

    dates: tuple[date, ...]
    part: str = ""


@dataclass(frozen=True, slots=True)
class Repeat:
    """The days of a repetition: cron's day of month, month, and days of the week (0 = Sunday)."""

    days: str = "*"
    month: str = "*"
    weekdays: tuple[int, ...] = ()
    part: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phrase:
    """A time in words that ends at `end` of the text; days without a clock are not yet a time."""

    end: int
    clock: Clock | None = None
    day: Day | None = None
    repeat: Repeat | None = None
    wait: Span | None = None
    every: Span | None = None
    instant: datetime | None = None
    expression: str | None = None

    @property
    def is_complete(self) -> bool:
        return (self.day is None and self.repeat is None) or self.clock is not None

    @property
    def repeats(self) -> bool:
        return bool(self.repeat or self.every or self.expression is not None)
