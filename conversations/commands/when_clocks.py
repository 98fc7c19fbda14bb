"""Reads times of day, in both languages: `at 6:30 pm`, `half past six`, `下午3点半`, `18:30`."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext as _

from conversations.commands.numbers import CHINESE, HOUR_WORDS, whole
from conversations.commands.when_phrases import Clock, UnclearTime, shown, too_far, unclear

_CHINESE_PARTS = {
    "凌晨": "dawn",
    "清晨": "morning",
    "早晨": "morning",
    "早上": "morning",
    "早": "morning",
    "上午": "am",
    "中午": "noon",
    "下午": "afternoon",
    "午后": "afternoon",
    "傍晚": "dusk",
    "晚上": "evening",
    "晚": "evening",
}
_AFTERNOON = {hour: hour + 12 for hour in range(1, 12)} | {hour: hour for hour in range(12, 24)}
# What hours may be said with a part of the day, and what they mean; 24 is the end of that day.
_HOURS = {
    "": {hour: hour for hour in range(25)},
    "am": {hour: hour for hour in range(1, 12)},
    "12am": {hour: hour % 12 for hour in range(1, 13)},
    "pm": _AFTERNOON,
    "dawn": {hour: hour for hour in range(7)} | {12: 0},
    "morning": {hour: hour for hour in range(1, 12)},
    "noon": {1: 13, 2: 14, 11: 11, 12: 12, 13: 13, 14: 14},
    "afternoon": _AFTERNOON,
    "dusk": {hour % 12: hour for hour in range(16, 21)} | {hour: hour for hour in range(16, 21)},
    "evening": {hour: hour + 12 for hour in range(5, 12)}
    | {hour: hour for hour in range(17, 25)}
    | {0: 24, 12: 24},
}
_ENGLISH_PARTS = {"morning": "morning", "afternoon": "afternoon", "evening": "evening"}
_ENGLISH_PARTS |= {"night": "evening"}

_ENGLISH = re.compile(
    rf"""(?P<at>(?:at|@)\ *)?(?:
      (?P<name>noon|midday|midnight)
    | (?P<share>half|quarter)\ +(?P<side>past|to)\ +(?P<near>[0-9]{{1,2}}|{HOUR_WORDS})
    | (?P<hour>[0-9]{{1,2}})(?::(?P<minute>[0-9]{{2}})(?::(?P<second>[0-9]{{2}}))?)?
    | (?P<word>{HOUR_WORDS})
    )(?:\ *(?P<half>[ap])(?:m|\.m\.)|\ +(?P<clock>o'?clock))?
    (?:\ +(?:in\ +the\ +(?P<part>morning|afternoon|evening)|at\ +(?P<night>night)))?
    (?![a-z0-9'%°€$£¥]|[:.,/+-][0-9]|\ *(?:-|–|—|~)\ *[0-9])""",
    re.VERBOSE,
)
# `at 5 minutes` is a length of time, and `at 9 30` may be half past nine.
_LENGTH = re.compile(
    r" +[0-5][0-9](?: |$)| *(?:(?:s|sec|m|min|h|hr|d|w|hour|day|week|month|year|minute|second)s?)\b"
)
# What is counted makes `30` in `9点30人开会` part of the text.
_COUNTED = "[个位名人件次杯公斤元块天小秒页米瓶条张份台]"
_CHINESE = re.compile(
    rf"""(?P<part>{"|".join(_CHINESE_PARTS)})?的?\ *(?:
      (?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{2}})(?::(?P<second>[0-9]{{2}}))?(?![0-9:])
    | (?P<spoken>[0-9]{{1,2}}|{CHINESE})\ *(?:点钟|点整|点|时(?![间候期代常节]))(?:
        (?P<half>半)(?![个天小年月]) | (?P<quarter>[一三])刻
      | \ *(?P<minutes>[0-9]{{1,2}}|{CHINESE})\ *分(?![钟之])
        (?:(?P<seconds>[0-9]{{1,2}}|{CHINESE})秒)?
      | (?P<bare>[0-5][0-9]|[二三四五]?十[一二三四五六七八九]?|零[一二三四五六七八九])
        (?!{_COUNTED}|[0-9分点])
      )?(?![0-9]+(?!{_COUNTED}|[0-9])|\ +[0-5][0-9](?:\ |$)|差[0-9一二两三四五十])
    )(?!(?:之|以)?[前后](?![端勤台院卫排])|左右)""",
    re.VERBOSE,
)
_NOON = re.compile(
    r"(?:(?P<noon>中午|正午)(?![饭餐前后觉休])|(?P<midnight>午夜)(?![前后场]))(?! *[0-9])"
)


def read_clock(text: str, at: int) -> tuple[Clock, int] | None:
    """Return the time of day at `at`, and where it ends; raises UnclearTime if it is none.

    A plain number counts only after `at`.
    """
    found = _CHINESE.match(text, at)
    if found:
        return _chinese(found), found.end()
    if named := _NOON.match(text, at):
        is_noon = bool(named["noon"])
        return Clock(12 if is_noon else 24, said=named[0], part="" if is_noon else "midnight"), (
            named.end()
        )
    found = _ENGLISH.match(text, at)
    return (_english(found), found.end()) if found and _is_clock(found) else None


def _is_clock(found: re.Match[str]) -> bool:
    told = ("at", "name", "minute", "half", "clock", "part", "night", "share")
    if not any(found[name] for name in told):
        return False
    plain = not any(found[name] for name in told[1:])
    return not (plain and _LENGTH.match(found.string, found.end()))


def _english(found: re.Match[str]) -> Clock:
    if found["name"]:
        midnight = found["name"] == "midnight"
        return Clock(24 if midnight else 12, part="midnight" if midnight else "", said=found[0])
    part = _ENGLISH_PARTS.get(found["part"] or found["night"] or "", "")
    if found["half"]:
        part = {"a": "12am", "p": "pm"}[found["half"]]
    if found["share"]:
        minute = 30 if found["share"] == "half" else 15
        hour, back = whole(found["near"]), found["side"] == "to"
        clock = Clock(hour - back, 60 - minute if back else minute, 0, part, found[0])
        return _checked(clock)
    hour = whole(found["hour"] or found["word"])
    minute, second = int(found["minute"] or 0), int(found["second"] or 0)
    return _checked(Clock(hour, minute, second, part, found[0]))


def _chinese(found: re.Match[str]) -> Clock:
    part, said = _CHINESE_PARTS.get(found["part"] or "", ""), found[0]
    if found["hour"]:
        hour, minute = int(found["hour"]), int(found["minute"])
        return _checked(Clock(hour, minute, int(found["second"] or 0), part, said))
    minute = 30 if found["half"] else 0
    if found["quarter"]:
        minute = 15 * whole(found["quarter"])
    elif found["minutes"] or found["bare"]:
        minute = whole(found["minutes"] or found["bare"])
    second = whole(found["seconds"]) if found["seconds"] else 0
    return _checked(Clock(whole(found["spoken"]), minute, second, part, said))


def _checked(clock: Clock) -> Clock:
    """Return `clock` if there is such a time of day; raises UnclearTime if not."""
    clock_hour = _HOURS[clock.part].get(clock.hour)
    is_time = 0 <= clock.minute < 60 and 0 <= clock.second < 60
    if clock.part == "" and clock.hour == 24:
        is_time = clock.minute == clock.second == 0
    if clock_hour is None or not is_time:
        raise not_a_time(clock.said)
    return clock


def not_a_time(said: str) -> UnclearTime:
    return unclear(_("“%(said)s” is not a time of day.") % {"said": shown(said.strip())})


def hour_of(clock: Clock, part: str = "", *, dated: bool = False) -> int:
    """Return the hour that is meant, 0 to 24, on a day of which `part` was said (`tonight`).

    Raises UnclearTime for `tonight at 9 am`, and for a midnight that may begin or end the day
    that was said, which `dated` tells.
    """
    if clock.part == "midnight":
        if dated and part != "evening":
            raise unclear(
                _("Midnight at the start or at the end of that day? Say 0:00 or 24:00 instead.")
            )
        return 24
    hour = _HOURS[clock.part or part].get(clock.hour)
    if hour is None or (part and hour not in _HOURS[part].values()):
        raise not_a_time(clock.said)
    return hour


def on_date(day: date, clock: Clock, part: str = "", *, dated: bool = True) -> datetime:
    """Return the local date and time, without a zone; raises UnclearTime past the last year."""
    hour = hour_of(clock, part, dated=dated)
    try:
        day += timedelta(days=hour // 24)
    except OverflowError:
        raise too_far() from None
    return datetime.combine(day, time(hour % 24, clock.minute, clock.second))
