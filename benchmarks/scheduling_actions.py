"""The action that the schedules of scheduling.py have; the worker imports it as its agent."""

from collections.abc import AsyncIterator
from typing import Any

from scheduling.actions import action


@action("benchmarks.nothing")
async def nothing(run: Any) -> None:
    """Return at once: what is left is the cost of scheduling."""


async def silent(turn: Any) -> AsyncIterator[str]:
    yield ""
