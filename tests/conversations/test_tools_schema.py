"""A function's signature and docstring become what a model is told of a tool."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from conversations.agents import Turn
from conversations.tools import InvalidTool, Tool, sets_up, tool_of
from tests.conversations.tooling import Color, add, vague, weather


class Place(BaseModel):
    city: str
    title: str = ""


class Tree(BaseModel):
    children: list[Tree]


@dataclass
class Box:
    width: int


class Opaque:
    pass


def schema(hint: Any, **more: Any) -> dict[str, Any]:
    """Return the schema of the only parameter of a function, which is annotated so."""

    def function(value):  # type: ignore[no-untyped-def]
        """Do it."""

    function.__annotations__ = {"value": hint}
    if more:
        function.__defaults__ = (more["default"],)
    parameters = tool_of(function).parameters
    assert set(parameters["properties"]) == {"value"}
    assert parameters["required"] == ([] if more else ["value"])
    return parameters["properties"]["value"]


@pytest.mark.parametrize(
    ("hint", "expected"),
    [
        (str, {"type": "string"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (bool, {"type": "boolean"}),
        (Literal["a", "b"], {"type": "string", "enum": ["a", "b"]}),
        (Color, {"type": "string", "enum": ["red", "green"]}),
        (str | None, {"anyOf": [{"type": "string"}, {"type": "null"}]}),
        (list[int], {"type": "array", "items": {"type": "integer"}}),
        (list[Color], {"type": "array", "items": {"type": "string", "enum": ["red", "green"]}}),
        (dict[str, int], {"type": "object", "additionalProperties": {"type": "integer"}}),
        (date, {"type": "string", "format": "date"}),
        (datetime, {"type": "string", "format": "date-time"}),
        (Annotated[int, Field(ge=1)], {"type": "integer", "minimum": 1}),
    ],
)
def test_a_type_is_described(hint: Any, expected: dict[str, Any]) -> None:
    assert schema(hint) == expected


@pytest.mark.parametrize("hint", [Place, Box, Decimal, bytes, Any])
def test_richer_types_are_described_without_references(hint: Any) -> None:
    assert "$ref" not in str(schema(hint))


def test_a_field_named_title_stays_when_titles_are_left_out() -> None:
    assert schema(Place)["properties"]["title"] == {"type": "string", "default": ""}


@pytest.mark.parametrize(
    ("hint", "default", "told"),
    [(int, 3, 3), (str, "", ""), (Color, Color.RED, "red"), (bool, False, False)],
)
def test_a_default_makes_a_parameter_optional_and_is_told(
    hint: Any, default: Any, told: Any
) -> None:
    assert schema(hint, default=default)["default"] == told


def test_a_default_of_none_or_of_no_json_is_not_told() -> None:
    assert "default" not in schema(str | None, default=None)
    assert "default" not in schema(int, default=Opaque())


@pytest.mark.parametrize("name", ["json", "copy", "schema", "model_config", "self_", "_private"])
def test_a_parameter_may_have_any_name(name: str) -> None:
    scope: dict[str, Any] = {}
    exec(f"def function({name}: str) -> str: return {name}", scope)

    assert list(tool_of(scope["function"]).parameters["properties"]) == [name]


def test_the_turn_is_given_wherever_it_stands_and_never_described() -> None:
    def first(turn: Turn, a: int) -> str: ...
    def last(a: int, now: Turn) -> str: ...
    def by_name(a: int, *, turn: Turn | None = None) -> str: ...
    def absent(a: int) -> str: ...

    tools = [tool_of(each) for each in (first, last, by_name, absent)]

    assert [tool.turn_names for tool in tools] == [("turn",), ("now",), ("turn",), ()]
    assert [tool.takes_turn for tool in tools] == [True, True, True, False]
    assert {tuple(tool.parameters["properties"]) for tool in tools} == {("a",)}


def test_a_function_without_parameters_has_an_empty_object() -> None:
    def ping() -> str: ...

    assert tool_of(ping).parameters == {
        "type": "object",
        "properties": {},
        "required": [],
        "additionalProperties": False,
    }


def test_kinds_of_functions_are_described_alike() -> None:
    class Holder:
        async def method(self, a: int) -> int:
            """Do it."""
            return a

    @functools.wraps(add)
    def decorated(*args: Any, **more: Any) -> int:
        return add(*args, **more)

    assert tool_of(Holder().method).parameters["required"] == ["a"]
    assert tool_of(decorated).parameters == tool_of(add).parameters
    assert tool_of(weather).name == "weather"
    assert asyncio.iscoroutinefunction(tool_of(weather).function)


def test_the_description_is_the_first_paragraph_in_one_line() -> None:
    def look_up(word: str) -> str:
        """Look a word up
        in the dictionary.

        How it is done is nobody's business.
        """
        return word

    assert tool_of(look_up).description == "Look a word up in the dictionary."


def test_without_a_docstring_the_name_describes() -> None:
    def look_up(word: str) -> str: ...

    assert tool_of(look_up).description == "look up"


def google(word: str, most: int = 3) -> None:
    """Look a word up.

    Args:
        word (str): What to look up,
            in the singular.
        most: How many at most: a number.

    Returns:
        nothing: at all.
    """


def sphinx(word: str, most: int = 3) -> None:
    """Look a word up.

    :param word: What to look up, in the singular.
    :param int most: How many at most: a number.
    """


@pytest.mark.parametrize("function", [google, sphinx])
def test_what_the_docstring_says_of_parameters_describes_them(function: Any) -> None:
    tool = tool_of(function)

    fields = tool.parameters["properties"]
    assert tool.description == "Look a word up."
    assert fields["word"]["description"] == "What to look up, in the singular."
    assert fields["most"] == {
        "type": "integer",
        "description": "How many at most: a number.",
        "default": 3,
    }


def test_an_annotation_describes_before_the_docstring() -> None:
    def look_up(word: Annotated[str, Field(description="Any word.")]) -> None:
        """Look up.

        Args:
            word: A word.
        """

    assert tool_of(look_up).parameters["properties"]["word"]["description"] == "Any word."


def test_a_tool_that_sets_up_schedules_is_marked() -> None:
    @sets_up
    def plan(text: str) -> str:
        return text

    assert tool_of(plan).sets_up
    assert not tool_of(add).sets_up


def generator(a: int) -> Iterator[int]:
    yield a


async def async_generator(a: int) -> AsyncIterator[int]:
    yield a


def starred(*words: str) -> str: ...
def double_starred(**words: str) -> str: ...
def positional(a: int, /) -> str: ...
def opaque(a: int, thing: Opaque) -> str: ...
def callback(then: Callable[[], None]) -> str: ...
def recursive(tree: Tree) -> str: ...
def unresolved(a: Missing) -> str: ...  # type: ignore[name-defined]  # noqa: F821


@pytest.mark.parametrize(
    ("function", "reason"),
    [
        (generator, "generator is a generator"),
        (async_generator, "async_generator is a generator"),
        (starred, "starred takes “*words: 'str'”; name each parameter"),
        (double_starred, "double_starred takes “**words: 'str'”"),
        (positional, "positional takes “a: 'int'”"),
        (vague, "vague: say the type of “value”, such as value: str."),
        (opaque, "opaque: the type of “thing” cannot be described as JSON"),
        (callback, "callback: the type of “then” cannot be described as JSON"),
        (recursive, "recursive: the type Tree contains itself."),
        (unresolved, "unresolved: its annotations cannot be read: name 'Missing' is not"),
        (lambda: "", "A tool is a function with a name; <lambda>"),
        (functools.partial(add, 1), "A tool is a function with a name; of type partial"),
        (Opaque, "Opaque of type type is none"),
        (3, "of type int is none"),
        (print, "takes “*args”"),
    ],
)
def test_what_cannot_be_described_is_refused_with_a_sentence(function: Any, reason: str) -> None:
    with pytest.raises(InvalidTool) as caught:
        tool_of(function)

    assert reason in str(caught.value)
    assert str(caught.value).endswith(".")


def test_two_tools_of_one_function_are_two() -> None:
    first, second = tool_of(add), tool_of(add)

    assert isinstance(first, Tool)
    assert first != second
