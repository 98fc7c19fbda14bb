"""Frames carry exactly the keys that clients are promised."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.channels import get_channel
from conversations.channels.testing import PostingChannel
from conversations.frames import (
    Frame,
    delta_frame,
    encode,
    error_frame,
    message_frame,
    status_frame,
)
from conversations.models import Conversation, Message

ID = uuid.UUID("00000000-0000-4000-8000-000000000001")
ASKED = uuid.UUID("00000000-0000-4000-8000-000000000002")
AT = datetime(2026, 5, 4, 3, 2, 1, 678, tzinfo=UTC)


def fields(frame: Frame) -> dict[str, Any]:
    value = json.loads(frame.text)
    assert isinstance(value, dict)
    return value


def message(**more: Any) -> Message:
    values = {"uuid": ID, "role": "user", "content": "a <b>", "state": "queued", "seq": 7}
    return Message(**{**values, "conversation": Conversation(), "created_at": AT, **more})


def test_a_message_of_a_user_has_exactly_these_keys():
    assert fields(message_frame(message(external_id="c-1"))) == {
        "type": "message",
        "id": str(ID),
        "seq": 7,
        "role": "user",
        "content": "a <b>",
        "content_type": "text",
        "html": fields(message_frame(message()))["html"],
        "state": "queued",
        "reply_to": None,
        "client_id": "c-1",
        "created_at": "2026-05-04T03:02:01.000678+00:00",
    }


def test_a_client_id_is_there_only_where_the_client_gave_one():
    assert "client_id" not in fields(message_frame(message()))
    assert "client_id" not in fields(message_frame(message(role="assistant", external_id="x")))


def test_a_reply_names_what_it_answers():
    reply = message(role="assistant", state="done")

    assert fields(message_frame(reply, reply_to=ASKED))["reply_to"] == str(ASKED)


@pytest.mark.django_db
def test_what_a_stored_reply_answers_is_looked_up():
    place = Conversation.objects.create(channel="web", address="a")
    asked = message(uuid=ASKED, conversation=place)
    asked.save()
    message(role="assistant", reply_to=asked, conversation=place).save()

    assert fields(message_frame(Message.objects.get(uuid=ID)))["reply_to"] == str(ASKED)


def test_a_reply_is_rendered_and_what_a_user_says_is_not():
    said = fields(message_frame(message(content="**x** <i>")))
    answered = fields(message_frame(message(content="**x** <i>", role="assistant")))

    assert "<strong>x</strong>" in answered["html"]
    assert "**x** &lt;i&gt;" in said["html"]
    assert "<i>" not in answered["html"] + said["html"]


def test_attachment_and_detail_are_there_when_there_are_any():
    frame = fields(message_frame(message(attachment="a.png", detail="Cut.", content_type="image")))

    assert (frame["attachment"], frame["detail"]) == ("a.png", "Cut.")
    assert frame["content_type"] == "image"


def test_a_message_frame_carries_its_change():
    assert message_frame(message()).seq == 7


def test_a_delta_has_exactly_these_keys():
    assert fields(delta_frame(ID, 3, "😀")) == {
        "type": "delta",
        "id": str(ID),
        "offset": 3,
        "text": "😀",
    }


def test_a_status_has_exactly_these_keys():
    bare = status_frame(ID, Message.State.ANSWERING)
    full = status_frame(ID, Message.State.FAILED, seq=9, detail="No.")

    assert fields(bare) == {"type": "status", "id": str(ID), "state": "answering"}
    assert fields(full) == {
        "type": "status",
        "id": str(ID),
        "state": "failed",
        "seq": 9,
        "detail": "No.",
    }
    assert (bare.seq, full.seq) == (0, 9)


@pytest.mark.parametrize("state", ["answered", "failed", "stopped"])
def test_a_final_status_settles_its_message(state):
    assert status_frame(ID, state).settles == str(ID)


@pytest.mark.parametrize("state", ["queued", "answering"])
def test_a_status_on_the_way_settles_nothing(state):
    assert status_frame(ID, state).settles == ""


def test_an_error_has_exactly_these_keys():
    assert fields(error_frame("too_long", "Too long.")) == {
        "type": "error",
        "code": "too_long",
        "detail": "Too long.",
    }
    assert fields(error_frame("x", "y", client_id="c"))["client_id"] == "c"


def test_frames_are_compact_and_keep_their_characters():
    assert encode(type="x", text="好\u2028") == '{"type":"x","text":"好\u2028"}'


async def test_the_doubles_keep_to_the_contract_of_channels(web):
    """A test of the recording channel itself, on which the others rely."""
    await web.show(ID, [Frame("", seq=3), error_frame("a", "b")])

    assert web.seqs == [3, 0]
    assert web.frames == [{"type": "error", "code": "a", "detail": "b"}]
    assert isinstance(get_channel("post"), PostingChannel)
