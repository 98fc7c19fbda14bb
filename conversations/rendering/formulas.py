r"""Keeps formulas as written: between `$`, `$$`, `\(` or `\[` Markdown changes nothing."""

import re

from markdown_it import MarkdownIt
from markdown_it.ruler import RuleOptionsType
from markdown_it.rules_block import StateBlock
from markdown_it.rules_inline import StateInline

# A formula in a line of text is no longer than that; what looks like one that is, is none.
LONGEST = 1_000

_BLOCK_CLOSER = {"$$": "$$", "\\[": "\\]"}
_CLOSER = {**_BLOCK_CLOSER, "\\(": "\\)"}
# As in Pandoc's: no space inside the marks, no digit or letter behind or before them; so `$5` and
# `$10`, `$PATH` and `US$` are none.
_DOLLARS = re.compile(
    rf"\$(?![\s$])((?:[^$\\\n]|\\[^\n]){{0,{LONGEST}}}?)(?<![\s\\])\$(?![0-9A-Za-z$])"
)
_MARK = re.compile(r"[\\^_=+*/<>{}|-]")
_WORD = re.compile(r"[0-9A-Za-z\\$]")


def formulas(markdown: MarkdownIt) -> None:
    # Before the rule that takes the backslash from `\(`.
    markdown.inline.ruler.before("escape", "math_inline", _inline)
    interrupts: RuleOptionsType = {"alt": ["paragraph", "reference", "blockquote", "list"]}
    markdown.block.ruler.before("fence", "math_block", _block, interrupts)
    # The text rule passes over all but these.
    markdown.inline.add_terminator_char("$")


def _inline(state: StateInline, silent: bool) -> bool:
    mark = state.src[state.pos : state.pos + 2]
    end = _end_of_pair(state, mark) if mark in _CLOSER else _end_of_dollars(state)
    if end < 0:
        return False
    if not silent:
        token = state.push("math_inline", "", 0)
        token.content = state.src[state.pos : end]
    state.pos = end
    return True


def _end_of_pair(state: StateInline, mark: str) -> int:
    start = state.pos + len(mark)
    found = state.src.find(_CLOSER[mark], start, min(state.posMax, start + LONGEST))
    return -1 if found <= start or not state.src[start:found].strip() else found + 2


def _end_of_dollars(state: StateInline) -> int:
    if state.src[state.pos] != "$" or (state.pos and _WORD.match(state.src[state.pos - 1])):
        return -1
    found = _DOLLARS.match(state.src, state.pos, state.posMax)
    if not found or (found[1][0].isdigit() and " " in found[1] and not _MARK.search(found[1])):
        return -1
    return found.end()


def _block(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Take a line that is a formula, or from a line that only opens one to its end.

    Without an end it reaches to the next empty line: so nothing that was a paragraph of its own
    becomes a part of a formula when the rest of a text arrives.
    """
    first = _line(state, start)
    closer = _BLOCK_CLOSER.get(first[:2], "")
    if state.is_code_block(start) or not closer:
        return False
    is_one_line = first.find(closer, 2) == len(first) - 2 > 2
    if not is_one_line and len(first) > 2:
        return False  # what begins or ends in a line of text is a formula in a paragraph
    if silent:
        return True
    last = start if is_one_line else _last_line(state, start, end, closer)
    token = state.push("math_block", "", 0)
    token.content = state.getLines(start, last + 1, state.blkIndent, False)
    token.map = [start, last + 1]
    state.line = last + 1
    return True


def _last_line(state: StateBlock, start: int, end: int, closer: str) -> int:
    for number in range(start + 1, end):
        if state.isEmpty(number) or state.sCount[number] < state.blkIndent:
            return number - 1
        if closer in _line(state, number):
            return number
    return end - 1


def _line(state: StateBlock, number: int) -> str:
    begin = state.bMarks[number] + state.tShift[number]
    return state.src[begin : state.eMarks[number]].rstrip()
