"""The bytes of a model's answer become events: event streams, and JSON sent in spite of `stream`.

An event stream is read as servers write it, a little more freely than the HTML standard (section
9.2, read 2026-11-23): objects without a blank line between them are objects of their own.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from conversations.agents.openai_compatible import errors

#: Of one line, or of an answer in plain JSON; more is no answer of a model.
MAX_BYTES = 4 * 1024 * 1024

_BOM = b"\xef\xbb\xbf"
_SPACE = b" \t\r\n"
#: Reasons to finish that are none: DeepSeek's, GLM's, OpenRouter's, vLLM's words for a break.
_BROKEN = {"insufficient_system_resource": "busy", "network_error": "server", "error": "server"}
_BROKEN["abort"] = "server"
_KNOWN_OF_CALLS = {"index", "id", "type", "function"}


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a call; `index` is None where the server sends none.

    `arguments` is a piece of JSON text. `extra` are fields to be sent back with the call.
    """

    index: int | None = None
    id: str = ""
    name: str = ""
    arguments: str = ""
    extra: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Event:
    """What one object of the stream says; token counts are those of the request so far."""

    text: str = ""
    reasoning: str = ""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    finish_reason: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None


_NOTHING = Event()
_FIELDS = (b":", b"data", b"event", b"id", b"retry")


class Parser:
    """Takes bytes as they come and gives events; the same ones wherever the bytes are cut.

    Raises ModelError for an error among them and for what is no answer. `is_done` is true after
    `[DONE]`: what comes then is not looked at.
    """

    def __init__(self, *, has_images: bool = False) -> None:
        self.is_done = False
        self.has_images = has_images
        self._is_finished = False
        self._is_stream: bool | None = None
        self._has_data = False
        self._buffer = bytearray()
        # The data lines of an object that is not complete, and the name of the event.
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._name = b""
        # Half of a character that a server has cut in two, as UTF-16 has it.
        self._half = ""

    def feed(self, data: bytes) -> Iterator[Event]:
        if self._is_stream is None:
            self._buffer += data
            data = self._begin()
        if self._is_stream:
            yield from self._lines(data)
        else:
            self._buffer += data
            self._check_length(len(self._buffer))

    def end(self) -> Iterator[Event]:
        """Yield what is left at the end of the body; raise where that is too early."""
        if self._is_stream:
            yield from self._lines(b"\n\n")
        elif self._is_stream is False:
            yield from self._whole()
        if not self.is_over:
            raise errors.ModelError("unreachable", code="ended_early")
        yield from self._flush()

    @property
    def is_over(self) -> bool:
        """Whether all of the answer is here, whatever else may come."""
        return self.is_done or self._is_finished

    def _begin(self) -> bytes:
        """Decide by the first character what this is; return the data to go on with."""
        head = bytes(self._buffer)
        text = head.removeprefix(_BOM).lstrip(_SPACE)
        self._check_length(len(head) - len(text))
        if not text or _BOM.startswith(text):
            return b""
        if text.startswith(b"<"):
            raise errors.ModelError("garbage", is_wrong_address=True)
        self._is_stream = not text.startswith((b"{", b"[", b'"'))
        self._buffer.clear()
        return text

    def _lines(self, data: bytes) -> Iterator[Event]:
        buffer = self._buffer
        if b"\n" not in data or self.is_done:
            buffer += data
            self._check_length(len(buffer))
            return
        lines = (bytes(buffer) + data if buffer else data).split(b"\n")
        buffer[:] = lines.pop()
        for line in lines:
            if self.is_done:
                return
            self._check_length(len(line))
            yield from self._line(line.removesuffix(b"\r"))
        self._check_length(len(buffer))

    def _check_length(self, length: int) -> None:
        if length > MAX_BYTES and not self.is_done:
            raise errors.ModelError("garbage")

    def _line(self, line: bytes) -> Iterator[Event]:
        if line.startswith(b"data:"):
            self._has_data = True
            yield from self._data(line[5:])
        elif not line:
            if self._pending:
                whole = b"\n".join(self._pending)
                self._pending.clear()
                yield from self._event(_parse(whole))
            self._name = b""
        elif line.startswith(b"event:"):
            self._name = line[6:].strip()
        elif not self._has_data and not line.startswith(_FIELDS):
            # A page of something else, that did not begin with a tag.
            raise errors.ModelError("garbage", is_wrong_address=True)

    def _data(self, data: bytes) -> Iterator[Event]:
        """Read one line of data; a part of an object waits for the rest, until the blank line."""
        if (text := data.strip()) == b"[DONE]":
            self.is_done = True
            yield from self._flush()
        elif not self._pending:
            try:
                value = _parse(text) if text else None
            except errors.ModelError:
                self._pending.append(text)
                self._pending_bytes = len(data)
                return
            if text:
                yield from self._event(value)
        else:
            self._pending.append(text)
            self._pending_bytes += len(data)
            self._check_length(self._pending_bytes)

    def _whole(self) -> Iterator[Event]:
        value = _parse(bytes(self._buffer))
        # Neither an answer nor an error: the address is of something else.
        is_answer = isinstance(value, dict) and isinstance(value.get("choices"), list)
        if not is_answer and not _is_error(value):
            raise errors.ModelError("garbage", is_wrong_address=True)
        yield from self._event(value)
        self._is_finished = True

    def _event(self, value: Any) -> Iterator[Event]:
        is_named_error = self._name == b"error"
        if _is_error(value) or (is_named_error and not _choice(value)):
            raise errors.from_stream(value, has_images=self.has_images)
        if not isinstance(value, dict):
            raise errors.ModelError("garbage")
        choice = _choice(value)
        if error := choice.get("error"):
            raise errors.from_stream(error, has_images=self.has_images)
        finish_reason = _text(choice.get("finish_reason"))
        if kind := _BROKEN.get(finish_reason):
            raise errors.ModelError(kind, code=finish_reason)
        self._is_finished = self._is_finished or bool(finish_reason)
        event = self._made(choice, value.get("usage"), finish_reason)
        if event != _NOTHING:
            yield event

    def _made(self, choice: dict[str, Any], usage: Any, finish_reason: str) -> Event:
        delta = choice.get("delta") or choice.get("message")
        if not isinstance(delta, dict):
            delta = {}
        # Kimi sends it with the choice.
        usage = usage if isinstance(usage, dict) else choice.get("usage")
        usage = usage if isinstance(usage, dict) else {}
        return Event(
            text=self._joined(_text(delta.get("content"))),
            reasoning=_clean(_text(delta.get("reasoning_content") or delta.get("reasoning"))),
            tool_calls=_tool_calls(delta.get("tool_calls"), "message" in choice),
            finish_reason=finish_reason,
            input_tokens=_count(usage.get("prompt_tokens")),
            output_tokens=_count(usage.get("completion_tokens")),
        )

    def _joined(self, text: str) -> str:
        """Return text without halves of characters; one at the end waits for the other half."""
        if not text or (text.isascii() and not self._half):
            return text
        text = self._half + text
        self._half = text[-1] if "\ud800" <= text[-1] <= "\udbff" else ""
        return _clean(text[:-1] if self._half else text)

    def _flush(self) -> Iterator[Event]:
        """Yield half a character whose other half never came, as what stands for such."""
        if self._half:
            self._half = ""
            yield Event(text="\ufffd")


