"""Agents for the benchmarks, named by BOTFLOW_AGENT."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any


async def waits(turn: Any) -> AsyncIterator[str]:
    """Wait on the network for as many seconds as the text says, then answer."""
    await asyncio.sleep(float(turn.text))
    yield f"waited {turn.text} s"
