"""Composing: one reply out of all that waits for a follower, as much of it as one can carry."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from wechat.splitting import LEAST_LIMIT, byte_length, end_of_part

_GAP = "\n\n"
_BLANK_LINES = re.compile(r"(?:[^\S\n]*\n)*")


@dataclass(frozen=True, slots=True)
class Pending:
    """A message that waits: its plain text, and how many characters of it went out before."""

    pk: int
    text: str
    position: int = 0
    #: When it was said, if nobody asked for it: it is shown with that time.
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """A message of which a reply carries the text up to `position`, as characters of the whole."""

    pk: int
    position: int
    is_whole: bool


@dataclass(frozen=True, slots=True)
class Composed:
    """A reply and what it carries, in order; a message that is not named in it waits untouched.

    `text` is "" if all that was taken is blank.
    """

    text: str
    taken: list[Taken]


def compose(
    pending: Sequence[Pending], limit: int, *, hint: str, now: datetime, zone: tzinfo
) -> Composed:
    """Return the reply, of at most `limit` bytes, that carries the first of what waits.

    Messages are joined by empty lines. A message that one reply can carry whole is not broken,
    a longer one goes on with the next reply; if anything remains, `hint` says so at the end, ""
    for no word of it. What was said unasked begins with its time in `zone`, and with the date if
    that is not the day of `now`.

    Every reply gets further: if something is pending, at least one message is taken to its end
    or a character more of it. Over successive calls each character is taken once; only blank
    lines around a cut are not shown. Limits below about 100 bytes may cost hint or time.
    """
    pieces = [_Piece(one, now, zone) for one in pending]
    whole = _join([piece.whole for piece in pieces])
    if byte_length(whole) <= limit:
        return Composed(whole, [piece.taken_whole() for piece in pieces])
    room = limit - byte_length(_GAP + hint) if hint else limit
    if room < _least_room(limit):
        hint, room = "", limit
    shown, taken = _fill(pieces, room)
    is_all = len(taken) == len(pieces) and taken[-1].is_whole
    return Composed(_join(shown if is_all else [*shown, hint]), taken)


def time_prefix(at: datetime, *, now: datetime, zone: tzinfo) -> str:
    """Return what stands before a message that was said at another time: "[09:00] "."""
    then, today = at.astimezone(zone), now.astimezone(zone)
    if then.date() == today.date():
        return f"[{then:%H:%M}] "
    if then.year == today.year:
        return f"[{then:%m-%d %H:%M}] "
    return f"[{then:%Y-%m-%d %H:%M}] "


def _least_room(limit: int) -> int:
    """Return how much of a reply must be left for messages, whatever else is said in it."""
    return max(limit // 2, LEAST_LIMIT)


def _join(texts: Sequence[str]) -> str:
    return _GAP.join(text for text in texts if text)


class _Piece:
    """What is left of a message, as it is shown."""

    def __init__(self, message: Pending, now: datetime, zone: tzinfo) -> None:
        self._message = message
        self._begin = _behind_blank_lines(message.text, message.position)
        at = message.at if message.position == 0 else None
        self._prefix = time_prefix(at, now=now, zone=zone) if at else ""
        rest = message.text[self._begin :].rstrip()
        self.whole = self._prefix + rest if rest else ""

    def taken_whole(self) -> Taken:
        end = max(len(self._message.text), self._message.position)
        return Taken(self._message.pk, end, is_whole=True)

    def part(self, room: int) -> tuple[str, Taken]:
        """Return as much as fits into `room` bytes, for a message that does not fit whole."""
        text, prefix = self._message.text, self._prefix
        if room - byte_length(prefix) < _least_room(room):
            prefix = ""
        end = end_of_part(text, room - byte_length(prefix), self._begin)
        shown = text[self._begin : end].rstrip()
        if not text[end:].strip():
            return prefix + shown if shown else "", self.taken_whole()
        return prefix + shown if shown else "", Taken(self._message.pk, end, is_whole=False)


def _fill(pieces: Sequence[_Piece], room: int) -> tuple[list[str], list[Taken]]:
    """Return the first of the pieces, up to `room` bytes, and what was taken of them."""
    shown: list[str] = []
    taken: list[Taken] = []
    for piece in pieces:
        left = room - byte_length(_join([*shown, "x"])) + 1
        size = byte_length(piece.whole)
        if size <= left:
            shown += [piece.whole] if piece.whole else []
            taken.append(piece.taken_whole())
            continue
        # A message is broken only if none before it is shown, or if it would be in any case, and
        # then not for a few words.
        if not shown or (size > room and left >= max(room // 4, LEAST_LIMIT)):
            text, part = piece.part(left)
            shown.append(text)
            taken.append(part)
        break
    return shown, taken


def _behind_blank_lines(text: str, position: int) -> int:
    match = _BLANK_LINES.match(text, position)
    return match.end() if match else position