def _parse(data: bytes) -> Any:
    """Return the value; bytes that are no text are replaced, what is no JSON is garbage."""
    text = data.decode("utf-8", "replace")
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        pass
    # Not within `except`: the error of the parser has the text in it.
    raise errors.ModelError("garbage")


def _choice(value: Any) -> dict[str, Any]:
    """Return the first choice; another one is of a request for several, and is not looked at."""
    choices = value.get("choices") if isinstance(value, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices else None
    return choice if isinstance(choice, dict) and not choice.get("index") else {}


def _is_error(value: Any) -> bool:
    if isinstance(value, list):
        # Gemini wraps it so.
        return len(value) == 1 and _is_error(value[0])
    if not isinstance(value, dict):
        return False
    # vLLM has said it with `object`, DashScope with nothing but a code and a message.
    is_bare = "choices" not in value and ("message" in value or "msg" in value) and "code" in value
    return bool(value.get("error")) or value.get("object") == "error" or is_bare


def _text(value: Any) -> str:
    """Return a string; of a list of parts (Mistral) the texts."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list):
        return ""
    parts = (part.get("text") for part in value if isinstance(part, dict))
    return "".join(part for part in parts if isinstance(part, str))


def _clean(text: str) -> str:
    """Return text that can be encoded: two halves of a character are one, others replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _tool_calls(value: Any, is_whole: bool) -> tuple[ToolCallDelta, ...]:
    if not isinstance(value, list):
        return ()
    calls = (
        _tool_call(call, at if is_whole else None)
        for at, call in enumerate(value)
        if isinstance(call, dict)
    )
    return tuple(calls)


def _tool_call(call: dict[str, Any], index: int | None) -> ToolCallDelta:
    function = call.get("function")
    function = function if isinstance(function, dict) else {}
    arguments = function.get("arguments")
    if isinstance(arguments, dict):
        # A whole object where the text of one belongs.
        arguments = json.dumps(arguments, ensure_ascii=False)
    identity = call.get("id")
    said = call.get("index")
    return ToolCallDelta(
        index=said if isinstance(said, int) and not isinstance(said, bool) else index,
        id=_clean(_text(str(identity) if isinstance(identity, int) else identity)),
        name=_clean(_text(function.get("name"))),
        arguments=_clean(_text(arguments)),
        extra={name: call[name] for name in call.keys() - _KNOWN_OF_CALLS},
    )


def _count(value: Any) -> int | None:
    is_count = isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 10**12
    return value if is_count else None
