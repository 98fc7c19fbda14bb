"""The agent of wechat.py and of its peer's comparison: waits, and leaves a mark for each turn."""

import asyncio
import os
from typing import Any


async def waits(turn: Any) -> str:
    """Wait on the network for as many seconds as the text says, then answer."""
    mark = os.open(os.environ["TURNS"], os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    os.write(mark, b".")
    os.close(mark)
    await asyncio.sleep(float(turn.text))
    return f"waited {turn.text} s"
