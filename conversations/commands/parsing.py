"""Tells a chat command from an ordinary message, on every channel, before any agent sees it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from difflib import SequenceMatcher

from conversations.commands.numbers import fold

UNKNOWN = "unknown"
# What may be typed → the command; `继续` is also an ordinary word, so it needs a number.
NAMES = {
    "help": "help",
    "帮助": "help",
    "幫助": "help",
    "remind": "remind",
    "提醒": "remind",
    "tasks": "tasks",
    "任务": "tasks",
    "任務": "tasks",
    "cancel": "cancel",
    "取消": "cancel",
    "pause": "pause",
    "暂停": "pause",
    "暫停": "pause",
    "resume": "resume",
    "恢复": "resume",
    "恢復": "resume",
    "new": "new",
    "新对话": "new",
    "新對話": "new",
    "stop": "stop",
    "停止": "stop",
}
# The name after which Chinese is written without a space.
_JOINABLE = "提醒"
_CONTINUE = ("继续", "繼續")
_ON_A_TASK = ("cancel", "pause", "resume")
# Alike by difflib's measure: `sotp` and `stop` are 0.75, `tmp` and `stop` 0.57. A Chinese name
# is two characters long, so one wrong character leaves 0.5.
_ALIKE, _ALIKE_CHINESE = 0.75, 0.5
_LONGEST_NAME = 12

_WORD = re.compile(r"/(?P<word>[^\W\d_]{1,40})(?P<rest>.*)", re.DOTALL)
# What may stand between a name and its argument; a slash or a hyphen makes it a path or a word.
_GAP = re.compile(r"[\s:,.!?。、]+|$")
_NUMBER = re.compile(r"(?:#|no\.|第)? *(?P<number>[0-9]{1,9}) *(?:号|个)?[.!。]?")


@dataclass(frozen=True, slots=True)
class Command:
    """A command's English name, whatever was typed, and its argument as typed, stripped.

    Of `cancel`, `pause` and `resume` with a number the argument is the number in plain digits.
    A mistyped command is named `unknown`; `suggestion` is the name it looks like, without slash.
    """

    name: str
    argument: str = ""
    suggestion: str = ""


def parse_command(content: str) -> Command | None:
    """Return the command that `content` is; None for everything that is for the agent.

    `/usr/bin`, `//` and `/etc/hosts is missing` are ordinary messages.
    """
    text = content.strip()
    if not text.startswith(("/", "／")):
        return None  # Every message comes by here; folding a long one takes a while.
    found = _WORD.match(fold(text))
    if not found:
        return None
    word, rest = found["word"], found["rest"]
    argument = text[len(text) - len(rest) :]
    return _spaced(word, rest, argument) or _joined(found, text)


def _spaced(word: str, rest: str, argument: str) -> Command | None:
    """Read `/name argument`."""
    gap = _GAP.match(rest)
    if not gap:
        return None
    argument = argument[gap.end() :].strip()
    if word in _CONTINUE:
        number = _NUMBER.fullmatch(fold(argument))
        return Command("resume", number["number"]) if number else None
    if word in NAMES:
        return _command(NAMES[word], argument)
    return None if word.startswith(_JOINABLE) else _mistyped(word, argument)


def _joined(found: re.Match[str], text: str) -> Command | None:
    """Read a Chinese name with its argument behind it, `/提醒明天9点开会`, and `/cancel3`."""
    word, rest = found["word"], found["rest"]
    if word.startswith(_JOINABLE):
        return Command("remind", text[1 + len(_JOINABLE) :].strip())
    number = _NUMBER.fullmatch(rest)
    name = "resume" if word in _CONTINUE else NAMES.get(word)
    if number and name in _ON_A_TASK:
        return Command(name, number["number"])
    return (
        Command(UNKNOWN, text[1 + len(word) :].strip(), suggestion=word)
        if name and rest[:1].isdecimal()
        else None
    )


def _command(name: str, argument: str) -> Command:
    number = _NUMBER.fullmatch(fold(argument)) if name in _ON_A_TASK else None
    return Command(name, number["number"] if number else argument)


def _mistyped(word: str, argument: str) -> Command | None:
    if len(word) > _LONGEST_NAME:
        return None
    likeness = {name: SequenceMatcher(None, word, name).ratio() for name in NAMES}
    name = max(likeness, key=likeness.__getitem__)
    enough = _ALIKE if name.isascii() else _ALIKE_CHINESE
    return Command(UNKNOWN, argument, suggestion=name) if likeness[name] >= enough else None
