"""Finds the dates that words for a day can mean, seen from today; asks back where two can be."""

from __future__ import annotations

from datetime import date, timedelta

from django.utils.translation import gettext as _

from conversations.commands.when_phrases import no_such_date, past, shown, too_far, unclear

# The longest wait for a February 29: there is none in 2100.
_LEAP_YEARS = 8
_FURTHEST_YEARS = 100


def coming_weekday(weekday: int, today: date) -> tuple[date, ...]:
    """Return the next two such days, today included; Monday is 0."""
    first = today + timedelta(days=(weekday - today.weekday()) % 7)
    return first, first + timedelta(days=7)


def weekday_in(weeks: int, weekday: int, today: date) -> tuple[date, ...]:
    """Return the day of the week that is `weeks` after this one; weeks begin on Monday."""
    return (today + timedelta(days=weekday - today.weekday() + 7 * weeks),)


def next_weekday(weekday: int, today: date, said: str) -> tuple[date, ...]:
    """Return the day of next week; asks back where that day is still to come in this week."""
    if weekday > today.weekday():
        [this], [after] = weekday_in(0, weekday, today), weekday_in(1, weekday, today)
        raise unclear(
            _("Which %(day)s, %(this)s or %(after)s? Say the date.")
            % {"day": said, "this": this.isoformat(), "after": after.isoformat()}
        )
    return weekday_in(1, weekday, today)


def on_date_of_year(
    month: int, day: int, today: date, said: str, *, year: int | None = None
) -> tuple[date, ...]:
    """Return that date in this year and the years to come, or only in `year`."""
    years = range(today.year, today.year + _LEAP_YEARS + 1) if year is None else [year]
    if year is not None and year > today.year + _FURTHEST_YEARS:
        raise too_far()
    dates = [_date(each, month, day) for each in years]
    found = tuple(each for each in dates if each)
    if not found:
        raise no_such_date(said)
    if year is not None and year < today.year:
        raise past(said)
    return found


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def day_of_month(
    day: int, today: date, said: str, *, months: int | None = None
) -> tuple[date, ...]:
    """Return that day of this month and the next, or only of the month so many from now."""
    first = today.year * 12 + today.month - 1
    wanted = [first, first + 1] if months is None else [first + months]
    dates = [_date(month // 12, month % 12 + 1, day) for month in wanted]
    if dates[0] is None or (dates[-1] is None and dates[0] < today):
        raise no_such_date(said)
    return tuple(each for each in dates if each)


def in_month(days: list[int], said: str) -> str:
    """Return cron's list of days of the month."""
    if not all(1 <= day <= 31 for day in days):
        raise no_such_date(said)
    return ",".join(str(day) for day in sorted(set(days)))


def weekday_checked(
    dates: tuple[date, ...], weekday: int, today: date, said: str
) -> tuple[date, ...]:
    """Return `dates` if the nearest falls on the weekday that was said with it."""
    nearest = next((each for each in dates if each >= today), dates[-1])
    if nearest.weekday() != weekday:
        raise unclear(
            _("“%(said)s”: %(date)s is another day of the week.")
            % {"said": shown(said), "date": nearest.isoformat()}
        )
    return dates
