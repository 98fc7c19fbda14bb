"""One turn with the model: requests and answers, tools between them, and what can be mended."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from conversations.agents.contract import AgentError, Chunk, HistoryMessage, Turn
from conversations.agents.openai_compatible.errors import ModelError
from conversations.agents.openai_compatible.events import Event
from conversations.agents.openai_compatible.images import Part
from conversations.agents.openai_compatible.reading import Reading
from conversations.agents.openai_compatible.request import (
    Message,
    ToolLike,
    is_summary,
    messages_of,
    payload_of,
)
from conversations.agents.openai_compatible.tool_calls import ToolCall

logger = logging.getLogger(__name__)

#: Carries a call out and returns what the model is told; raises nothing.
CallTool = Callable[[str, str, Turn], Awaitable[str]]

# How answers end that are not whole, in the words of OpenAI, GLM and others.
_CUT = ("length", "max_tokens", "model_context_window_exceeded", "model_length")
_FILTERED = ("content_filter", "sensitive")


class Exchange:
    """Goes `payload`, `read` for each event, `conclude`, `carry_out`, until `is_over`.

    What the model says before it calls tools is part of the reply; tokens are those of all
    requests, as far as the server reports them.
    """

    def __init__(
        self,
        turn: Turn,
        *,
        tools: Sequence[ToolLike] = (),
        call_tool: CallTool | None = None,
        images: Mapping[str, Part] | None = None,
        prompt: str = "",
    ) -> None:
        self.turn = turn
        self.is_over = False
        self._tools = tools
        self._call_tool = call_tool or _no_tool
        self._images = images or {}
        self._prompt = prompt
        self._history: Sequence[HistoryMessage] = turn.history
        self._since: list[Message] = []
        self._rounds = 0
        self._has_tools = self._has_usage = True
        self._reading = Reading()
        self._calls: list[ToolCall] = []
        self._spent: tuple[int | None, int | None] = (None, None)
        # The last characters shown, and what goes before the next.
        self._ending = self._gap = ""

    @property
    def _may_call(self) -> bool:
        return self._has_tools and self._rounds < settings.BOTFLOW_TOOL_ROUNDS

    def payload(self) -> dict[str, Any]:
        """Return the next request; what is read from here on answers it."""
        self._spent = self._tokens()
        self._reading = Reading()
        if self._ending:
            # A blank line between what was said before and after a tool.
            self._gap = "\n\n"[len(self._ending) - len(self._ending.rstrip("\n")) :]
        tools = self._tools if self._has_tools else ()
        messages = messages_of(
            self.turn, tools, images=self._images, history=self._history, prompt=self._prompt
        )
        return payload_of(
            [*messages, *self._since],
            tools=tools,
            may_call=self._may_call,
            has_tools=self._has_tools,
            has_usage=self._has_usage,
        )

    def read(self, event: Event) -> Chunk | None:
        """Return what an event adds to the reply, if anything."""
        text = self._reading.take(event)
        is_counted = event.input_tokens is not None or event.output_tokens is not None
        return self._chunk(text) if text or is_counted else None

    def conclude(self) -> Chunk | None:
        """Take note that the answer has ended; return what is still to be shown.

        Raises AgentError for an answer that is none, or broke off.
        """
        text = self._reading.end()
        chunk = self._chunk(text) if text else None
        self._calls = self._reading.calls() if self._may_call else []
        finish_reason = self._reading.finish_reason
        if finish_reason in _FILTERED:
            raise ModelError("filtered")
        if finish_reason in _CUT:
            return self._cut(chunk.text if chunk else "")
        self.is_over = not self._calls
        if self.is_over and not self._ending:
            raise self._silent()
        return chunk

    def _cut(self, text: str) -> Chunk:
        """End the reply where the model's limit did; a call that was cut is not carried out."""
        self.is_over = True
        if not self._ending:
            raise self._silent(
                "The model reached its limit of tokens before it said anything. Raise max_tokens "
                "in BOTFLOW_MODEL_OPTIONS, or have it think less."
            )
        with translation.override(self.turn.locale):
            note = _("… (cut: the model's limit was reached)")
        return Chunk(f"{text}\n\n{note}", *self._tokens())

    def _silent(self, reason: str = "The model's answer was empty.") -> AgentError:
        with translation.override(self.turn.locale):
            sentence = _("The assistant had nothing to say. Please try again.")
        return AgentError(sentence, reason=reason)

    async def carry_out(self) -> None:
        """Carry out what the model called for, in its order, and keep it for the next request."""
        self._rounds += 1
        self._since.append(self._reading.message(self._calls))
        for call in self._calls:
            result = await self._call_tool(call.name, call.arguments, self.turn)
            self._since.append({"role": "tool", "tool_call_id": call.id, "content": result})

    def recover(self, error: ModelError) -> bool:
        """Tell whether the request is worth another try without what the server refused.

        Each remedy once in a turn, and only while nothing of the answer is shown.
        """
        left_out = "" if self._reading.has_text else self._leave_out(error)
        if left_out:
            # Each time: it costs a request, and may cost the user a reminder.
            logger.warning("The model's server refused %s; it is asked without.", left_out)
        return bool(left_out)

    def _leave_out(self, error: ModelError) -> str:
        """Leave something out of the next request; return what, "" where nothing would help."""
        is_refused = error.kind in ("refused", "not_found")
        if error.kind == "too_long" and self._history is self.turn.history and self._history:
            self._history = _newer_half(self._history)
            return "the older messages"
        if error.kind == "images" and self._images:
            self._images = {}
            return "the images"
        if is_refused and "stream_options" in error.about and self._has_usage:
            self._has_usage = False
            return "stream_options"
        if is_refused and self._has_tools and self._is_about_tools(error):
            self._has_tools = False
            return "the tools"
        if error.kind == "refused" and any("reasoning_content" in one for one in self._since):
            # DeepSeek demands them back, others know no such field.
            for message in self._since:
                message.pop("reasoning_content", None)
            return "the model's thoughts"
        return ""

    def _is_about_tools(self, error: ModelError) -> bool:
        """Tell a model without tools (Ollama, OpenRouter) and a `tool_choice` that is not taken."""
        return bool(self._tools) and ("tools" in error.about or not self._may_call)

    def _chunk(self, text: str) -> Chunk:
        if text:
            text, self._gap = self._gap + text, ""
            self._ending = (self._ending + text)[-2:]
        return Chunk(text, *self._tokens())

    def _tokens(self) -> tuple[int | None, int | None]:
        reported = (self._reading.input_tokens, self._reading.output_tokens)
        return _plus(self._spent[0], reported[0]), _plus(self._spent[1], reported[1])


def _plus(before: int | None, more: int | None) -> int | None:
    return more if before is None else before + (more or 0)


def _newer_half(history: Sequence[HistoryMessage]) -> list[HistoryMessage]:
    """Return a history without its older half; a summary at its beginning stays."""
    summary = [*history[:1]] if is_summary(history[0]) else []
    rest = history[len(summary) :]
    newer = [*rest[(len(rest) + 1) // 2 :]]
    if newer and newer[0].role == "assistant":
        # What it answers is gone.
        del newer[0]
    return summary + newer


async def _no_tool(name: str, arguments: str, turn: Turn) -> str:
    return "Error: there is no such tool."
