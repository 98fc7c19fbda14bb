"""Calls of tools in pieces: one call for each that a model makes, however its server sends it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from conversations.agents.openai_compatible.events import ToolCallDelta
from conversations.agents.openai_compatible.tool_calls import MOST_CALLS, ToolCall, ToolCalls

PARIS, ROME = '{"city": "Paris"}', '{"city": "Rome"}'


def piece(
    arguments: str = "", *, index: int | None = None, call: str = "", name: str = "", **extra: Any
) -> ToolCallDelta:
    return ToolCallDelta(index=index, id=call, name=name, arguments=arguments, extra=extra)


def collected(*pieces: ToolCallDelta) -> list[ToolCall]:
    calls = ToolCalls()
    for one in pieces:
        calls.add(one)
    return calls.finish()


TWO_CALLS = {
    "OpenAI": [
        piece(index=0, call="a", name="weather"),
        piece(PARIS[:7], index=0),
        piece(PARIS[7:], index=0),
        piece(index=1, call="b", name="weather"),
        piece(ROME[:7], index=1),
        piece(ROME[7:], index=1),
    ],
    "pieces in turns": [
        piece(index=0, call="a", name="weather"),
        piece(index=1, call="b", name="weather"),
        piece(PARIS[:7], index=0),
        piece(ROME[:7], index=1),
        piece(PARIS[7:], index=0),
        piece(ROME[7:], index=1),
    ],
    "Gemini: whole calls without an index": [
        piece(PARIS, call="a", name="weather"),
        piece(ROME, call="b", name="weather"),
    ],
    "Ollama: whole calls, all of index 0": [
        piece(PARIS, index=0, call="a", name="weather"),
        piece(ROME, index=0, call="b", name="weather"),
    ],
    "index 0 for all, in pieces": [
        piece(PARIS[:7], index=0, call="a", name="weather"),
        piece(PARIS[7:], index=0),
        piece(ROME[:7], index=0, call="b", name="weather"),
        piece(ROME[7:], index=0),
    ],
    "the id again in each piece": [
        piece(PARIS[:7], index=0, call="a", name="weather"),
        piece(PARIS[7:], index=0, call="a"),
        piece(ROME[:7], index=1, call="b", name="weather"),
        piece(ROME[7:], index=1, call="b"),
    ],
    "id and name again in each piece, no index": [
        piece(PARIS[:7], call="a", name="weather"),
        piece(PARIS[7:], call="a", name="weather"),
        piece(ROME[:7], call="b", name="weather"),
        piece(ROME[7:], call="b", name="weather"),
    ],
    "a new id with each piece": [
        piece(PARIS[:7], index=0, call="a", name="weather"),
        piece(PARIS[7:], index=0, call="a2"),
        piece(ROME[:7], index=1, call="b", name="weather"),
        piece(ROME[7:], index=1, call="b2"),
    ],
    "an id that comes late": [
        piece(index=0, name="weather"),
        piece(PARIS, index=0, call="a"),
        piece(index=1, name="weather"),
        piece(ROME, index=1, call="b"),
    ],
    "a name in pieces": [
        piece(index=0, call="a", name="wea"),
        piece(index=0, name="ther"),
        piece(PARIS, index=0),
        piece(ROME, index=1, call="b", name="weather"),
    ],
    "an empty object before the arguments": [
        piece("{}", index=0, call="a", name="weather"),
        piece(PARIS, index=0),
        piece("{}", index=1, call="b", name="weather"),
        piece(ROME, index=1),
    ],
}


@pytest.mark.parametrize("pieces", TWO_CALLS.values(), ids=TWO_CALLS)
def test_two_calls_are_two_calls(pieces):
    first, second = collected(*pieces)

    assert (first.id, first.name, first.arguments) == ("a", "weather", PARIS)
    assert (second.id, second.name, second.arguments) == ("b", "weather", ROME)


@pytest.mark.parametrize(
    "pieces",
    [
        [piece(PARIS, name="weather"), piece(ROME, name="weather")],
        [piece(PARIS, index=0, name="weather"), piece(ROME, index=0, name="weather")],
        [piece(PARIS[:7], name="weather"), piece(PARIS[7:]), piece(ROME, name="weather")],
        [
            piece(PARIS[:7], name="weather"),
            piece(PARIS[7:], name="weather"),
            piece(ROME, name="weather"),
        ],
    ],
)
def test_calls_without_ids_get_ids_of_their_own(pieces):
    first, second = collected(*pieces)

    assert (first.arguments, second.arguments) == (PARIS, ROME)
    assert first.id.isalnum()
    assert len(first.id) == len(second.id) == 9
    assert first.id != second.id


@pytest.mark.parametrize("arguments", ["", "null", " {} ", "{}"])
def test_a_call_without_arguments_has_an_empty_object(arguments):
    [call] = collected(piece(arguments, index=0, call="a", name="now"))

    assert call.arguments == "{}"


def test_calls_without_arguments_that_share_an_index_are_two():
    pieces = [piece(index=0, call="a", name="now"), piece(index=0, call="b", name="now")]

    assert [call.id for call in collected(*pieces)] == ["a", "b"]


def test_what_has_neither_name_nor_arguments_is_no_call():
    assert collected(piece(index=0, call="a"), piece(index=0)) == []


def test_no_more_calls_are_made_than_a_model_needs():
    pieces = [piece(PARIS, call=f"{n}", name="weather") for n in range(MOST_CALLS + 5)]

    assert [call.id for call in collected(*pieces)] == [f"{n}" for n in range(MOST_CALLS)]


def test_a_call_goes_back_as_it_came():
    google = {"google": {"thought_signature": "EjQ"}}
    [call] = collected(piece(PARIS, call="a", name="weather", extra_content=google))

    assert call.message() == {
        "id": "a",
        "type": "function",
        "function": {"name": "weather", "arguments": PARIS},
        "extra_content": google,
    }


@pytest.mark.parametrize("arguments", ["{", '["a"]', "not json", '{"a": }', "[" * 100_000])
def test_arguments_that_are_no_object_go_back_as_an_empty_one(arguments):
    """Servers that read the history refuse a request for them; the tool says what is wrong."""
    [call] = collected(piece(arguments, call="a", name="weather"))

    assert call.arguments == arguments
    assert json.loads(call.message()["function"]["arguments"]) == {}


@pytest.mark.parametrize(
    ("name", "sent"), [("a b/ü", "a_b__"), ("", "unknown"), ("x" * 200, "x" * 64)]
)
def test_a_name_that_no_tool_has_goes_back_as_one_it_could_have(name, sent):
    [call] = collected(piece(PARIS, call="a", name=name))

    assert call.message()["function"]["name"] == sent
