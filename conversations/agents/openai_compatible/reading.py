"""One answer of the model while it is read: what is shown of it, what it calls, what it cost."""

from __future__ import annotations

from typing import Any

from conversations.agents.openai_compatible.errors import ModelError
from conversations.agents.openai_compatible.events import Event
from conversations.agents.openai_compatible.tool_calls import ToolCall, ToolCalls
from conversations.agents.openai_compatible.visible import Visible

#: Characters of thoughts and arguments after which an answer counts as endless.
MOST_UNSEEN = 2_000_000


class Reading:
    """Reads events; what `take` and `end` return is shown, in this order."""

    def __init__(self) -> None:
        self.has_text = False
        self.finish_reason = ""
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self._visible = Visible()
        self._texts: list[str] = []
        self._reasoning: list[str] = []
        self._calls = ToolCalls()
        self._unseen = 0

    def take(self, event: Event) -> str:
        """Return what is to be shown of an event; raises ModelError for an answer without end."""
        self.finish_reason = event.finish_reason or self.finish_reason
        # Some servers count on in each event: the last number is that of the whole answer.
        if event.input_tokens is not None:
            self.input_tokens = event.input_tokens
        if event.output_tokens is not None:
            self.output_tokens = event.output_tokens
        if event.reasoning:
            self._reasoning.append(event.reasoning)
        for delta in event.tool_calls:
            self._calls.add(delta)
        shown = self._visible.take(event.text) if event.text else ""
        self._count(event, shown)
        return self._noted(shown)

    def end(self) -> str:
        """Return what was held back to the end."""
        return self._noted(self._visible.end())

    def calls(self) -> list[ToolCall]:
        return self._calls.finish()

    def message(self, calls: list[ToolCall]) -> dict[str, Any]:
        """Return the answer for the next request: with its thoughts, which some servers demand."""
        message: dict[str, Any] = {"role": "assistant", "content": "".join(self._texts)}
        if self._reasoning:
            message["reasoning_content"] = "".join(self._reasoning)
        return message | {"tool_calls": [call.message() for call in calls]}

    def _noted(self, shown: str) -> str:
        if shown:
            self.has_text = True
            self._texts.append(shown)
        return shown

    def _count(self, event: Event, shown: str) -> None:
        if shown and not event.tool_calls and not event.reasoning:
            return
        arguments = sum(len(delta.arguments) for delta in event.tool_calls)
        self._unseen += len(event.text) - len(shown) + len(event.reasoning) + arguments
        if self._unseen > MOST_UNSEEN:
            raise ModelError("garbage")
