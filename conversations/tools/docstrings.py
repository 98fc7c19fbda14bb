"""Reads what a function's docstring tells a model: what it does, and what its parameters mean."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

_FIELD = re.compile(r" *:param(?: [^:]*?)? (?P<name>\w+) *: *(?P<text>.*)")
_SECTION = re.compile(r"(?P<indent> *)(?:Args|Arguments|Parameters|Params):\s*")
_NAMED = re.compile(r"(?P<name>\w+) *(?:\([^)]*\))? *: *(?P<text>.*)")


def summary(function: Any) -> str:
    """Return the first paragraph of the docstring in one line; "" without one."""
    text = inspect.getdoc(function) or ""
    paragraph = re.split(r"\n\s*\n", text.strip(), maxsplit=1)[0]
    if _SECTION.match(paragraph) or _FIELD.match(paragraph):
        return ""
    return " ".join(paragraph.split())


def parameter_texts(function: Any) -> dict[str, str]:
    """Return what is said of parameters: as `:param name: …` or in a section `Args:`."""
    lines = (inspect.getdoc(function) or "").expandtabs().splitlines()
    texts = {found["name"]: found["text"] for line in lines if (found := _FIELD.match(line))}
    return texts | {name: " ".join(said) for name, said in _of_section(lines)}


def _of_section(lines: list[str]) -> Iterator[tuple[str, list[str]]]:
    """Yield the name and the lines of each parameter; what is indented further goes on."""
    starts = (number for number, line in enumerate(lines) if _SECTION.fullmatch(line))
    start = next(starts, len(lines))
    own, name, said = 0, "", [""]
    for line in lines[start + 1 :]:
        if not line.strip():
            continue
        indent = len(line) - len(line.lstrip())
        if indent <= len(lines[start]) - len(lines[start].lstrip()):
            break
        own = own or indent
        found = _NAMED.fullmatch(line.strip()) if indent <= own else None
        if found:
            if name:
                yield name, said
            name, said = found["name"], [found["text"]]
        else:
            said.append(line.strip())
    if name:
        yield name, said
