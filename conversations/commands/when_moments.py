"""Turns a time in words into a trigger, in the zone of the user who said it."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from conversations.commands.when_clocks import hour_of, on_date
from conversations.commands.when_phrases import (
    Clock,
    Day,
    Phrase,
    Repeat,
    Span,
    no_such_date,
    past,
    too_far,
    unclear,
)
from scheduling.triggers import CronTrigger, IntervalTrigger, InvalidTrigger, OnceTrigger
from scheduling.validating import sentence

Kind = Literal["once", "interval", "cron"]
_FURTHEST = timedelta(days=36525)
_FURTHEST_MONTHS = 1200
# No zone is further from UTC than this, so a local time cannot be earlier by more.
_WIDEST_OFFSET = timedelta(hours=26)
_WORKDAYS = (1, 2, 3, 4, 5)


def once(phrase: Phrase, *, now: datetime, timezone: str) -> OnceTrigger:
    """Return the single moment that is meant; raises UnclearTime if it is not to come."""
    today = now.astimezone(ZoneInfo(timezone)).date()
    if phrase.instant:
        at = phrase.instant
    elif phrase.wait:
        at = _after(phrase.wait, phrase.clock, now=now, timezone=timezone)
    elif phrase.day and phrase.clock:
        at = _first_on(phrase.day, phrase.clock, now=now, timezone=timezone)
    else:
        days = tuple(today + timedelta(days=step) for step in (-1, 0, 1, 2))
        at = _first_on(Day(days), phrase.clock or Clock(0), now=now, timezone=timezone, dated=False)
    if at <= now:
        # An instant that was typed may be too early to have a local time.
        local = at if at.year < now.year - 1 else at.astimezone(ZoneInfo(timezone))
        raise past(f"{local:%Y-%m-%d %H:%M}")
    if at - now > _FURTHEST:
        raise too_far()
    return OnceTrigger(at.astimezone(UTC))


def interval(every: Span, *, now: datetime) -> IntervalTrigger:
    """Return the interval, whole seconds from now on; its first fire is after the first interval.

    Raises UnclearTime for parts of a second and for months, which are not all of one length.
    """
    if every.months:
        raise unclear(
            _("Months have no fixed length. Name the day: “every month on the 1st at 9”.")
        )
    if every.days > _FURTHEST.days or every.seconds > _FURTHEST.total_seconds():
        raise too_far()
    seconds = every.days * 86400 + every.seconds
    if seconds <= 0 or seconds.denominator != 1:
        raise unclear(_("An interval is a whole number of seconds, at least one."))
    length = timedelta(seconds=int(seconds))
    return IntervalTrigger(every=length, start=(now + length).replace(microsecond=0))


def repetition(repeat: Repeat, clock: Clock, *, timezone: str) -> CronTrigger:
    """Return the days of `repeat` at that time of day; a midnight that ends a day is the next's."""
    is_daily = repeat.days == "*" and not repeat.weekdays
    hour, weekdays = hour_of(clock, repeat.part, dated=not is_daily), repeat.weekdays
    if hour >= 24:
        if repeat.days != "*":
            raise unclear(_("Say 0:00 and the day that begins then."))
        hour, weekdays = hour - 24, tuple(sorted((day + 1) % 7 for day in weekdays))
    fields = [clock.minute, hour, repeat.days, repeat.month, _weekdays(weekdays)]
    if clock.second:
        fields.insert(0, clock.second)
    return cron(" ".join(str(field) for field in fields), timezone=timezone)


def cron(expression: str, *, timezone: str) -> CronTrigger:
    try:
        return CronTrigger(expression, timezone)
    except InvalidTrigger as error:
        raise unclear(
            _("The cron expression “%(expression)s” does not work: %(reason)s")
            % {"expression": expression[:80], "reason": sentence(error)}
        ) from error


def _weekdays(days: tuple[int, ...]) -> str:
    if days == _WORKDAYS:
        return "1-5"
    return "*" if len(days) in (0, 7) else ",".join(str(day) for day in days)


def _first_on(
    day: Day, clock: Clock, *, now: datetime, timezone: str, dated: bool = True
) -> datetime:
    """Return that time on the first of the dates on which it is to come, or on the last."""
    at = now
    for each in day.dates:
        at = _instant(on_date(each, clock, day.part, dated=dated), timezone)
        if at > now:
            break
    return at


def _instant(wall: datetime, timezone: str) -> datetime:
    """Return the instant of a local time as cron does: after a gap, in the first of two passes."""
    fields = f"{wall.minute} {wall.hour} {wall.day} {wall.month} *"
    if wall.second:
        fields = f"{wall.second} {fields}"
    before = wall.replace(tzinfo=UTC) - _WIDEST_OFFSET
    at = CronTrigger(fields, timezone).next_after(before)
    if at is None or at - before > 2 * _WIDEST_OFFSET:
        raise no_such_date(wall.isoformat(" "))
    return at + timedelta(microseconds=wall.microsecond)


def _after(span: Span, clock: Clock | None, *, now: datetime, timezone: str) -> datetime:
    """Return the moment after `span`: months and days on the local calendar, the rest elapsed."""
    is_far = span.days > _FURTHEST.days or span.seconds > _FURTHEST.total_seconds()
    if is_far or span.months > _FURTHEST_MONTHS:
        raise too_far()
    if span.months.denominator != 1:
        raise unclear(_("Months have no halves. Say a number of days."))
    local = now.astimezone(ZoneInfo(timezone)).replace(tzinfo=None)
    elapsed = timedelta(microseconds=int(span.seconds * 1_000_000))
    if not span.months and not span.days and not clock:
        return _later(now, elapsed)
    day = _months_later(local.date(), int(span.months)) + timedelta(days=int(span.days))
    if clock:
        return _instant(on_date(day, clock), timezone)
    return _instant(datetime.combine(day, local.time()), timezone) + elapsed


def _later(now: datetime, elapsed: timedelta) -> datetime:
    if not elapsed:
        raise unclear(_("That is now. Say how long to wait."))
    return now + elapsed


def _months_later(day: date, months: int) -> date:
    month = day.year * 12 + day.month - 1 + months
    try:
        return day.replace(year=month // 12, month=month % 12 + 1)
    except ValueError:
        raise no_such_date(f"{month // 12}-{month % 12 + 1:02}-{day.day:02}") from None
