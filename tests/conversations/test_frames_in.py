"""Reading client frames: each text is a command or a named error, whatever was sent."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from conversations import inbound
from conversations.frames import error_frame
from conversations.inbound import FrameError, History, Ping, Resume, Retry, Say, Stop, parse

MOST = 20_000


def refusal(frame: Any) -> FrameError:
    with pytest.raises(FrameError) as caught:
        parse(frame if isinstance(frame, str) else json.dumps(frame))
    return caught.value


@pytest.mark.parametrize(
    "text", ["hello", "你好", "{not json", "/help", "'quoted'", "{'content': 'x'}", "[1, 2", "nul"]
)
def test_text_that_is_not_json_is_a_message(text):
    assert parse(text) == Say(text)


def test_an_object_with_content_and_no_type_is_a_message():
    assert parse('{"content": "hi"}') == Say("hi")
    assert parse('{"content": "hi", "client_id": "7", "other": 1}') == Say("hi", client_id="7")


def test_a_whole_message_frame_is_read():
    frame = {"type": "message", "content": "hi", "client_id": "c", "content_type": "image"}

    assert parse(json.dumps({**frame, "attachment": "a.png"})) == Say("hi", "image", "a.png", "c")


def test_null_fields_are_as_good_as_none():
    frame = {"type": "message", "content": "hi", "client_id": None, "content_type": None}

    assert parse(json.dumps({**frame, "attachment": None})) == Say("hi")


@pytest.mark.parametrize("text", ["1", "-2.5", "true", "null", '"text"', "[]", '["a"]', "1e999"])
def test_json_that_is_no_object_is_refused(text):
    assert refusal(text).code == "bad_frame"


@pytest.mark.parametrize("frame", [{}, {"client_id": "x"}, {"type": None}])
def test_an_object_without_type_and_content_is_refused(frame):
    assert refusal(frame).code == "bad_frame"


@pytest.mark.parametrize("kind", [1, True, [], {}, ["ping"]])
def test_a_type_that_is_no_text_is_refused(kind):
    assert refusal({"type": kind, "content": "x"}).code == "bad_frame"


def test_an_unknown_type_is_named():
    error = refusal({"type": "dance"})

    assert error.code == "unknown_type"
    assert "dance" in error.detail


def test_an_unknown_type_is_named_in_text_that_can_be_sent():
    error = refusal('{"type": "a\\ud800b"}')

    assert error.code == "unknown_type"
    error_frame(error.code, error.detail).text.encode()


@pytest.mark.parametrize("text", ["[" * 200_000, '{"a":' * 100_000])
def test_deep_nesting_is_refused(text):
    assert refusal(text).code == "bad_frame"


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_are_none_are_refused(name):
    assert refusal(f'{{"type": "resume", "after": {name}}}').code == "bad_frame"


@pytest.mark.parametrize("frame", ['{"type": "resume", "after": %s}', '{"content": %s}', "%s"])
def test_a_number_of_five_thousand_digits_is_refused(frame):
    assert refusal(frame % ("9" * 5000)).code == "bad_frame"


@pytest.mark.parametrize("after", [True, False, -1, 1.0, "1", None, [], 2**63, 10**30])
def test_a_sequence_number_is_a_whole_number_that_fits(after):
    assert refusal({"type": "resume", "after": after}).code == "bad_frame"


def test_resume_wants_a_number():
    assert refusal({"type": "resume"}).code == "bad_frame"
    assert parse('{"type": "resume", "after": 0}') == Resume(0)
    assert parse(f'{{"type": "resume", "after": {2**63 - 1}}}') == Resume(2**63 - 1)


def test_history_begins_at_the_end_and_keeps_to_its_limits():
    everything = 2**63 - 1

    assert parse('{"type": "history"}') == History(everything, 50)
    assert parse('{"type": "history", "before": null}') == History(everything, 50)
    assert parse('{"type": "history", "before": 9, "limit": 3}') == History(9, 3)
    assert parse('{"type": "history", "before": 9, "limit": 0}') == History(9, 1)
    assert parse('{"type": "history", "before": 9, "limit": 1000}') == History(9, 100)


@pytest.mark.parametrize("fields", [{"before": -1}, {"limit": "5"}, {"limit": True}])
def test_history_refuses_other_values(fields):
    assert refusal({"type": "history", **fields}).code == "bad_frame"


def test_stop_and_ping_need_nothing():
    assert parse('{"type": "stop"}') == Stop()
    assert parse('{"type": "ping", "content": "x"}') == Ping()


def test_retry_names_a_message():
    wanted = uuid.uuid4()

    assert parse(json.dumps({"type": "retry", "id": str(wanted)})) == Retry(wanted)


@pytest.mark.parametrize("value", ["", "x", "0" * 31, None])
def test_retry_of_what_cannot_be_an_id_is_not_found(value):
    assert refusal({"type": "retry", "id": value}).code == "not_found"


@pytest.mark.parametrize("value", [5, ["x"], "0" * 101])
def test_retry_of_what_is_no_id_is_refused(value):
    assert refusal({"type": "retry", "id": value}).code == "bad_frame"


@pytest.mark.parametrize("character", ["x", "好", "😀"])
def test_a_message_may_be_as_long_as_the_limit_and_no_longer(character):
    assert parse(character * MOST) == Say(character * MOST)

    error = refusal({"content": character * (MOST + 1), "client_id": "c"})
    assert (error.code, error.client_id) == ("too_long", "c")
    assert str(MOST) in error.detail
    assert refusal(character * (MOST + 1)).code == "too_long"


def test_what_cannot_be_stored_does_not_count_towards_the_length():
    assert parse("\0" * 5 + "x" * MOST) == Say("x" * MOST)


@pytest.mark.parametrize("content", ["", "   ", "\n\t", "\0", None, "\\ud800"])
def test_an_empty_message_is_refused(content):
    text = "null" if content is None else f'"{content}"' if "\\u" in content else None
    frame = f'{{"content": {text}, "client_id": "c"}}' if text else json.dumps({"content": content})

    error = refusal(frame)

    assert error.code == "bad_frame"
    assert error.client_id == ("c" if text else "")


def test_an_attachment_alone_is_a_message():
    assert parse('{"content": "", "attachment": "a.png"}') == Say("", attachment="a.png")


@pytest.mark.parametrize(
    "fields",
    [
        {"content": 5},
        {"content": ["x"]},
        {"content": True},
        {"attachment": 5},
        {"attachment": "x" * 501},
        {"content_type": "event"},
        {"content_type": "html"},
        {"content_type": 5},
        {"content_type": ["text"]},
        {"content_type": {"text": 1}},
    ],
)
def test_fields_of_another_kind_are_refused_by_client_id(fields):
    error = refusal({"content": "hi", "client_id": "c", **fields})

    assert (error.code, error.client_id) == ("bad_frame", "c")


@pytest.mark.parametrize("kind", ["text", "image", "voice", "file"])
def test_a_client_may_send_these_content_types(kind):
    frame = parse(json.dumps({"content": "hi", "content_type": kind}))

    assert isinstance(frame, Say)
    assert frame.content_type == kind


@pytest.mark.parametrize("client_id", ["x" * 201, 5, ["x"], True])
def test_a_client_id_is_a_short_text(client_id):
    assert refusal({"content": "hi", "client_id": client_id}).code == "bad_frame"


def test_a_client_id_of_two_hundred_characters_is_taken():
    frame = parse(json.dumps({"content": "hi", "client_id": "x" * 200}))

    assert isinstance(frame, Say)
    assert frame.client_id == "x" * 200


def test_what_cannot_be_stored_is_left_out_of_every_field():
    text = '{"content": "a\\u0000b\\ud800", "client_id": "c\\u0000", "attachment": "\\udfffd"}'

    assert parse(text) == Say("ab", attachment="d", client_id="c")


def test_a_surrogate_pair_is_one_character():
    assert parse('{"content": "\\ud83d\\ude00"}') == Say("😀")


FIELDS = st.sampled_from(
    ["type", "content", "client_id", "content_type", "attachment", "id", "before", "limit", "after"]
)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(st.characters(codec=None, exclude_categories=[]), max_size=20)
    | st.sampled_from(["message", "text", "stop", "retry", "history", "resume", "ping", "event"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(FIELDS, inner, max_size=5),
    max_leaves=8,
)


def check(text: str) -> None:
    """Parse: what comes of it, command or refusal, can be stored and sent."""
    try:
        command = parse(text)
    except FrameError as error:
        error_frame(error.code, error.detail, client_id=error.client_id).text.encode()
        assert error.code in ("bad_frame", "unknown_type", "too_long", "not_found")
        return
    assert isinstance(command, inbound.Command)
    if isinstance(command, Say):
        together = command.content + command.client_id + command.attachment
        assert "\0" not in together.encode().decode()
        assert command.content_type in ("text", "image", "voice", "file")


@settings(max_examples=400, deadline=None)
@given(st.text(st.characters(codec=None, exclude_categories=[])))
@example("\ud800")
def test_no_text_breaks_the_reader(text):
    check(text)


@settings(max_examples=600, deadline=None)
@given(st.dictionaries(FIELDS, JSON, max_size=6) | JSON)
def test_no_json_breaks_the_reader(value):
    check(json.dumps(value))
