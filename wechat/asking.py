"""Asks WeChat from where no event loop runs: a command, or a page of the admin."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from scheduling.group_commit import group_commit
from wechat.client import WeChatClient, client

Answer = TypeVar("Answer")


def ask_wechat(use: Callable[[WeChatClient], Awaitable[Answer]]) -> Answer:
    """Await `use` on an event loop of its own, which ends with it; raises what `use` does."""

    async def ask() -> Answer:
        try:
            return await use(client())
        finally:
            # It belongs to this loop, and its threads hold connections to the database.
            await asyncio.to_thread(group_commit().close)

    return asyncio.run(ask())
