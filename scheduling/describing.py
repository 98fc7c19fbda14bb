"""Says in words what a trigger does and how far off a moment is: for pages, chat and the admin."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Protocol

from django.utils.translation import get_language

from scheduling import describing_chinese, describing_english
from scheduling.describing_cron import Meaning, meaning_of
from scheduling.triggers import (
    CronTrigger,
    IntervalTrigger,
    InvalidTrigger,
    OnceTrigger,
    Trigger,
    zone_named,
)

#: Numbers as they are written, each with its unit: ("2", "hour"), ("30", "minute").
Amounts = Sequence[tuple[str, str]]

_DAY = 86_400
_YEAR = 365.2425 * _DAY
_UNITS = (("day", _DAY), ("hour", 3_600), ("minute", 60), ("second", 1))


class Language(Protocol):
    """What a module that puts things into one language offers."""

    NOW: str

    def once(self, moment: str) -> str: ...
    def interval(self, amounts: Amounts) -> str: ...
    def bounds(self, start: str | None, end: str | None) -> str: ...
    def in_zone(self, zone: str) -> str: ...
    def moment(self, local: datetime) -> str: ...
    def cron(self, meaning: Meaning) -> str: ...
    def distance(self, amounts: Amounts, *, ahead: bool, about: bool) -> str: ...


def describe(
    trigger: Trigger,
    *,
    timezone: str = "UTC",
    language: str | None = None,
    show_timezone: bool = False,
    show_bounds: bool = True,
) -> str:
    """Return one true sentence about when a trigger fires: one line, no full stop.

    `timezone` is the reader's, for moments. A cron expression is told in its own zone, which is
    named with `show_timezone` and where its start or end is told, which is not with
    `show_bounds=False`. Without a language it is the active one; there is Chinese for zh-hans and
    English for all others.
    """
    words = _words(language)
    if isinstance(trigger, OnceTrigger):
        moment, zone = _moment(trigger.at, timezone, words)
        return words.once(moment) + words.in_zone(zone)
    if isinstance(trigger, IntervalTrigger):
        text = words.interval(_exact_amounts(trigger.every))
        if not show_bounds:
            return text
        return text + _bounds(trigger.start, trigger.end, timezone, words)
    if isinstance(trigger, CronTrigger):
        text = words.cron(meaning_of(trigger.expression))
        if show_bounds and (trigger.start or trigger.end):
            return text + _bounds(trigger.start, trigger.end, trigger.timezone, words)
        return text + (words.in_zone(trigger.timezone) if show_timezone else "")
    raise TypeError(f"{type(trigger).__name__} is no trigger.")


def relative(moment: datetime, *, now: datetime, language: str | None = None) -> str:
    """Return how far off a moment is, in two units at most: "in 3 minutes", "2 days ago", "now"."""
    words = _words(language)
    seconds = (moment - now).total_seconds()
    span = abs(seconds)
    if span < 0.5:
        return words.NOW
    if span >= 2 * _YEAR:
        years = str(round(span / _YEAR))
        return words.distance([(years, "year")], ahead=seconds > 0, about=True)
    # Rounded to the unit that is told last, before it is divided: never "60 min".
    finest = 1 if span < 3_599.5 else 60 if span < _DAY - 30 else 3_600
    finest = finest if span < 14 * _DAY else _DAY
    return words.distance(_amounts(round(span / finest) * finest), ahead=seconds > 0, about=False)


def _words(language: str | None) -> Language:
    code = (language or get_language() or "").lower()
    return describing_chinese if code in ("zh-hans", "zh-cn") else describing_english


def _amounts(seconds: int) -> list[tuple[str, str]]:
    amounts = []
    for unit, size in _UNITS:
        number, seconds = divmod(seconds, size)
        if number:
            amounts.append((str(number), unit))
    return amounts


def _exact_amounts(every: timedelta) -> list[tuple[str, str]]:
    """Return an interval in units; a day is 24 hours, since clocks may be put forward meanwhile."""
    if every == timedelta(days=1):
        return [("24", "hour")]
    amounts = _amounts(every // timedelta(seconds=1))
    if every.microseconds:
        if every.seconds % 60:
            amounts.pop()
        fraction = f"{every.seconds % 60}.{every.microseconds:06}".rstrip("0")
        amounts.append((fraction, "second"))
    return amounts


def _bounds(start: datetime | None, end: datetime | None, timezone: str, words: Language) -> str:
    """Return from when until when, both in one zone, which is named."""
    told = [_moment(each, timezone, words) if each else (None, "") for each in (start, end)]
    zones = dict.fromkeys(zone for _, zone in told if zone)
    return words.bounds(told[0][0], told[1][0]) + words.in_zone(", ".join(zones))


def _moment(at: datetime, timezone: str, words: Language) -> tuple[str, str]:
    """Return a moment to the second in words, and the name of the zone they are in."""
    zone: tzinfo
    try:
        zone, name = zone_named(timezone), timezone
        local = at.astimezone(zone)
    except (InvalidTrigger, OverflowError):  # no such zone; the first or last day of the calendar
        zone, name, local = UTC, "UTC", at.astimezone(UTC)
    text = words.moment(local)
    if local.replace(fold=1 - local.fold).utcoffset() != local.utcoffset():
        # Clocks are put back: this time comes twice, and only the offset says which is meant.
        offset = f"{local:%z}"
        text += f" UTC{offset[:3]}:{offset[3:5]}"
    return text, name
