"""Renders a text that still grows: its closed blocks once, its open end again and again."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from markdown_it.token import Token

from conversations.rendering import clean_text
from conversations.rendering.markdown import markdown
from conversations.rendering.sanitizing import sanitize

_LINE_END = re.compile(r"\r\n|\r|\n")

# What a closed block defined for those behind it: the targets of `[links]` and the like.
References = dict[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Blocks:
    """The HTML of blocks that nothing can change any more, and of what may still be changed.

    `length` of the text is closed; `references` are known to what follows.
    """

    closed: str
    tail: str
    length: int
    references: References = field(default_factory=dict)


def render_blocks(text: str, references: References) -> Blocks:
    """Render `text`, which begins with a block and may go on; one parse of it.

    A block is closed once another begins on a line that is whole: an unfinished `---` may become
    `--- a`, which would belong to the list before it.
    """
    source = clean_text(text)
    env: dict[str, Any] = {"references": dict(references)}
    tokens = markdown.parse(source, env)
    whole_lines = source.count("\n")
    starts = [index for index, token in enumerate(tokens) if _begins_block(token)]
    sure = [index for index in starts if _first_line(tokens[index]) < whole_lines]
    if len(sure) < 2:
        return Blocks("", _html(tokens, env), 0, references)
    cut = sure[-1]
    line = _first_line(tokens[cut])
    # What is not whole yet may be another target by the next time.
    kept = {
        label: target
        for label, target in env["references"].items()
        if label in references or target["map"][1] <= line
    }
    closed, tail = _html(tokens[:cut], env), _html(tokens[cut:], env)
    return Blocks(closed, tail, _offset_of(text, line), kept)


def _begins_block(token: Token) -> bool:
    return token.level == 0 and token.nesting >= 0 and token.map is not None


def _first_line(token: Token) -> int:
    return token.map[0] if token.map else 0


def _offset_of(text: str, line: int) -> int:
    ends = _LINE_END.finditer(text)
    return next(end.end() for number, end in enumerate(ends, start=1) if number == line)


def _html(tokens: Sequence[Token], env: dict[str, Any]) -> str:
    return sanitize(markdown.renderer.render(tokens, markdown.options, env))
