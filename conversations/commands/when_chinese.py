"""Reads the Chinese forms of waits, repetitions and days: `半小时后`, `每周一三五`, `后天`."""

from __future__ import annotations

import re
from datetime import date, timedelta
from fractions import Fraction

from django.utils.translation import gettext as _

from conversations.commands.numbers import CHINESE_NUMBER, number, whole
from conversations.commands.when_days import (
    coming_weekday,
    day_of_month,
    in_month,
    on_date_of_year,
    weekday_checked,
    weekday_in,
)
from conversations.commands.when_phrases import Day, Repeat, Span, no_day, times, unclear

_UNITS = {
    "years": ("年", Span(months=Fraction(12))),
    "months": ("个月", Span(months=Fraction(1))),
    "weeks": ("周|个?星期|个?礼拜", Span(days=Fraction(7))),
    "days": ("天|日", Span(days=Fraction(1))),
    "hours": ("个?小时|个?钟头", Span(seconds=Fraction(3600))),
    "quarters": ("刻钟", Span(seconds=Fraction(900))),
    "minutes": ("分钟?", Span(seconds=Fraction(60))),
    "seconds": ("秒钟?", Span(seconds=Fraction(1))),
}
_ORDER = list(_UNITS)
_NAMED = "|".join(f"(?P<{name}>{pattern})" for name, (pattern, _) in _UNITS.items())
_PIECE = re.compile(
    rf"(?P<number>{CHINESE_NUMBER}) *(?P<half>个半)? *(?:{_NAMED})"
    rf"(?P<more>半(?![个小年天]))?"
)
_JOINT = re.compile(" *[零又]? *")
_LATER = re.compile(" *(?:之|以)?后(?!天(?!气))")
_PAST = re.compile("再?过 *")
_EVERY = re.compile(r"每(?P<gap>隔|过)? *(?:(?P<one>个?小时|个?钟头|分钟|秒钟?)|(?=[^ ]))")
_ONCE = re.compile(" *一次")

_WEEK = "(?:周|星期|礼拜)"
_DAYS = "一二三四五六日天"
_AND, _TO = "[、,和及与]", "[到至~-]"
# `每周一三点` is Monday at three: a further day is none where a time of day begins.
_FURTHER = rf"(?!(?:二?十[一二三四五六七八九]?|[零一二两三四五六七八九]) *[点时])[{_DAYS}]"
_ONE = rf"(?:[{_DAYS}](?!次)|[1-7](?![0-9:点时次]))"
_SET = rf"{_ONE}(?:(?: *{_AND} *{_WEEK}?| *{_TO} *{_WEEK}?|{_WEEK}){_ONE}|{_FURTHER})*"
_DAY_NUMBER = "(?:[0-9]{1,2}|[一二三四五六七八九十]{1,3})"

_DAILY = re.compile("(?:每 *[一1]?(?:天|日)(?:的)?|天天|每(?=早|晚|上午|中午|下午|傍晚|凌晨))")
_WORKDAYS = re.compile("(?:每个?|每逢)?工作日(?:的?每天|的)?")
_WEEKENDS = re.compile("(?:每个?|每逢)周末(?:的)?|周末每天")
_WEEKLY = re.compile(
    rf"(?:每个?|每逢){_WEEK}(?P<days>{_SET})"
    rf"|{_WEEK}(?P<range>[{_DAYS}]{_TO}{_WEEK}?[{_DAYS}])(?:的?每天|的)?"
)
_MONTHLY = re.compile(
    rf"每个?月的? *(?:(?P<last>最后[一1]天)"
    rf"|(?P<days>{_DAY_NUMBER}[号日]?(?: *{_AND} *{_DAY_NUMBER}[号日]?)*)(?<=[号日]))"
)
_YEARLY = re.compile(rf"每年的?(?P<month>{_DAY_NUMBER})月(?P<day>{_DAY_NUMBER})[号日]")
_NO_DAY = re.compile(rf"每个?(?:{_WEEK}|月|年)|下个?(?:{_WEEK}(?!末)|月)|[这本下]?个?周末")

_RELATIVE = re.compile("(?P<day>大后天|[前昨今明后]天|[今明昨]日|[今明](?=早|晚))")
_RELATIVE_DAYS = {"前": -2, "昨": -1, "今": 0, "明": 1, "后": 2, "大": 3}
_WEEKDAY = re.compile(rf"(?P<which>这个?|本|下下个?|下个?|上个?)?{_WEEK}(?P<day>{_ONE})")
_WEEKS = {"": None, "这": 0, "本": 0, "下": 1, "下下": 2, "上": -1}
_DATE = re.compile(
    rf"(?:(?P<year>[0-9]{{4}}|[零〇一二三四五六七八九]{{4}}|[今明后])年)?的?"
    rf"(?P<month>{_DAY_NUMBER})月(?P<day>{_DAY_NUMBER})(?:[日号]|(?![0-9:.]))"
    rf"(?: *\(? *{_WEEK}(?P<weekday>[{_DAYS}]) *\)?)?"
)
_NUMBER = re.compile(
    rf"(?P<which>这个?月|本月|下个?月)?的? *(?P<day>{_DAY_NUMBER})[号日](?![楼线店门桌院馆厅车机])"
)


def read_wait(text: str, at: int) -> tuple[Span, int] | None:
    """Read `10分钟后`, `一个半小时之后`, `过10分钟`."""
    past = _PAST.match(text, at)
    found = _read_span(text, past.end() if past else at)
    if found is None:
        return None
    later = _LATER.match(text, found[1])
    if later:
        return found[0], later.end()
    return found if past else None


