"""Whatever bytes a server sends, and wherever they are cut, they give the same events or errors."""

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

from hypothesis import example, given, settings
from hypothesis import strategies as st

from conversations.agents.openai_compatible.errors import ModelError
from conversations.agents.openai_compatible.events import Event, Parser

#: What a stream is made of, well or badly.
WORDS = [
    *(b"data: ", b"data:", b"event: error", b": ping", b"\n", b"\r\n", b"\n\n", b"\xef\xbb\xbf"),
    *(b"[DONE]", b"{", b"}", b"[", b"]", b'"', b"<html>", b" ", b"\xff", "雨😀".encode()),
    *(b'{"choices": [{"delta": {"content": "a"}}]}', b'{"choices": []}', b"null", b"7"),
    *(b'{"choices": [{"delta": {"content": "\\ud83d"}}]}', b'{"error": {"code": 429}}'),
    *(b'{"choices": [{"delta": {"content": "\\ude00"}, "finish_reason": "stop"}]}',),
    *(b'{"choices": [{"message": {"content": "b"}}], "usage": {"prompt_tokens": 1}}',),
]
BODIES = st.lists(st.sampled_from(WORDS) | st.binary(max_size=4), max_size=12).map(b"".join)
CUTS = st.lists(st.integers(0, 400), max_size=8)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=5,
)
FIELDS = st.sampled_from(
    [
        *("choices", "delta", "message", "content", "usage", "error", "code", "object", "id"),
        *("tool_calls", "function", "arguments", "index", "finish_reason", "reasoning", "name"),
    ]
)
OBJECTS = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(FIELDS, inner, max_size=4),
    max_leaves=12,
)


def read(parts: Iterable[bytes]) -> tuple[list[Event], tuple[Any, ...]]:
    """Return the events and how they ended."""
    parser = Parser()
    events: list[Event] = []
    try:
        for part in parts:
            events += parser.feed(part)
        events += parser.end()
    except ModelError as error:
        return events, (error.kind, error.permanent, error.code)
    return events, ()


def cut(body: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted(place for place in cuts if place < len(body)), len(body)]
    return [body[begin:end] for begin, end in pairwise(places)]


@given(BODIES, CUTS)
@example(b'data: {"choices": []}\n\ndata: [DONE]\n\ndata: {', [3, 30])
@settings(max_examples=400, deadline=None)
def test_cuts_change_nothing(body: bytes, cuts: list[int]) -> None:
    whole = read([body])

    assert read(cut(body, cuts)) == whole
    assert read(body[at : at + 1] for at in range(len(body))) == whole


@given(st.lists(OBJECTS, max_size=3), st.booleans())
@settings(max_examples=150, deadline=None)
def test_any_json_gives_events_or_an_error(values: list[Any], is_stream: bool) -> None:
    if is_stream:
        body = b"".join(b"data: %s\n\n" % json.dumps(value).encode() for value in values)
    else:
        body = json.dumps(values[0] if values else {}).encode()

    events, _ = read([body])

    for event in events:
        assert isinstance(event.text, str) and event.text.encode() is not None
        assert isinstance(event.finish_reason, str)
        for call in event.tool_calls:
            assert {type(call.id), type(call.name), type(call.arguments)} == {str}
            assert json.dumps(call.extra).encode()
