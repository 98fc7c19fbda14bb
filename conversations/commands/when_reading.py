"""Puts waits, days and times of day together to the one time that begins at a place of a text."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, datetime

from django.utils.translation import gettext as _

from conversations.commands import when_chinese, when_english
from conversations.commands.when_clocks import read_clock
from conversations.commands.when_phrases import (
    Clock,
    Phrase,
    UnclearTime,
    no_such_date,
    shown,
    unclear,
)

_LANGUAGES = (when_english, when_chinese)
KINSHIP = "们妈爸爷奶哥姐弟妹儿女的家老"
_GLUE = re.compile(rf" *,? *(?:的|请?提醒我(?![{KINSHIP}])|t(?=[0-9]))? *")
_CRON = re.compile(r"""cron *:? *(?P<quote>["'`])(?P<expression>[^"'`]{0,300})(?P=quote)""")
_UNQUOTED = re.compile(r"cron *:? *[0-9*@\"'`]")
_INSTANT = re.compile(
    r"(?:at +|on +)?(?P<instant>[0-9]{4}-[0-9]{2}-[0-9]{2}[t ][0-9]{2}:[0-9]{2}(?::[0-9]{2})?)"
    r" ?(?P<offset>z|[+-][0-9]{2}:?[0-9]{2})(?![0-9a-z:])"
)
_SPOKEN_LATE = re.compile("daily|hourly|weekly|monthly|yearly|everyday")
_SURE_DAY = re.compile(r"on +|today|tonight|tomorrow|(?:the +)?day +after|this +")
_ZONES = re.compile(r" *\(?(?:utc|gmt|[ecmp][sd]t|cest|cet|bst|ist|jst|hkt|sgt|z)(?![a-z0-9'])")
_JOINED = re.compile(
    r"[ ,]*(?:(?P<limit>till|until|from|starting|beginning|between|through|except"
    r"|从|到|至|直到|除了)"
    r"|(?P<more>and|or|-|–|—|~|和|或|、)|(?P<to>to))(?: +at)? *(?P<digit>[0-9])?"
)


def read_phrase(text: str, at: int, today: date) -> Phrase | None:
    """Read the time that begins at `at` of a folded text; None where none does.

    Raises UnclearTime for what is a time without doubt, and impossible or open to two readings.
    """
    for read in (_cron, _instant, _wait, _repeat, _every, _day, _clock):
        if phrase := read(text, at, today):
            return phrase
    return None


def _cron(text: str, at: int, today: date) -> Phrase | None:
    if found := _CRON.match(text, at):
        return Phrase(end=found.end(), expression=found["expression"].strip())
    if _UNQUOTED.match(text, at):
        raise unclear(_('Put the cron expression in quotes: cron "0 9 * * 1-5" stand-up.'))
    return None


def _instant(text: str, at: int, today: date) -> Phrase | None:
    if not (found := _INSTANT.match(text, at)):
        return None
    said = found["instant"].replace("t", " ") + found["offset"].upper()
    try:
        return Phrase(end=found.end(), instant=datetime.fromisoformat(said))
    except ValueError:
        raise no_such_date(found[0]) from None


def _wait(text: str, at: int, today: date) -> Phrase | None:
    for language in _LANGUAGES:
        if found := language.read_wait(text, at):
            span, end = found
            clock = _clock_after(text, end) if not span.seconds else None
            return Phrase(end=clock[1] if clock else end, wait=span, clock=clock and clock[0])
    return None


def _repeat(text: str, at: int, today: date) -> Phrase | None:
    for language in _LANGUAGES:
        if found := language.read_repeat(text, at):
            repeat, end = found
            clock = _clock_after(text, end)
            return Phrase(end=clock[1] if clock else end, repeat=repeat, clock=clock and clock[0])
    return None


def _every(text: str, at: int, today: date) -> Phrase | None:
    for language in _LANGUAGES:
        if found := language.read_every(text, at):
            return Phrase(end=found[1], every=found[0])
    return None


def _day(text: str, at: int, today: date) -> Phrase | None:
    for language in _LANGUAGES:
        if found := language.read_day(text, at, today):
            day, end = found
            clock = _clock_after(text, end)
            return Phrase(end=clock[1] if clock else end, day=day, clock=clock and clock[0])
    return None


def _clock_after(text: str, at: int) -> tuple[Clock, int] | None:
    glue = _GLUE.match(text, at)
    return read_clock(text, glue.end() if glue else at)


def _clock(text: str, at: int, today: date) -> Phrase | None:
    """Read a time of day, and the day or repetition after it: `at 9 on friday`."""
    if not (found := read_clock(text, at)):
        return None
    clock, end = found
    phrase = Phrase(end=end, clock=clock)
    after = re.compile(" *,? *").match(text, end)
    place = after.end() if after else end
    if _SPOKEN_LATE.match(text, place) and not _is_end(text, place):
        return phrase  # `at 9 weekly report`
    if repeat := when_english.read_repeat(text, place):
        return replace(phrase, end=repeat[1], repeat=repeat[0])
    if day := when_english.read_day(text, place, today):
        if not (_SURE_DAY.match(text, place) or not text[day[1] :].strip(" .!?,;")):
            raise two_times(text[at:end], text[place : day[1]])
        return replace(phrase, end=day[1], day=day[0])
    return phrase


def _is_end(text: str, at: int) -> bool:
    return not text[at:].strip(" .!?,;").strip("abcdefghijklmnopqrstuvwxyz")


def two_times(first: str, second: str) -> UnclearTime:
    return unclear(
        _("There are two times here, “%(first)s” and “%(second)s”. Say one, before the text.")
        % {"first": shown(first), "second": shown(second)}
    )


def check_rest(text: str, start: int, phrase: Phrase, today: date, zone: str) -> None:
    """Raise UnclearTime if what follows a time at the beginning changes what it means."""
    if phrase.clock and _ZONES.match(text, phrase.end):
        raise unclear(
            _("Times are read in %(zone)s. For another zone, say 2026-12-24T18:00+01:00.")
            % {"zone": zone}
        )
    said, place = text[start : phrase.end], phrase.end
    joined = _JOINED.match(text, place)
    if joined and joined["to"] and not phrase.clock:
        joined = None
    if joined:
        place = joined.end() - len(joined["digit"] or "")
    else:
        place += len(text[place:]) - len(text[place:].lstrip(" ,"))
    second = _second(text, place, today)
    is_limit = bool(joined and joined["limit"])
    if second and (second.is_complete or (is_limit and phrase.repeats)):
        raise two_times(said, text[place : second.end])
    if joined and joined["digit"] and (joined[0].isascii()):
        raise two_times(said, text[phrase.end : phrase.end + 20])


def _second(text: str, at: int, today: date) -> Phrase | None:
    try:
        return read_phrase(text, at, today)
    except UnclearTime:
        return None  # a text may begin with what is no time: `weekly report`


def find_at_end(text: str, first: int, today: date, *, longest: int) -> tuple[int, Phrase] | None:
    """Return the time that ends a folded text, with its place; UnclearTime if there is another."""
    end = len(text.rstrip(" .!?,;~…。"))
    other, error = "", None
    for at in range(max(first, end - longest, 0), end):
        if (at and at != first and text[at - 1] not in " ,;、。…") or text[at] in " ,;、。…":
            continue
        try:
            phrase = read_phrase(text, at, today)
        except UnclearTime as unclear_time:
            error = error or unclear_time
            continue
        if phrase and phrase.end >= end:
            if other:
                raise two_times(other, text[at : phrase.end])
            return at, phrase
        if phrase and phrase.is_complete:
            other = text[at : phrase.end]
    if error:
        raise error
    return None
