"""The contract of tools: what a model is told of a function, and what it may be given."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, get_args, get_type_hints

from django.core.exceptions import ImproperlyConfigured
from pydantic import TypeAdapter

from conversations.agents.contract import Turn
from conversations.tools.docstrings import parameter_texts, summary
from conversations.tools.schemas import Undescribable, adapter_of, schema_of

Function = TypeVar("Function", bound=Callable[..., Any])

# What the servers of models accept as the name of a function.
_NAME = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]{0,63}")
#: What a model is told that would have a schedule set up another: it could go on for ever.
NOT_SCHEDULED = (
    "A schedule asks here, not the user, and a schedule may set up no others. Answer without it."
)
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


class InvalidTool(ImproperlyConfigured):
    """A function that cannot be a tool; the message says why, to whoever wrote it."""


class ToolError(Exception):
    """A tool's failure whose message the model is told, and may pass on to the user."""


@dataclass(frozen=True, eq=False)
class Tool:
    """A function and how it is described to a model."""

    name: str
    description: str
    #: The arguments as a JSON schema of an object, without the turn.
    parameters: dict[str, Any]
    function: Callable[..., Any]
    #: Checks and converts the arguments; refuses any that are not described.
    arguments: TypeAdapter[Any]
    #: The parameters that get the turn, which no model sees or fills.
    turn_names: tuple[str, ...] = ()
    #: Whether it sets up schedules: not offered to a turn that a schedule began.
    sets_up: bool = False

    @property
    def takes_turn(self) -> bool:
        return bool(self.turn_names)


def sets_up(function: Function) -> Function:
    """Mark a tool that sets up schedules, which a turn that a schedule began may not use."""
    function.sets_up = True  # type: ignore[attr-defined]
    return function


def tool_of(function: Any) -> Tool:
    """Return the tool that a function is, from its signature, type hints and docstring.

    Raises InvalidTool for parameters that cannot be described to a model.
    """
    name = getattr(function, "__name__", "")
    if not inspect.isroutine(function) or not _NAME.fullmatch(name):
        raise InvalidTool(f"A tool is a function with a name; {_shown(function)} is none.")
    inner = inspect.unwrap(function)
    if inspect.isgeneratorfunction(inner) or inspect.isasyncgenfunction(inner):
        raise InvalidTool(f"The tool {name} is a generator; a tool returns its result at once.")
    required, optional, turn_names = _parameters(function, name)
    hints = {key: hint for key, (hint, _default) in optional.items()}
    texts = parameter_texts(function)
    try:
        adapter = adapter_of(required, hints)
        parameters = schema_of(adapter, texts, {key: pair[1] for key, pair in optional.items()})
    except Undescribable as error:
        raise InvalidTool(f"The tool {name}: {error}") from error
    return Tool(
        name=name,
        description=summary(function) or name.replace("_", " "),
        parameters=parameters,
        function=function,
        arguments=adapter,
        turn_names=turn_names,
        sets_up=getattr(function, "sets_up", False),
    )


def _parameters(
    function: Any, name: str
) -> tuple[dict[str, Any], dict[str, tuple[Any, Any]], tuple[str, ...]]:
    """Return the required and the optional parameters, and those that get the turn."""
    try:
        signature = inspect.signature(function)
        hints = get_type_hints(function, include_extras=True)
    except (NameError, TypeError, ValueError, AttributeError) as error:
        raise InvalidTool(f"The tool {name}: its annotations cannot be read: {error}.") from error
    required: dict[str, Any] = {}
    optional: dict[str, tuple[Any, Any]] = {}
    turn_names = []
    for key, parameter in signature.parameters.items():
        if parameter.kind not in _NAMED:
            raise InvalidTool(f"The tool {name} takes “{parameter}”; name each parameter instead.")
        if key not in hints:
            raise InvalidTool(f"The tool {name}: say the type of “{key}”, such as {key}: str.")
        if hints[key] is Turn or Turn in get_args(hints[key]):
            turn_names.append(key)
        elif parameter.default is parameter.empty:
            required[key] = hints[key]
        else:
            optional[key] = hints[key], parameter.default
    return required, optional, tuple(turn_names)


def _shown(value: Any) -> str:
    return f"{getattr(value, '__name__', '')} of type {type(value).__name__}".strip()
