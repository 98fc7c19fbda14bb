"""What answers on the pages of pages.py: forty words in four seconds, or trouble on request."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

WORDS, EVERY = 40, 0.1
#: An image on another host, as an injected prompt would have the agent write it.
IMAGE = "![x](http://127.0.0.1:9/pixel.png?q=SECRET)"
REASON = "the inner reason of the server"


async def said(text: str) -> AsyncIterator[str]:
    """Yield the pieces of the answer to `text`; raises for `fail`."""
    if "fail" in text:
        raise ValueError(REASON)
    if "image" in text:
        yield IMAGE
        return
    for number in range(1, WORDS + 1):
        yield f"word{number} "
        await asyncio.sleep(EVERY)
    yield "**whole**"


async def reply(turn: Any) -> AsyncIterator[str]:
    """Answer as an agent of BotFlow."""
    async for piece in said(turn.text):
        yield piece
