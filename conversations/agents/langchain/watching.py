"""Watches the model calls inside a chain or graph: their tokens, and whose words are for whom."""

from __future__ import annotations

import asyncio
import threading
from typing import Any
from uuid import UUID

from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.outputs import LLMResult

#: How middleware of `create_agent` marks the calls that it makes for itself.
_INTERNAL = {"lc_internal_call", "lc_source"}


class Stopped(BaseException):
    """The turn is over. As with CancelledError, nobody who handles failures takes it for one."""


class Watch(BaseCallbackHandler):
    """Counts what the models of one turn report, and knows which of their words to keep back.

    Called in the event loop or in the thread of a plain node, always before the piece that it is
    about is seen by the reader of the stream. Once the turn is over it ends the model calls that
    go on: those of plain nodes, whose threads cannot be cancelled, and those that lost their
    cancellation in `asyncio.wait_for`, which before Python 3.12 forgets one that comes with a
    result. Made in the task that reads the stream.
    """

    run_inline = True
    raise_error = True

    def __init__(self, stopped: threading.Event) -> None:
        self._stopped = stopped
        self._is_over = False
        self._reader = asyncio.current_task()
        self._cancelled_before = self._reader.cancelling() if self._reader else 0
        self._usage: dict[UUID, tuple[int, int]] = {}
        self._inside_tools: set[UUID] = set()
        self._hidden: set[UUID] = set()
        self._run_of: dict[str, UUID] = {}
        self._failed: list[str] = []

    @property
    def tokens(self) -> tuple[int | None, int | None]:
        """The tokens (input, output) of all calls so far; None as long as nothing was reported."""
        calls = list(self._usage.values())
        return (sum(c[0] for c in calls), sum(c[1] for c in calls)) if calls else (None, None)

    def end(self) -> None:
        """Let no model call go on from here."""
        self._is_over = True

    def key_of(self, message_id: str | None) -> str | None:
        """Return what is the same for all pieces of a message: some providers change the id."""
        run = self._run_of.get(message_id or "")
        return str(run) if run else message_id

    def is_hidden(self, message_id: str | None) -> bool:
        """Tell words that are not the answer: said in a tool, or to a program."""
        return self._run_of.get(message_id or "") in self._hidden

    def take_failed(self) -> list[str]:
        """Return the keys of messages whose models failed since the last call."""
        failed, self._failed = self._failed, []
        return failed

    def on_chain_start(self, serialized: Any, inputs: Any, **about: Any) -> None:
        self._enter(**about)

    def on_tool_start(self, serialized: Any, input_str: str, **about: Any) -> None:
        self._enter(**about)
        self._inside_tools.add(about["run_id"])

    def on_llm_start(self, serialized: Any, prompts: Any, **about: Any) -> None:
        self._enter(**about)

    def on_chat_model_start(self, serialized: Any, messages: Any, **about: Any) -> None:
        run_id: UUID = about["run_id"]
        self._enter(**about)
        is_structured = (about.get("options") or {}).get("ls_structured_output_format")
        is_internal = _INTERNAL & {*(about.get("metadata") or {})}
        if run_id in self._inside_tools or is_structured or is_internal:
            self._hidden.add(run_id)

    def on_llm_new_token(self, token: Any, *, run_id: UUID, **about: Any) -> None:
        self._check()
        message = getattr(about.get("chunk"), "message", None)
        if message is not None and message.id:
            self._run_of[message.id] = run_id

    def on_llm_end(self, response: LLMResult, *, run_id: UUID, **about: Any) -> None:
        if usage := _usage(response):
            self._usage[run_id] = usage

    def on_llm_error(self, error: BaseException, *, run_id: UUID, **about: Any) -> None:
        self._failed.append(str(run_id))

    def _enter(self, *, run_id: UUID, parent_run_id: UUID | None = None, **about: Any) -> None:
        self._check()
        if parent_run_id in self._inside_tools:
            self._inside_tools.add(run_id)

    def _check(self) -> None:
        cancelled = self._reader.cancelling() if self._reader else 0
        if self._is_over or self._stopped.is_set() or cancelled > self._cancelled_before:
            raise Stopped


def _usage(response: LLMResult) -> tuple[int, int] | None:
    """Return what one call cost, as its message says it or, with older models, the result."""
    for generations in response.generations:
        for generation in generations:
            usage = getattr(getattr(generation, "message", None), "usage_metadata", None)
            if usage:
                return usage["input_tokens"], usage["output_tokens"]
    usage = (response.llm_output or {}).get("token_usage") or {}
    if "prompt_tokens" in usage:
        return usage["prompt_tokens"], usage.get("completion_tokens", 0)
    return None
