"""The pytest fixtures of the simulator; imported by tests only, for it needs pytest-asyncio."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from wechat.simulator import OfficialAccount, Simulator


@pytest.fixture
def wechat_account() -> OfficialAccount:
    """The account that `wechat` plays; override it, or parametrize with others."""
    return OfficialAccount()


@pytest_asyncio.fixture
async def wechat(wechat_account: OfficialAccount) -> AsyncIterator[Simulator]:
    """A fake WeChat whose API answers; `wechat.connect(url)` says where the site is."""
    async with Simulator(wechat_account) as simulator:
        yield simulator
