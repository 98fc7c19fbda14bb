"""What is no answer of a model is an error and no more; what is one in odd dress is understood."""

import json
from typing import Any

import pytest

from conversations.agents.openai_compatible.events import MAX_BYTES
from tests.agent_adapters.client_calls import ask, failure_of, text_of
from tests.harness.model import ModelServer, Raw, sse


def piece(content: Any, **choice: Any) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": content}, **choice}]}


END = {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
ONE = json.dumps(piece("Hi"))

#: Bodies that say "Hi", each in its way.
ODD: dict[str, list[bytes]] = {
    "line ends as on Windows": [f"data: {ONE}\r\n\r\ndata: [DONE]\r\n\r\n".encode()],
    "no blank after the colon": [f"data:{ONE}\n\ndata:[DONE]\n\n".encode()],
    "no blank line between": [f"data: {ONE}\ndata: [DONE]\n".encode()],
    "one object over several lines": [
        b'data: {"choices":\ndata: [{"delta":\ndata: {"content": "Hi"}}]}\n\ndata: [DONE]\n\n'
    ],
    "several lines that end as on Windows": [
        b'data: {"choices":\r\ndata: [{"delta": {"content": "Hi"}}]}\r\n\r\ndata: [DONE]\r\n\r\n'
    ],
    "a code and a message of success": sse({"code": 0, "message": "Success", **piece("Hi")}),
    "comments and other fields": [
        b": OPENROUTER PROCESSING\n\nretry: 3\nid: 7\nevent: message\n",
        f"data: {ONE}\n\n: ping\n\ndata: [DONE]\n\n".encode(),
    ],
    "a mark of the byte order": [b"\xef", b"\xbb\xbf", *sse(piece("Hi"))],
    "empty lines first": [b"\n\r\n\n", *sse(piece("Hi"))],
    "empty data": [b"data:\n\ndata: \n\n", *sse(piece("Hi"))],
    "no mark of the end": sse(piece("Hi"), END, done=False),
    "no line end at the end": [f"data: {ONE}\n\ndata: {json.dumps(END)}".encode()],
    "more after the end": [*sse(piece("Hi")), b"data: {broken\n\n<html>"],
    "null everywhere": sse(
        {"choices": [{"delta": {"content": "Hi", "tool_calls": None}, "finish_reason": None}]},
        {"choices": [{"delta": None}], "usage": None},
        {"choices": None, "usage": {"prompt_tokens": None}},
        {"choices": [{"delta": {"content": None, "reasoning_content": None, "role": None}}]},
        {"choices": [None]},
    ),
    "no choices": sse({"choices": [], "prompt_filter_results": []}, piece("Hi"), {"choices": []}),
    "numbers where strings belong": sse(
        piece("Hi"),
        {"choices": [{"delta": {"content": 7, "reasoning": 8}, "finish_reason": 9}]},
        {"choices": 5, "usage": [1]},
        {"choices": [{"delta": "text"}], "usage": {"prompt_tokens": "12"}},
        {"choices": [{"delta": {"tool_calls": 5}}]},
        {"choices": [{"delta": {"tool_calls": [1, None, "x"]}}]},
    ),
    "a list of parts": sse(
        piece([{"type": "thinking", "thinking": [{"text": "Hm"}]}, {"type": "text", "text": "Hi"}])
    ),
    "another choice": sse(
        {"choices": [{"index": 1, "delta": {"content": "Ho"}}]}, piece("Hi"), done=True
    ),
    "an event stream that says it is JSON": sse(piece("Hi")),
    "one letter at a time": [bytes([byte]) for byte in b"".join(sse(piece("Hi")))],
}


@pytest.mark.parametrize("name", ODD)
async def test_odd_streams_are_understood(model: ModelServer, name: str) -> None:
    content = "application/json" if "JSON" in name else "text/event-stream"
    model.script(Raw(headers={"Content-Type": content}, body=ODD[name]))

    assert text_of(await ask()) == "Hi"


#: Bodies with 200, and whether asking again is useless.
NO_ANSWER: dict[str, tuple[list[bytes], bool]] = {
    "a page": ([b"<!DOCTYPE html><html>Welcome to nginx!"], True),
    "a page after a blank line": ([b"\r\n  <html>"], True),
    "a text": ([b"OK, I am alive.\n"], True),
    "a text without an end": ([b"OK"], True),
    "JSON of something else": ([b'{"status": "ok"}'], True),
    "a list": ([b"[1, 2, 3]"], True),
    "a string": ([b'"hello"'], True),
    "JSON that is cut": ([b'{"choices": [{"mess'], False),
    "an object that is none": ([b"data: {broken\n\n", *sse(END)], False),
    "data that is a list": ([b"data: [1]\n\n"], False),
    "data that is null": ([b"data: null\n\n"], False),
    "a number of a million digits": ([b'data: {"a": ', b"9" * 10**6, b"}\n\n"], False),
    "a nest": ([b"data: " + b"[" * 100_000 + b"\n\n"], False),
}


@pytest.mark.parametrize("name", NO_ANSWER)
async def test_what_is_no_answer_is_garbage(model: ModelServer, name: str) -> None:
    body, is_permanent = NO_ANSWER[name]
    model.script(Raw(body=body))

    found = await failure_of()

    assert (found.kind, found.permanent) == ("garbage", is_permanent)
    assert ("OPENAI_BASE_URL" in found.reason) == is_permanent


@pytest.mark.parametrize("body", [[], [b"\n\n"], [b": ping\n\n"], sse(piece("Hi"), done=False)])
async def test_an_answer_that_ends_too_early_is_a_broken_connection(
    model: ModelServer, body: list[bytes]
) -> None:
    model.script(Raw(body=body))

    found = await failure_of()

    assert (found.kind, found.permanent) == ("unreachable", False)
    assert "ended_early" in found.reason


async def test_characters_are_whole_wherever_the_bytes_are_cut(model: ModelServer) -> None:
    text = "雨😀\u2028\x85é"
    data = b"".join(sse(piece(text))).replace(rb"\u2028", "\u2028".encode())
    raw = f"data: {json.dumps(piece(text), ensure_ascii=False)}\n\n".encode() + data
    model.script(Raw(body=[raw[at : at + 1] for at in range(len(raw))]))

    assert text_of(await ask()) == text * 2


async def test_invalid_bytes_are_replaced(model: ModelServer) -> None:
    model.script(Raw(body=[b'data: {"choices":[{"delta":{"content":"a\xff\xe4b"}}]}\n\n', *sse()]))

    assert text_of(await ask()) == "a\ufffd\ufffdb"


async def test_halves_of_a_character_in_two_pieces_are_one(model: ModelServer) -> None:
    halves = [piece("a\ud83d"), END, piece("\ude00b"), piece("\ude00c\ud83d"), piece("d\ud83d")]
    model.script(Raw(body=[f"data: {json.dumps(one)}\n\n".encode() for one in halves] + sse()))

    assert text_of(await ask()) == "a😀b\ufffdc\ufffdd\ufffd"


async def test_tokens_are_read_where_servers_put_them(model: ModelServer) -> None:
    usage = {"prompt_tokens": 3, "completion_tokens": 1}
    kimi = {"choices": [{"delta": {"content": "a"}, "usage": usage}]}
    odd = {"choices": [], "usage": {"prompt_tokens": -1, "completion_tokens": 10**40}}
    flag = {"choices": [], "usage": {"prompt_tokens": True, "completion_tokens": 2.5}}
    model.script(Raw(body=sse(kimi, odd, flag, {"choices": [], "usage": usage | {"x": 1}})))

    counts = [(event.input_tokens, event.output_tokens) for event in await ask()]

    assert counts == [(3, 1), (3, 1)]


async def test_calls_of_tools_are_read_in_the_forms_of_servers(model: ModelServer) -> None:
    calls = [
        {"id": "a", "function": {"name": "f", "arguments": {"x": 1}}, "extra_content": {"g": 1}},
        {"index": 2, "id": 7, "function": {"name": None, "arguments": None}},
        {"index": True, "function": "f"},
    ]
    model.script(Raw(body=sse({"choices": [{"delta": {"tool_calls": calls}}]})))

    [event] = await ask()

    first, second, third = event.tool_calls
    assert (first.index, first.id, first.arguments) == (None, "a", '{"x": 1}')
    assert first.extra == {"extra_content": {"g": 1}}
    assert (second.index, second.id, second.name, second.arguments) == (2, "7", "", "")
    assert (third.index, third.name) == (None, "")


async def test_a_line_of_a_million_bytes_is_read(model: ModelServer) -> None:
    text = "x" * 1_000_000
    model.script(Raw(body=sse(piece(text))))

    assert text_of(await ask()) == text


@pytest.mark.parametrize("begin", [b"data: ", b"", b'{"choices": "', b"data: {}\n\ndata: {", b" "])
async def test_a_line_beyond_the_limit_is_garbage(model: ModelServer, begin: bytes) -> None:
    fill = b" " if begin == b" " else b"x"
    model.script(Raw(body=[begin + fill * (2 * MAX_BYTES), *sse(END)]))

    assert (await failure_of()).kind == "garbage"


@pytest.mark.parametrize("line", [b"x" * 65_536, b"data: {" + b" " * 65_536 + b"\n"])
async def test_an_endless_line_is_not_read_to_its_end(model: ModelServer, line: bytes) -> None:
    model.script(
        lambda _: Raw(body=(b"data: {" if number == 0 else line for number in range(10**6)))
    )

    assert (await failure_of()).kind == "garbage"
    assert not model.requests[0].answered_at
