"""Frames that no client should send: an `error` each, the socket stays, the logs stay clean."""

import json
from typing import Any

import pytest

from tests.harness.client import ChatClient

pytestmark = pytest.mark.usefixtures("clean_logs")


def frame(**fields: Any) -> str:
    return json.dumps(fields)


BAD = [
    b"\x00\x01binary",
    b"",
    "null",
    "true",
    "42",
    '"text"',
    "[]",
    "[1,2]",
    "{}",
    "NaN",
    "-Infinity",
    "1e999",
    "[" * 60_000,
    '{"a":' * 10_000,
    '{"content":' + "[" * 30_000 + "]" * 30_000 + "}",
    '{"type":"message","content":' + "9" * 5_000 + "}",
    '{"type":"resume","after":' + "9" * 5_000 + "}",
    '{"type":"resume","after":NaN}',
    '{"type":"resume","after":1e999}',
    frame(type="resume"),
    frame(type="resume", after=-1),
    frame(type="resume", after=2**63),
    frame(type="resume", after="1"),
    frame(type="resume", after=True),
    frame(type="resume", after=1.5),
    frame(type="history", before=-5),
    frame(type="history", before=[]),
    frame(type="history", limit="many"),
    frame(type="message"),
    frame(type="message", content=None),
    frame(type="message", content=7),
    frame(type="message", content={"text": "x"}),
    frame(type="message", content=["x"]),
    frame(type="message", content=""),
    frame(type="message", content=" \n\t "),
    frame(type="message", content="\x00"),
    frame(type="message", content="\ud800"),
    frame(type="message", content="x", client_id=7),
    frame(type="message", content="x", client_id="i" * 201),
    frame(type="message", content="x", content_type="event"),
    frame(type="message", content="x", content_type=[]),
    frame(type="message", content="x", content_type={"a": 1}),
    frame(type="message", content="x", attachment="a" * 501),
    frame(type="retry", id=7),
    frame(type="retry", id={}),
    frame(type=None),
    frame(type=7, content="x"),
    frame(type=["message"], content="x"),
]


@pytest.mark.parametrize("bad", BAD, ids=range(len(BAD)))
async def test_a_malformed_frame_is_refused_and_the_socket_stays(
    client: ChatClient, bad: str | bytes
) -> None:
    error = await client.ask(bad, "error")

    assert error["code"] in ("bad_frame", "not_found")
    assert error["detail"]
    assert (await client.ask({"type": "ping"}, "pong"))["type"] == "pong"


@pytest.mark.parametrize(
    "kind",
    [
        *("unknown", "", "MESSAGE", "message ", "__proto__", "constructor", "\x00", "\ud800"),
        *("chat.frames", "chat_frames", "websocket.connect", "websocket.disconnect"),
        *("websocket.receive", "websocket.close", "dispatch", "close", "catch_up", "x" * 5_000),
    ],
)
async def test_an_unknown_type_is_named_and_reaches_no_handler(
    client: ChatClient, kind: str
) -> None:
    error = await client.ask({"type": kind, "frames": [["{}", 10**9, ""]], "code": 1}, "error")

    assert error["code"] == "unknown_type"
    assert (await client.ask({"type": "ping"}, "pong"))["type"] == "pong"


async def test_keys_that_mean_something_elsewhere_mean_nothing(client: ChatClient) -> None:
    extra = {"__proto__": {"role": "system"}, "role": "assistant", "seq": 10**9, "state": "done"}
    await client.send_frame({"content": "words=0", "client_id": "a", "id": "x", **extra})

    await client.answered("a")

    said = client.said("a")
    assert said is not None
    assert (said["role"], said["seq"] < 10) == ("user", True)


async def test_the_last_of_two_equal_keys_counts(client: ChatClient) -> None:
    await client.send_raw('{"content":"one words=0","content":"two words=0","client_id":"a"}')

    assert (await client.answered("a"))["content"] == "end of two words=0"
