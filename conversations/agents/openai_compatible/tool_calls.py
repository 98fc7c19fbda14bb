"""Puts calls of tools together from the pieces in which servers stream them, each in its way."""

from __future__ import annotations

import json
import re
import uuid
from dataclasses import dataclass, field
from typing import Any

from conversations.agents.openai_compatible.events import ToolCallDelta

#: Calls of one answer; what a model asks for beyond is left out.
MOST_CALLS = 32

_NAME = re.compile(r"[^a-zA-Z0-9_-]")


@dataclass
class ToolCall:
    """A call as it was asked for; arguments are JSON if the model did well."""

    id: str = ""
    name: str = ""
    arguments: str = ""
    #: Fields beyond the standard, to be sent back as they came: Gemini's signatures of thoughts.
    extra: dict[str, Any] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return _is_object(self.arguments)

    def message(self) -> dict[str, Any]:
        """Return it for the history, where servers refuse names and arguments of other forms."""
        arguments = self.arguments if self.is_complete else "{}"
        name = _NAME.sub("_", self.name)[:64] or "unknown"
        function = {"name": name, "arguments": arguments}
        return {**self.extra, "id": self.id, "type": "function", "function": function}


class ToolCalls:
    """Collects pieces. An index is no identity: some send none, some the same for every call.

    A name with an id of its own begins a call; a piece with a known id, or none, goes on with one.
    Seen: Gemini sends no index and whole calls; Ollama index 0 for all of them; Qwen "" as the id
    and null as the name of later pieces; vLLM has sent a new id with each piece; others repeat id
    and name in each, or send no id.
    """

    def __init__(self) -> None:
        self._calls: list[ToolCall] = []
        self._by_index: dict[int, ToolCall] = {}

    def __bool__(self) -> bool:
        return bool(self._calls)

    def add(self, delta: ToolCallDelta) -> None:
        call = self._known(delta)
        if call is None:
            call = ToolCall()
            self._calls.append(call)
        if delta.index is not None:
            self._by_index[delta.index] = call
        call.id = call.id or delta.id
        if not call.arguments:
            # Whole again in each piece, or in pieces itself.
            is_whole = delta.name.startswith(call.name)
            call.name = delta.name if is_whole else call.name + delta.name
        call.arguments += delta.arguments
        call.extra.update(delta.extra or {})

    def _known(self, delta: ToolCallDelta) -> ToolCall | None:
        """Return the call that the piece goes on with; None if it begins one."""
        if delta.id:
            for call in reversed(self._calls):
                if call.id == delta.id:
                    return call
        before = self._calls[-1] if self._calls else None
        if delta.index is not None:
            before = self._by_index.get(delta.index)
        if before is None:
            return None
        if delta.id and before.id and delta.name:
            return None
        # Without an id a name begins a call, unless it only repeats that of an unfinished one.
        is_next = bool(delta.name) and (before.is_complete or before.name not in ("", delta.name))
        return None if is_next and before.arguments else before

    def finish(self) -> list[ToolCall]:
        """Return the calls in their order, each with an id of its own."""
        calls = [call for call in self._calls if call.name or call.arguments][:MOST_CALLS]
        for call in calls:
            call.arguments = _tidied(call.arguments)
            # Nine letters and digits: Mistral takes no other ids.
            call.id = call.id or uuid.uuid4().hex[:9]
        return calls


def _tidied(arguments: str) -> str:
    """Return arguments without what stood in for them before they came, `{}` for none."""
    arguments = arguments.strip()
    if arguments in ("", "null"):
        return "{}"
    rest = arguments.removeprefix("{}").lstrip()
    return rest if rest and _is_object(rest) else arguments


def _is_object(text: str) -> bool:
    try:
        return text[-1:] == "}" and isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
