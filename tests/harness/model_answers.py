"""What the loopback model server can be told to answer, and the bytes of it."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

#: Times in answers do not matter to anyone; a fixed one keeps them the same in each run.
CREATED = 1_767_225_600
DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class ToolCall:
    """A call that the model asks for; a dict of arguments is sent as JSON."""

    name: str
    arguments: str | dict[str, Any] = "{}"
    id: str = "call_1"

    @property
    def json(self) -> str:
        text = self.arguments
        return text if isinstance(text, str) else json.dumps(text, ensure_ascii=False)


@dataclass(frozen=True)
class Answer:
    """A sound answer of a model, sent in the form that the request asks for.

    `pieces`, where given, are the deltas of the text: strings, or functions that are called when
    the piece is sent. `usage` is (input, output) tokens and comes, as with OpenAI, in a chunk of
    its own where `stream_options.include_usage` asked for it; None sends none. `first_after` are
    the seconds from the headers to the first piece, `every` those between two.
    """

    text: str = "Hello from the model."
    pieces: Iterable[str | Callable[[], str]] = ()
    usage: tuple[int, int] | None = (10, 5)
    tool_calls: Iterable[ToolCall] = ()
    finish_reason: str = ""
    every: float = 0.0
    first_after: float = 0.0
    reasoning: str = ""

    def stream(self, request: dict[str, Any]) -> Iterator[bytes]:
        """Yield the events one by one, the pieces made as they are asked for."""
        head = _head("chat.completion.chunk", request)
        yield _event(head, {"role": "assistant", "content": ""})
        if self.reasoning:
            yield _event(head, {"reasoning_content": self.reasoning})
        for piece in self._pieces():
            yield _event(head, {"content": piece if isinstance(piece, str) else piece()})
        for delta in self._tool_deltas():
            yield _event(head, {"tool_calls": [delta]})
        yield _event(head, {}, finish_reason=self._finish())
        if self.usage and (request.get("stream_options") or {}).get("include_usage"):
            yield _data({**head, "choices": [], "usage": self._usage()})
        yield DONE

    def whole(self, request: dict[str, Any]) -> bytes:
        """Return what is sent to a request without `stream`."""
        text = "".join(piece if isinstance(piece, str) else piece() for piece in self._pieces())
        message: dict[str, Any] = {"role": "assistant", "content": text}
        if self.reasoning:
            message["reasoning_content"] = self.reasoning
        if calls := list(self.tool_calls):
            message["tool_calls"] = [_call(one, one.json) for one in calls]
        choice = {"index": 0, "message": message, "finish_reason": self._finish()}
        body = {**_head("chat.completion", request), "choices": [choice], "usage": self._usage()}
        return json.dumps(body, ensure_ascii=False).encode()

    def _pieces(self) -> Iterable[str | Callable[[], str]]:
        if pieces := list(self.pieces):
            return pieces
        # A model that calls a tool says nothing of its own, unless it is told to.
        if self.tool_calls and self.text == Answer.text:
            return []
        words = self.text.split(" ")
        return [word if at == 0 else f" {word}" for at, word in enumerate(words)]

    def _tool_deltas(self) -> Iterator[dict[str, Any]]:
        for index, call in enumerate(self.tool_calls):
            yield {"index": index, **_call(call, "")}
            middle = len(call.json) // 2
            for part in (call.json[:middle], call.json[middle:]):
                yield {"index": index, "function": {"arguments": part}}

    def _finish(self) -> str:
        return self.finish_reason or ("tool_calls" if list(self.tool_calls) else "stop")

    def _usage(self) -> dict[str, int] | None:
        if self.usage is None:
            return None
        given, made = self.usage
        return {"prompt_tokens": given, "completion_tokens": made, "total_tokens": given + made}


@dataclass(frozen=True)
class Raw:
    """Anything at all: the status, the headers and the parts of the body, in any time.

    `first_after` are the seconds before the status line; `drop` hangs up instead of it. At the
    end of the parts the body is ended properly, or the server says nothing more (`hang`), or
    closes the connection in the middle (`cut`), or resets it (`reset`). Parts that only a function
    can make anew come from a function as the answer.
    """

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: Iterable[bytes] | bytes = ()
    every: float = 0.0
    first_after: float = 0.0
    hang: bool = False
    cut: bool = False
    reset: bool = False
    drop: bool = False

    def parts(self) -> Iterable[bytes]:
        return [self.body] if isinstance(self.body, bytes) else self.body


def sse(*data: dict[str, Any] | str, done: bool = True) -> list[bytes]:
    """Return the parts of an event stream, for the body of a Raw: objects, or text as it is."""
    parts = [_data(one) if isinstance(one, dict) else one.encode() for one in data]
    return [*parts, DONE] if done else parts


def failure(
    status: int,
    body: dict[str, Any] | str | bytes = b"",
    headers: dict[str, str] | None = None,
) -> Raw:
    """Return an answer with this status and body (an object is sent as JSON)."""
    data = json.dumps(body) if isinstance(body, dict) else body
    content = "application/json" if isinstance(body, dict) else "text/plain"
    raw = data.encode() if isinstance(data, str) else data
    return Raw(status, {"Content-Type": content, **(headers or {})}, raw)


def stamped(count: int) -> list[Callable[[], str]]:
    """Return pieces that carry their number and `time.monotonic()` at their sending: `7:12.5 `."""
    return [_stamp(number) for number in range(count)]


def _stamp(number: int) -> Callable[[], str]:
    return lambda: f"{number}:{time.monotonic():.6f} "


def _call(call: ToolCall, arguments: str) -> dict[str, Any]:
    function = {"name": call.name, "arguments": arguments}
    return {"id": call.id, "type": "function", "function": function}


def _head(kind: str, request: dict[str, Any]) -> dict[str, Any]:
    model = request.get("model", "")
    return {"id": "chatcmpl-1", "object": kind, "created": CREATED, "model": model}


def _event(head: dict[str, Any], delta: dict[str, Any], finish_reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "finish_reason": finish_reason}
    return _data({**head, "choices": [choice]})


def _data(value: dict[str, Any]) -> bytes:
    return b"data: %s\n\n" % json.dumps(value, ensure_ascii=False).encode()
