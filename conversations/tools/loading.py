"""Finds the tools that `BOTFLOW_TOOLS` names: those built in, and functions of the site's own."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Sequence
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from conversations.agents.contract import Turn
from conversations.tools import clock_tools, reminders
from conversations.tools.contract import InvalidTool, Tool, tool_of

#: What is built in, by the word that offers it.
BUILT_IN: dict[str, tuple[Callable[..., Any], ...]] = {
    "reminders": reminders.TOOLS,
    "time": clock_tools.TOOLS,
}
_ALL = {"all", "true", "yes", "on", "1"}


def get_tools(names: Iterable[str] | None = None) -> list[Tool]:
    """Return the tools of these names, or of the setting; each set is built once per process.

    Raises ImproperlyConfigured for a name that leads to no tool.
    """
    return list(_tools(tuple(settings.BOTFLOW_TOOLS if names is None else names)))


def offered_tools(turn: Turn, tools: Sequence[Tool] | None = None) -> list[Tool]:
    """Return those that this turn may use: one that a schedule began sets up no others."""
    found = get_tools() if tools is None else tools
    return [tool for tool in found if not (tool.sets_up and turn.is_scheduled)]


@cache
def _tools(names: tuple[str, ...]) -> tuple[Tool, ...]:
    found: dict[str, Tool] = {}
    for name in names:
        for tool in _of_name(name):
            known = found.setdefault(tool.name, tool)
            if known.function != tool.function:
                raise ImproperlyConfigured(f"BOTFLOW_TOOLS: two tools are named {tool.name!r}.")
    return tuple(found.values())


def _of_name(name: str) -> list[Tool]:
    word = name.lower()
    if word in _ALL:
        return [tool_of(each) for functions in BUILT_IN.values() for each in functions]
    if word in BUILT_IN:
        return [tool_of(function) for function in BUILT_IN[word]]
    found = _import(name)
    several = found if isinstance(found, list | tuple) else [found]
    try:
        return [each if isinstance(each, Tool) else tool_of(each) for each in several]
    except InvalidTool as error:
        raise InvalidTool(f"BOTFLOW_TOOLS: {name!r}: {error}") from error


def _import(path: str) -> Any:
    if "." not in path:
        known = ", ".join(BUILT_IN)
        raise ImproperlyConfigured(
            f"BOTFLOW_TOOLS: {path!r} is none of {known} and all, and no dotted path."
        )
    try:
        found = import_string(path)
    except Exception as error:  # Boundary: a module of the site's own may raise anything.
        raise ImproperlyConfigured(
            f"BOTFLOW_TOOLS: {path!r} cannot be imported: {type(error).__name__}: {error}."
        ) from error
    if inspect.isroutine(found) or isinstance(found, Tool | list | tuple):
        return found
    raise ImproperlyConfigured(
        f"BOTFLOW_TOOLS: {path!r} is neither a function nor a list of functions."
    )
