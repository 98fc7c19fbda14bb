"""Channels that record, agents of the test's own, and a worker that goes step by step."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from conversations import budgets
from conversations.agents import AgentError, Turn, get_agent
from conversations.channels import get_channel
from conversations.channels.testing import PostingChannel, RecordingChannel
from scheduling.group_commit import group_commit
from tests.conversations import agents
from tests.conversations.working import MiniWorker, close


@pytest.fixture(autouse=True)
def channels(settings: Any) -> Iterator[None]:
    """Have `web` record its frames and `post` its deliveries; both new for each test."""
    settings.BOTFLOW_CHANNELS = {
        "web": "conversations.channels.testing.RecordingChannel",
        "post": "conversations.channels.testing.PostingChannel",
    }
    get_channel.cache_clear()
    get_agent.cache_clear()
    yield
    get_channel.cache_clear()
    get_agent.cache_clear()


@pytest.fixture(autouse=True)
def budgets_anew() -> None:
    """Have the site's tokens read anew: those of the test before are gone."""
    budgets.forget_sum()


@pytest.fixture
def web(channels: None) -> RecordingChannel:
    channel = get_channel("web")
    assert isinstance(channel, RecordingChannel)
    return channel


@pytest.fixture
def post(channels: None) -> PostingChannel:
    channel = get_channel("post")
    assert isinstance(channel, PostingChannel)
    return channel


@pytest.fixture
def use_agent(settings: Any, monkeypatch: pytest.MonkeyPatch) -> Callable[[Any], None]:
    """Return a function that makes its argument the agent that answers."""

    def use(agent: Any) -> None:
        monkeypatch.setattr(agents, "current", agent, raising=False)
        settings.BOTFLOW_AGENT = "tests.conversations.agents.current"
        get_agent.cache_clear()

    return use


@pytest.fixture
def turns(use_agent: Callable[[Any], None]) -> list[Turn]:
    """Have an agent answer that keeps its turns: `fail` fails, others are echoed as `re: …`."""
    seen: list[Turn] = []

    async def agent(turn: Turn) -> AsyncIterator[str]:
        seen.append(turn)
        yield f"re: {turn.text}"
        if turn.text == "fail":
            raise AgentError("As asked.")

    use_agent(agent)
    return seen


@pytest.fixture
async def worker(transactional_db: None) -> AsyncIterator[MiniWorker]:
    one = MiniWorker()
    yield one
    one.threads.shutdown()
    close(group_commit())