def _read_span(text: str, at: int) -> tuple[Span, int] | None:
    """Read lengths from the longest unit to the shortest, of which each is there once."""
    total, end, last = Span(), at, -1
    while piece := _PIECE.match(text, at):
        unit = _unit_of(piece)
        amount = number(piece["number"])
        if amount is None or _ORDER.index(unit) <= last:
            break
        if amount == Fraction(1, 2) and unit in ("days", "weeks"):
            return None  # 半天 is any part of a day
        last = _ORDER.index(unit)
        half = Fraction(1, 2) if piece["half"] or piece["more"] else Fraction(0)
        total += times(_UNITS[unit][1], amount + half)
        end = piece.end()
        joint = _JOINT.match(text, end)
        at = joint.end() if joint else end
    return (total, end) if last >= 0 else None


def _unit_of(found: re.Match[str]) -> str:
    return next(name for name in _ORDER if found[name])


def read_every(text: str, at: int) -> tuple[Span, int] | None:
    """Read `每2小时`, `每隔半小时`, `每分钟一次`; raises UnclearTime for `每隔一天`."""
    if not (found := _EVERY.match(text, at)):
        return None
    if found["one"]:
        unit = {"小": "hours", "钟": "hours", "分": "minutes", "秒": "seconds"}
        every, end = _UNITS[unit[found["one"].removeprefix("个")[0]]][1], found.end()
    elif span := _read_span(text, found.end()):
        every, end = span
    else:
        return None
    if found["gap"] and (every.days or every.months):
        raise unclear(_("“每隔一天” can be every day or every other day. Say 每天 or 每2天."))
    once = _ONCE.match(text, end)
    return every, once.end() if once else end


def read_repeat(text: str, at: int) -> tuple[Repeat, int] | None:
    """Read the days of a repetition; raises UnclearTime for `每周` without a day."""
    if found := _DAILY.match(text, at):
        return Repeat(), found.end()
    if found := _WORKDAYS.match(text, at):
        return Repeat(weekdays=(1, 2, 3, 4, 5)), found.end()
    if found := _WEEKENDS.match(text, at):
        return Repeat(weekdays=(0, 6)), found.end()
    if found := _WEEKLY.match(text, at):
        return Repeat(weekdays=_weekdays(found["days"] or found["range"])), found.end()
    if found := _MONTHLY.match(text, at):
        return Repeat(days=_month_days(found)), found.end()
    if found := _YEARLY.match(text, at):
        month, day = whole(found["month"]), whole(found["day"])
        on_date_of_year(month, day, date(2000, 1, 1), found[0])
        return Repeat(days=str(day), month=str(month)), found.end()
    if found := _NO_DAY.match(text, at):
        if read_day(text, at, date(2000, 1, 1)):
            return None
        raise no_day(found[0])
    return None


def _weekday_index(word: str) -> int:
    """Return Python's number of a weekday, Monday 0."""
    return int(word) - 1 if word.isascii() else min(_DAYS.index(word), 6)


def _weekdays(named: str) -> tuple[int, ...]:
    """Return cron's numbers of the weekdays in `一、三`, `一三五`, `一到周五`."""
    days: set[int] = set()
    words = re.findall(rf"[{_DAYS}1-7]|{_TO}", named)
    is_range, last = False, 0
    for word in words:
        if re.fullmatch(_TO, word):
            is_range = True
            continue
        day = _weekday_index(word)
        first = last if is_range else day
        days |= {(first + step + 1) % 7 for step in range((day - first) % 7 + 1)}
        is_range, last = False, day
    return tuple(sorted(days))


def _month_days(found: re.Match[str]) -> str:
    if found["last"]:
        return "L"
    return in_month([whole(day) for day in re.findall(_DAY_NUMBER, found["days"])], found[0])


def read_day(text: str, at: int, today: date) -> tuple[Day, int] | None:
    """Read `明天`, `下周一`, `12月24日`, `24号`; raises UnclearTime for 2月30日."""
    if found := _RELATIVE.match(text, at):
        days = _RELATIVE_DAYS[found["day"][0]]
        return Day((today + timedelta(days=days),)), found.end()
    if found := _WEEKDAY.match(text, at):
        weeks = _WEEKS[(found["which"] or "").removesuffix("个")]
        weekday = _weekday_index(found["day"])
        dates = coming_weekday(weekday, today)
        return Day(dates if weeks is None else weekday_in(weeks, weekday, today)), found.end()
    return _date(text, at, today) or _day_of_month(text, at, today)


def _date(text: str, at: int, today: date) -> tuple[Day, int] | None:
    if not (found := _DATE.match(text, at)):
        return None
    relative = {"今": today.year, "明": today.year + 1, "后": today.year + 2}
    said = found["year"]
    year = relative[said] if said in relative else whole(said) if said else None
    month, day = whole(found["month"]), whole(found["day"])
    dates = on_date_of_year(month, day, today, found[0], year=year)
    if found["weekday"]:
        dates = weekday_checked(dates, _weekday_index(found["weekday"]), today, found[0])
    return Day(dates), found.end()


def _day_of_month(text: str, at: int, today: date) -> tuple[Day, int] | None:
    if not (found := _NUMBER.match(text, at)):
        return None
    which = found["which"] or ""
    months = None if not which else int(which.startswith("下"))
    return Day(day_of_month(whole(found["day"]), today, found[0], months=months)), found.end()
