"""Turns runs and fire times into marks at percentages of the timeline's width."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduling.admin_run_texts import state_text
from scheduling.admin_timeline_rows import QUARTER, Ahead, Bucket
from scheduling.states import RunState

DAY = timedelta(days=1)


@dataclass(frozen=True)
class Scale:
    """Two ends in time, drawn from left to right."""

    start: datetime
    end: datetime

    def percent(self, moment: datetime) -> float:
        share = (moment - self.start) / (self.end - self.start)
        return round(min(max(share, 0), 1) * 100, 3)


def past_marks(buckets: Sequence[Bucket], scale: Scale) -> list[dict[str, Any]]:
    """Return a mark for each single run, and bars for quarter hours with several.

    A bar looks like most of its runs; failures among others are marked upon it. Bars that look
    alike and touch are joined, so that a schedule of every second is one bar.
    """
    marks: list[dict[str, Any]] = []
    failures: list[dict[str, Any]] = []
    for bucket in buckets:
        if bucket.number > bucket.states.get(RunState.FAILED, 0) > 0:
            failures.append(_failures(bucket, scale))
        mark = _single(bucket, scale) if bucket.number == 1 else _bar(bucket, scale)
        last = marks[-1] if marks else None
        if last and _look(last) == _look(mark) and abs(last["end"] - mark["x"]) < 0.01:
            last["end"] = mark["end"]
            last["buckets"].append(bucket)
        else:
            marks.append(mark | {"buckets": [bucket]})
    for mark in marks:
        mark["text"] = _past_text(mark.pop("buckets"))
        mark["width"] = round(mark["end"] - mark["x"], 3)
    return marks + failures


def _look(mark: dict[str, Any]) -> tuple[Any, ...]:
    # Single runs are never joined: each has its place.
    return (mark["is_bar"], mark["state"], mark["height"], None if mark["is_bar"] else mark["x"])


def _single(bucket: Bucket, scale: Scale) -> dict[str, Any]:
    (state,) = bucket.states
    x = scale.percent(bucket.first)
    return {"is_bar": False, "state": state, "x": x, "end": x, "height": 0, "y": 0}


def _failures(bucket: Bucket, scale: Scale) -> dict[str, Any]:
    state = RunState.FAILED.value
    x = scale.percent(bucket.start + QUARTER / 2)
    return {"is_bar": False, "state": state, "x": x, "text": _past_text([bucket])}


def _bar(bucket: Bucket, scale: Scale) -> dict[str, Any]:
    state = max(bucket.states, key=lambda each: bucket.states[each])
    x, end = scale.percent(bucket.start), scale.percent(bucket.start + QUARTER)
    return {"is_bar": True, "state": state, "x": x, "end": end} | _size(bucket.number)


def _size(number: int) -> dict[str, int]:
    """Return the height of a bar in pixels, by powers of four, and its upper edge."""
    height = min(6 + 3 * int(math.log(max(number, 1), 4)), 20)
    return {"height": height, "y": 24 - height}


def ahead_marks(ahead: Ahead, scale: Scale) -> list[dict[str, Any]]:
    marks = [
        {"is_bar": False, "state": "next", "x": scale.percent(each), "text": _clock(each)}
        for each in ahead.moments
    ]
    for first, last in _joined(ahead.quarters):
        x, end = scale.percent(first), scale.percent(last)
        text = _("%(from)s–%(to)s: about %(number)d in a quarter of an hour") % {
            "from": _clock(first),
            "to": _clock(last),
            "number": ahead.per_quarter,
        }
        bar = {"is_bar": True, "state": "next", "x": x, "width": round(end - x, 3), "text": text}
        marks.append(bar | _size(ahead.per_quarter))
    return marks


def _joined(quarters: Sequence[datetime]) -> Iterator[tuple[datetime, datetime]]:
    """Yield (start, end) of runs of quarter hours without a gap."""
    start = end = None
    for quarter in quarters:
        if end is not None and start is not None and quarter > end:
            yield start, end
            start = None
        start = start or quarter
        # The first may begin at any moment, the others on the quarter.
        end = quarter + QUARTER - timedelta(seconds=quarter.timestamp() % 900)
    if start is not None and end is not None:
        yield start, end


def _past_text(buckets: Sequence[Bucket]) -> str:
    states: dict[str, int] = {}
    for bucket in buckets:
        for state, number in bucket.states.items():
            states[state] = states.get(state, 0) + number
    if sum(states.values()) == 1:
        return f"{_clock(buckets[0].first)} · {state_text(next(iter(states)))}"
    told = ", ".join(f"{number} {state_text(state)}" for state, number in states.items())
    span = f"{_clock(buckets[0].start)}–{_clock(buckets[-1].start + QUARTER)}"
    return f"{span} · {told}"


def _clock(moment: datetime) -> str:
    local = localtime(moment)
    return f"{local:%H:%M:%S}" if local.second else f"{local:%H:%M}"


def row_text(past: Sequence[Bucket], ahead: Ahead) -> str:
    """Return a row in words, for those who do not see it."""
    number = sum(bucket.number for bucket in past)
    failed = sum(bucket.states.get(RunState.FAILED, 0) for bucket in past)
    parts = [ngettext("%(n)d run", "%(n)d runs", number) % {"n": number}]
    if failed:
        parts.append(ngettext("%(n)d failed", "%(n)d failed", failed) % {"n": failed})
    if ahead.moments or ahead.quarters:
        upcoming = _clock((ahead.moments or ahead.quarters)[0])
        parts.append(_("next at %(time)s") % {"time": upcoming})
    return ", ".join(parts)


def hours(scale: Scale) -> list[dict[str, Any]]:
    """Return the lines of every third full hour of the reader's zone."""
    moment = localtime(scale.start).replace(minute=0, second=0, microsecond=0)
    lines = []
    while moment <= scale.end:
        local = localtime(moment)
        if moment >= scale.start and local.hour % 3 == 0:
            is_midnight = local.hour == 0
            text = f"{local:%m-%d}" if is_midnight else f"{local:%H:%M}"
            lines.append({"x": scale.percent(moment), "text": text, "is_midnight": is_midnight})
        moment = localtime(moment + timedelta(hours=1))
    return lines
