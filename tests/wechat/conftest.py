"""A site with WeChat switched on in plain mode, and no way out: what it sends goes nowhere."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from conversations.agents import get_agent
from conversations.channels import get_channel
from scheduling.group_commit import group_commit
from tests.conversations.working import MiniWorker, close
from tests.wechat.posting import APP_ID, TOKEN


@pytest.fixture
def wechat_on(settings: Any) -> Iterator[Any]:
    """Switch the channel on for an account that may only reply; return the settings."""
    settings.WECHAT_TOKEN = TOKEN
    settings.WECHAT_APP_ID = APP_ID
    settings.WECHAT_REPLY = "passive"
    settings.WECHAT_REPLY_DEADLINE = 0.6
    settings.BOTFLOW_CHANNELS = {
        "web": "conversations.channels.testing.RecordingChannel",
        "wechat": "wechat.channel.WeChatChannel",
    }
    get_channel.cache_clear()
    get_agent.cache_clear()
    yield settings
    get_channel.cache_clear()
    get_agent.cache_clear()


@pytest.fixture
async def worker(transactional_db: None) -> AsyncIterator[MiniWorker]:
    one = MiniWorker()
    yield one
    one.threads.shutdown()
    close(group_commit())
