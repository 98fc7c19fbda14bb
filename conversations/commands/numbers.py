"""Reads numbers as people type them in chat commands: both widths, English and Chinese words."""

from __future__ import annotations

import re
from fractions import Fraction

_HALF_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
_SPACES = dict.fromkeys([*b"\t\n\v\f\r", 0xA0, 0x1680, *range(0x2000, 0x200B), 0x202F, 0x3000], " ")
_QUOTES = dict.fromkeys(map(ord, "“”„«»「」『』"), '"') | dict.fromkeys(map(ord, "‘’‚"), "'")
# The characters of times that differ in traditional Chinese.
_SIMPLIFIED = str.maketrans("點時週後鐘兩個號間禮這過淩幾從", "点时周后钟两个号间礼这过凌几从")
_FOLDED = _HALF_WIDTH | _SPACES | _QUOTES | _SIMPLIFIED

# Alternatives for a pattern. Nine digits are more than any time needs, and cheap to convert.
CHINESE = "[零〇一二两三四五六七八九十百]{1,7}"
CHINESE_NUMBER = rf"(?:[0-9]{{1,9}}(?:\.[0-9]{{1,3}})?|{CHINESE}|半)"
_WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6}
_WORDS |= {"seven": 7, "eight": 8, "nine": 9, "ten": 10, "eleven": 11, "twelve": 12}
_TENS = {"fifteen": 15, "twenty": 20, "thirty": 30, "forty": 40, "fifty": 50, "sixty": 60}
_ENGLISH = {"a": 1, "an": 1, **_WORDS, **_TENS, "forty-five": 45, "ninety": 90}
HOUR_WORDS = "|".join(sorted(_WORDS, key=len, reverse=True))
ENGLISH_NUMBER = (
    r"(?:[0-9]{1,9}(?:\.[0-9]{1,3})?|half +an?|"
    + "|".join(sorted(_ENGLISH, key=len, reverse=True))
    + ")"
)

_DIGITS = {digit: value for value, digit in enumerate("零一二三四五六七八九")} | {"〇": 0, "两": 2}
_SPELLED = re.compile(
    "(?:([一二两三四五六七八九])百零?)?(?:([一二三四五六七八九])?(十))?([零一二两三四五六七八九])?"
)


def fold(text: str) -> str:
    """Return `text` in lower case, half width, straight quotes and plain spaces.

    Character for character: a place in the result is the same place in `text`.
    """
    lower = text.lower()
    if len(lower) != len(text):
        lower = "".join(one if len(one := each.lower()) == 1 else each for each in text)
    return lower.translate(_FOLDED)


def number(word: str) -> Fraction | None:
    """Return the value of a folded number or number word; None for what is none."""
    if word.startswith("half") or word == "半":
        return Fraction(1, 2)
    if word in _ENGLISH:
        return Fraction(_ENGLISH[word])
    if re.fullmatch(r"[0-9]{1,9}(\.[0-9]{1,3})?", word):
        return Fraction(word)
    value = _chinese(word)
    return None if value is None else Fraction(value)


def whole(word: str) -> int:
    """Return the value of a number without a fraction; -1, which no field allows, for others."""
    value = number(word)
    return int(value) if value is not None and value.denominator == 1 else -1


def _chinese(word: str) -> int | None:
    if re.fullmatch("[零〇一二三四五六七八九]{4}", word):  # a year, digit by digit
        return int("".join(str(_DIGITS[digit]) for digit in word))
    found = _SPELLED.fullmatch(word.removeprefix("零") or "零")
    if not found or not word:
        return None
    hundreds, tens, ten, ones = found.groups()
    value = _DIGITS[hundreds] * 100 if hundreds else 0
    value += (_DIGITS[tens] if tens else 1) * 10 if ten else 0
    return value + (_DIGITS[ones] if ones else 0)
