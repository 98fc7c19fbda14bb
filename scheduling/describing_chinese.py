"""Puts triggers and distances in time into Simplified Chinese for people who read schedules."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, time

from scheduling.describing_cron import (
    DaysOfMonth,
    DaysOfWeek,
    Fields,
    Meaning,
    Repeating,
    Shape,
    Span,
    Times,
    Values,
    month_run,
    pieces,
    weekday_run,
)

WEEKDAYS = ("周日", "周一", "周二", "周三", "周四", "周五", "周六")
NTH = {1: "第一个", 2: "第二个", 3: "第三个", 4: "第四个", 5: "第五个", -1: "最后一个"}
NOTES = {"leap": "（仅闰年）", "short": "（没有该日的月份除外）"}
AMOUNTS = {"year": "年", "day": "天", "hour": "小时", "minute": "分钟", "second": "秒"}
NOW = "现在"


def once(moment: str) -> str:
    return f"仅一次：{moment}"


def interval(amounts: Sequence[tuple[str, str]]) -> str:
    return _every(*amounts[0]) if len(amounts) == 1 else f"每 {_amounts(amounts)}"


def bounds(start: str | None, end: str | None) -> str:
    """Return what follows a rule that begins or ends, with its comma."""
    words = [f"从 {start} 起"] * (start is not None) + [f"到 {end} 止"] * (end is not None)
    return f"，{'，'.join(words)}"


def in_zone(zone: str) -> str:
    return f"（{zone}）"


def moment(local: datetime) -> str:
    return f"{local.year} 年 {local.month} 月 {local.day} 日 {clock(local.time())}"


def clock(at: time, with_seconds: bool = False) -> str:
    return f"{at:%H:%M:%S}" if with_seconds or at.second else f"{at:%H:%M}"


def distance(amounts: Sequence[tuple[str, str]], *, ahead: bool, about: bool) -> str:
    """Return "3 分钟后" or "1 小时 20 分钟前"."""
    words = f"{'约 ' if about else ''}{_amounts(amounts)}"
    return f"{words}后" if ahead else f"{words}前"


def _amounts(amounts: Sequence[tuple[str, str]]) -> str:
    return " ".join(f"{number} {AMOUNTS[unit]}" for number, unit in amounts)


def _every(number: str, unit: str) -> str:
    return f"每{AMOUNTS[unit]}" if number == "1" else f"每 {number} {AMOUNTS[unit]}"


def cron(meaning: Meaning) -> str:
    """Return days, then times: "周一至周五 09:00"."""
    shape = meaning.shape
    goes_on = isinstance(shape, Repeating) and not shape.spans
    goes_on = goes_on or (isinstance(shape, Fields) and len(shape.hours) == 24)
    if goes_on and meaning.every_day and meaning.every_month:
        return _shape(shape)
    days = _days(meaning)
    if isinstance(shape, Fields) or goes_on:
        return f"{days}，{_shape(shape)}"
    return f"{days}{'' if days.endswith('）') else ' '}{_shape(shape)}"


# -- times -----------------------------------------------------------------------------------------


def _shape(shape: Shape) -> str:
    if isinstance(shape, Times):
        return "、".join(clock(each, shape.with_seconds) for each in shape.times)
    if isinstance(shape, Fields):
        return _fields(shape)
    if shape.spans:
        spans = _spans(shape.spans, shape.with_seconds)
        return f"{spans}，{_every(str(shape.step), shape.unit)}一次"
    if (shape.step, shape.unit) == (1, "hour"):
        return "每小时整点"
    return _every(str(shape.step), shape.unit)


def _spans(spans: Sequence[Span], with_seconds: bool = False) -> str:
    return "、".join(f"{clock(a, with_seconds)} 至 {clock(b, with_seconds)}" for a, b in spans)


def _fields(shape: Fields) -> str:
    every_minute = len(shape.minutes) == 60
    if every_minute and len(shape.hours) == 24:
        minutes = "每分钟"
    elif every_minute and shape.hour_spans:
        minutes = f"{_spans(shape.hour_spans)} 每分钟"
    elif every_minute:
        minutes = f"{_hours(shape)}的每分钟"
    else:
        minutes = f"{_hours(shape)}的第 {_numbers(shape.minutes)} 分"
    if shape.seconds == (0,):
        return minutes
    if len(shape.seconds) == 60:
        return f"{minutes}的每一秒"
    return f"{minutes}的第 {_numbers(shape.seconds)} 秒"


def _hours(shape: Fields) -> str:
    if len(shape.hours) == 24:
        return "每小时"
    if shape.hour_spans:
        return f"{_spans(shape.hour_spans)} 每小时"
    return f"{_numbers(shape.hours)} 时"


def _numbers(values: Values, unit: str = "") -> str:
    """Return "5", "0 至 5、7", "0、7、…、56"; a unit follows each number it belongs to."""
    texts = []
    for part in pieces(values):
        first, last = f"{part.first}{unit}", f"{part.last}{unit}"
        if part.step > 1:
            texts += [first, f"{part.first + part.step}{unit}", "…", last]
        else:
            texts.append(f"{first}{'' if unit else ' '}至 {last}" if part.step else first)
    return "、".join(texts)


# -- days ------------------------------------------------------------------------------------------


def _days(meaning: Meaning) -> str:
    if meaning.every_day:
        return "每天" if meaning.every_month else f"{_months(meaning.months)}的每一天"
    if meaning.weekdays is None:
        return _on_days(meaning.days, meaning.months)
    if meaning.days is None:
        return _on_weekdays(meaning.weekdays, meaning.months)
    days = _on_days(meaning.days, meaning.months)
    if meaning.both_must_match:
        return f"{days}（仅限{_bare_weekdays(meaning.weekdays)}）"
    return f"{days}以及{_on_weekdays(meaning.weekdays, meaning.months)}"


def _months(months: Values) -> str:
    if len(months) == 12:
        return "每月"
    if run := month_run(months):
        return f"每年 {run[0]} 月至{'次年 ' if run[1] < run[0] else ' '}{run[1]} 月"
    return f"每年 {_numbers_listed(months, ' 月')}"


def _numbers_listed(values: Values, unit: str) -> str:
    return "、".join(f"{value}{unit}" for value in values)


def _on_days(days: DaysOfMonth | None, months: Values) -> str:
    if days is None:
        return ""
    names = [_numbers(days.numbers, " 日")] if days.numbers else []
    names += ["最后一天"] * days.last + ["最后一个工作日（周一至周五）"] * days.last_working
    listed = "和".join(names)
    note = NOTES[days.missing] if days.missing else ""
    if len(months) in (1, 12):
        return f"{_months(months)}{' ' if listed[0].isdigit() else ''}{listed}{note}"
    return f"{_months(months)}的{' ' if listed[0].isdigit() else ''}{listed}{note}"


def _on_weekdays(days: DaysOfWeek, months: Values) -> str:
    every_month = len(months) == 12
    parts = []
    if days.weekdays:
        plain = _bare_weekdays(DaysOfWeek(days.weekdays, ()))
        plain = plain if weekday_run(days.weekdays) else f"每{plain}"
        parts.append(plain if every_month else f"{_months(months)}的{plain}")
    if days.nth:
        nth = _bare_weekdays(DaysOfWeek((), days.nth)).removeprefix("当月")
        of = "" if len(months) in (1, 12) else "的"
        parts.append(f"{_months(months)}{of}{nth}")
    return "以及".join(parts)


def _bare_weekdays(days: DaysOfWeek) -> str:
    """Return the weekdays that a given day may be, without saying how often they come."""
    parts = []
    if run := weekday_run(days.weekdays):
        parts.append(f"{WEEKDAYS[run[0]]}至{WEEKDAYS[run[1]]}")
    elif days.weekdays:
        parts.append("、".join(WEEKDAYS[day] for day in days.weekdays))
    if days.nth:
        names = "、".join(f"{NTH[number]}{WEEKDAYS[day]}" for day, number in days.nth)
        rare = any(number == 5 for _, number in days.nth)
        parts.append(f"当月{names}{'（如有）' if rare else ''}")
    return "或".join(parts)
