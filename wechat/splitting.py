"""Splitting: cuts what is said into messages that WeChat takes, where a reader would pause.

Limits are in bytes of UTF-8, as WeChat counts; positions are in characters, as Progress does.
"""

from __future__ import annotations

import re
import unicodedata

# A longer sequence than this in bytes does not exist: less room could hold up a text for ever.
LEAST_LIMIT = 4

# Where a text may be cut, the best first. Group 1 ends where a cut becomes possible, the whole
# match where it is best: behind the spaces, so that the next part begins with a word.
_BOUNDARIES = (
    re.compile(r"(\n[^\S\n]*\n)(?:[^\S\n]*\n)*"),
    re.compile(r"(\n)"),
    re.compile(
        r"([。！？…]++[”’」』）】》\"')\]]*+"
        # Not behind a number: `1. First` is no sentence, nor is `3.` of `3.5`.
        r"|(?:(?<![.!?\d])\.|(?<![.!?])[!?])[.!?]*+[”’\"')\]]*+(?=\s))\s*"
    ),
    re.compile(r"([\s，、：；])\s*"),
)
# A link as `plain_text` writes it: half of one would be shown as its source.
_LINK = re.compile(r'<a href="[^"<>\n]*">[^<]*</a>')

_ZERO_WIDTH_JOINER = "\u200d"
_VIRAMA = 9  # The combining class of signs that join two letters into one.
# What belongs to the character before it though Unicode's categories do not say so: zero-width
# joiners, halfwidth voice marks, skin tones, tags of flags, Thai and Lao AM (Unicode Standard
# Annex 29, "Grapheme_Cluster_Break", read 2026-11-22).
_EXTENDS = re.compile(
    "[\u200c\u200d\uff9e\uff9f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f\u0e33\u0eb3]"
)
_HANGUL_INITIAL = re.compile("[\u1100-\u115f\ua960-\ua97c]")
_HANGUL_LATER = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb]")
_HANGUL_SYLLABLE = re.compile("[\uac00-\ud7a3]")
# Signs that belong to the character behind them.
_PREPENDS = re.compile(
    "[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u0d4e\U000110bd\U000110cd\U000111c2\U000111c3"
    "\U0001193f\U00011941\U00011a3a\U00011a84-\U00011a89\U00011d46\U00011f02]"
)
_REGIONAL = re.compile("[\U0001f1e6-\U0001f1ff]")


def split_text(text: str, limit: int) -> list[str]:
    """Return `text` in parts of at most `limit` bytes, in order; joined they are the text.

    No part is empty, and the empty text has none. A part is only white space where the text has
    more of it in one place than fits. Cost: linear, about 0.2 s for a million characters.
    """
    remaining = len(_encoded(text))
    parts, start = [], 0
    while start < len(text):
        end = _end(text, limit, start, remaining)
        parts.append(text[start:end])
        remaining -= len(_encoded(parts[-1]))
        start = end
    return parts


def first_part(text: str, limit: int) -> str:
    """Return the first of the parts that `split_text` would return, "" for the empty text."""
    return text[: end_of_part(text, limit)]


def end_of_part(text: str, limit: int, start: int = 0) -> int:
    """Return where the part ends that begins at `start`: the rest's first part in `split_text`."""
    return _end(text, limit, start, len(_encoded(text[start:])))


def byte_length(text: str) -> int:
    """Return the length of `text` as WeChat counts it."""
    return len(_encoded(text))


def _encoded(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


def _end(text: str, limit: int, start: int, remaining: int) -> int:
    """Return where the part ends that begins at `start`, with `remaining` bytes from there on.

    A pause is taken where the part is at least half full, or where it costs no further part.
    """
    if limit < LEAST_LIMIT:
        raise ValueError(f"A part of {limit} bytes cannot hold every character.")
    if remaining <= limit:
        return len(text)
    data = _encoded(text[start : start + limit])
    stop = start + _whole_characters(data, limit)
    others = -(-remaining // limit) - 1
    least = min(remaining - others * limit, limit // 2)
    first = start + _whole_characters(data, least - 1) + 1
    # Beyond the stop as far as a link may reach that fits into a part.
    window = text[start : stop + limit]
    shown = _LINK.sub(lambda link: "x" * len(link[0]), window)
    for boundary in _BOUNDARIES:
        if cut := _last_cut(boundary, shown, window, first - start, stop - start):
            return start + cut
    for link in _LINK.finditer(window):
        if 0 < link.start() < stop - start < link.end():
            return start + link.start()
    return _last_whole_cluster(text, start, stop)


def _whole_characters(data: bytes, count: int) -> int:
    """Return how many characters lie whole in the first `count` bytes of `data`."""
    end = min(count, len(data))
    while end < len(data) and end > 0 and data[end] & 0xC0 == 0x80:
        end -= 1
    return len(data[:end].decode("utf-8", "surrogatepass"))


def _last_cut(boundary: re.Pattern[str], shown: str, text: str, first: int, stop: int) -> int:
    """Return the last boundary of a kind from `first` to `stop`, 0 if there is none."""
    last = 0
    for match in boundary.finditer(shown, 0, stop + 1):
        if match.end(1) > stop:
            break
        cut = min(match.end(), stop)
        if cut >= first and not is_joined(text, cut):
            last = cut
    return last


def _last_whole_cluster(text: str, start: int, stop: int) -> int:
    """Return the last place up to `stop` that cuts no sequence; if one fills the part, no mark."""
    for is_within in (is_joined, _is_mark):
        end = stop
        while end > start and is_within(text, end, start):
            end -= 1
        if end > start:
            return end
    return stop


def is_joined(text: str, position: int, start: int = 0) -> bool:
    """Tell whether a cut at `position` would break what is shown as one character.

    Follows Unicode's grapheme clusters, on the side of joining where they need tables of emoji.
    `start` is where the part begins: flags are pairs counted from there.
    """
    if not 0 < position < len(text):
        return False
    left, right = text[position - 1], text[position]
    if left in "\r\n" or (left < "\u0300" and right < "\u0300"):
        return left + right == "\r\n"
    if _REGIONAL.match(left) and _REGIONAL.match(right):
        return _regionals_before(text, position, start) % 2 == 1
    return _is_mark(text, position) or _binds(left, right) or _is_one_syllable(left, right)


def _is_mark(text: str, position: int, start: int = 0) -> bool:
    """Tell whether the character there only changes the one before it."""
    right = text[position]
    return unicodedata.category(right) in ("Mn", "Me", "Mc") or bool(_EXTENDS.match(right))


def _binds(left: str, right: str) -> bool:
    """Tell whether `left` takes in what follows it: a sign in front, or one that joins two."""
    kind = unicodedata.category(right)
    if left == _ZERO_WIDTH_JOINER:
        return kind in ("So", "Sm", "Cn")  # emoji; Cn are those newer than this Python
    return bool(_PREPENDS.match(left)) or (unicodedata.combining(left) == _VIRAMA and kind == "Lo")


def _is_one_syllable(left: str, right: str) -> bool:
    """Tell whether two Hangul characters, one or both a part of a syllable, are shown as one."""
    if _HANGUL_INITIAL.match(left):
        return any(kind.match(right) for kind in (_HANGUL_INITIAL, _HANGUL_LATER, _HANGUL_SYLLABLE))
    is_begun = _HANGUL_LATER.match(left) or _HANGUL_SYLLABLE.match(left)
    return bool(is_begun and _HANGUL_LATER.match(right))


def _regionals_before(text: str, position: int, start: int) -> int:
    count = 0
    while position - count > start and _REGIONAL.match(text[position - count - 1]):
        count += 1
    return count
