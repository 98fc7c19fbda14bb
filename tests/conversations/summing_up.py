"""A summarizer of the test's own, and a conversation to sum up."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from conversations.agents import HistoryMessage, Turn
from conversations.models import Conversation
from conversations.summarizing import SUMMARIZE, find_summarizer
from scheduling.models import Run
from tests.conversations.working import MiniWorker, read, say

#: What `BOTFLOW_SUMMARIZER` names in these tests.
current: Callable[..., Any]
HERE = "tests.conversations.summing_up"
BEGINS = "Summary of the earlier conversation: "


@pytest.fixture
def use_summarizer(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Return a function that makes its argument the summarizer, of a window of six messages."""

    def use(summarizer: Any) -> None:
        monkeypatch.setattr(f"{HERE}.current", summarizer, raising=False)
        settings.BOTFLOW_SUMMARIZER = f"{HERE}.current"
        settings.BOTFLOW_HISTORY_MESSAGES = 6
        find_summarizer.cache_clear()

    return use


@pytest.fixture
def calls(use_summarizer: Any) -> list[tuple[str, list[HistoryMessage]]]:
    """Have a summarizer that keeps what it is given, and joins what users said."""
    given: list[tuple[str, list[HistoryMessage]]] = []

    async def sum_up(previous: str, messages: list[HistoryMessage]) -> str:
        given.append((previous, messages))
        said = [message.content for message in messages if message.role == "user"]
        return " ".join([previous, *said]).strip()

    use_summarizer(sum_up)
    return given


async def talk(worker: MiniWorker, *texts: str) -> None:
    for text in texts:
        await say(text)
        await worker.work()


async def summaries(state: str = "") -> list[Run]:
    runs = Run.objects.filter(action=SUMMARIZE).order_by("pk")
    return await read(lambda: list(runs.filter(state=state) if state else runs))


async def stored() -> Any:
    return await read(lambda: Conversation.objects.get().settings.get("summary"))


def shown(turn: Turn) -> list[str]:
    return [message.content for message in turn.history]
