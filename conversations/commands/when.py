"""Reads when something is to be said, in words of either language, and what.

A grammar of its own and no library of dates: what it does not know, it asks back.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from conversations.commands import when_moments
from conversations.commands.numbers import fold
from conversations.commands.when_moments import Kind
from conversations.commands.when_phrases import (
    MissingText,
    Phrase,
    UnclearTime,
    not_understood,
    shown,
    unclear,
)
from conversations.commands.when_reading import KINSHIP, check_rest, find_at_end, read_phrase
from scheduling.triggers import CronTrigger, IntervalTrigger, OnceTrigger

__all__ = ["MissingText", "UnclearTime", "When", "read_time", "read_when"]

# A time at the end of a text is looked for in so many characters.
_TAIL = 120
# Five or six fields of digits and signs alone, as those write it who know cron.
_BARE_CRON = re.compile(r"(?:cron *:? *)?((?:[0-9*][0-9*/,-]*(?: +|$)){5,6})", re.IGNORECASE)
_BEFORE = re.compile(
    r"[ ,:;]*(?:please +)?(?:remind +)?(?:me +)?(?:(?:to|that|about) +)?"
    rf"(?:请|麻烦)?(?:记得)?(?:提醒(?:一下)?)?(?:我(?![{KINSHIP}]))?在?[ ,:;]*"
)
_ASKING = re.compile(
    r"[ ,:;、]*(?:(?:please +)?(?:(?:remind +)?me +)?(?:to|that)(?: +|$)"
    r"|(?:please +)?(?:remind +me|me +about) +)?"
    rf"(?:(?:请|麻烦|记得)?提醒(?:一下)?我(?:一下)?(?![{KINSHIP}]))?[ ,:;]*"
)


@dataclass(frozen=True, slots=True)
class When:
    """What was understood: when, as a trigger, and what to say then, exactly as typed."""

    trigger: OnceTrigger | IntervalTrigger | CronTrigger
    text: str
    kind: Kind


def read_when(text: str, *, now: datetime, timezone: str) -> When:
    """Read a time at the beginning, or else at the end, of `text`; the rest is what to say then.

    A plain hour is read on the 24-hour clock. Raises UnclearTime where there is no time, more
    than one or an impossible one, and MissingText where there is nothing but a time.
    """
    when = _read(text, now=now, timezone=timezone)
    if not when.text:
        raise MissingText(_("Of what should I remind you? Say it after the time."))
    return when


def read_time(time: str, text: str, *, now: datetime, timezone: str) -> When:
    """Read a time that stands alone, apart from the text that is to be said then.

    A cron expression needs no quotes. Raises UnclearTime as `read_when` does, and where there is
    more than a time: whoever wrote it meant something by it.
    """
    if bare := _BARE_CRON.fullmatch(time.strip()):
        time = f'cron "{bare[1].strip()}"'
    when = _read(time, now=now, timezone=timezone)
    if rest := when.text.strip(" .!?,;~。！？，；"):
        more = _("Say the time alone; there is more: “%(rest)s”.") % {"rest": shown(rest)}
        raise unclear(more)
    return replace(when, text=text)


def _read(text: str, *, now: datetime, timezone: str) -> When:
    # In UTC, where adding a length of time is elapsed time and no step of a wall clock.
    now, today = now.astimezone(UTC), now.astimezone(ZoneInfo(timezone)).date()
    phrase, rest = _leading(text, today, timezone) or _trailing(text, today)
    trigger, kind = _trigger(phrase, now=now, timezone=timezone)
    if trigger.next_after(now) is None:
        raise unclear(_("That never happens."))
    return When(trigger, rest, kind)


def _leading(text: str, today: date, timezone: str) -> tuple[Phrase, str] | None:
    """Return the time at the beginning and the text after it; None if there is none.

    A day without a time of day is completed by one at the end: `tomorrow call Ann at 9`.
    """
    folded = fold(text)
    before = _BEFORE.match(folded)
    start = before.end() if before else 0
    phrase = read_phrase(folded, start, today)
    if phrase is None:
        return None
    if phrase.is_complete:
        check_rest(folded, start, phrase, today, timezone)
        return phrase, _without_asking(text[phrase.end :])
    found = find_at_end(folded, phrase.end, today, longest=_TAIL)
    if not found or not _is_clock_alone(found[1]):
        raise _no_clock(text[start : phrase.end])
    at, end = found
    return replace(phrase, clock=end.clock), _without_asking(_before_time(text[phrase.end : at]))


def _trailing(text: str, today: date) -> tuple[Phrase, str]:
    """Return the time at the end and the text before it; raises UnclearTime if there is none."""
    found = find_at_end(fold(text), 0, today, longest=_TAIL)
    if not found:
        raise not_understood(text)
    at, phrase = found
    if not phrase.is_complete:
        raise _no_clock(text[at : phrase.end])
    return phrase, _without_asking(_before_time(text[:at]))


def _is_clock_alone(phrase: Phrase) -> bool:
    return bool(phrase.clock) and not (phrase.day or phrase.repeat or phrase.wait)


def _before_time(text: str) -> str:
    return text.rstrip().rstrip(",，、:：;；")


def _without_asking(text: str) -> str:
    """Return what to remind of without `me to` or `提醒我` before it, otherwise as typed."""
    asking = _ASKING.match(fold(text))
    return text[asking.end() if asking else 0 :].strip()


def _no_clock(said: str) -> UnclearTime:
    return unclear(_("At what time of day? “%(said)s” does not say.") % {"said": shown(said)})


def _trigger(
    phrase: Phrase, *, now: datetime, timezone: str
) -> tuple[OnceTrigger | IntervalTrigger | CronTrigger, Kind]:
    if phrase.expression is not None:
        return when_moments.cron(phrase.expression, timezone=timezone), "cron"
    if phrase.every:
        return when_moments.interval(phrase.every, now=now), "interval"
    if phrase.repeat and phrase.clock:
        return when_moments.repetition(phrase.repeat, phrase.clock, timezone=timezone), "cron"
    return when_moments.once(phrase, now=now, timezone=timezone), "once"
