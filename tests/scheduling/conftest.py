"""Actions that exist for one test."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from scheduling import actions
from scheduling.actions import Action
from scheduling.models import Run
from tests.scheduling.schedule_parts import Clock
from tests.scheduling.workers import Register


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Register:
    """Register a function as an action for this test; return the action's name."""

    def register(function: Callable[..., Any]) -> str:
        name = f"tests.{function.__name__}"
        is_async = asyncio.iscoroutinefunction(function)
        action = Action(name, function, name, is_async=is_async)
        monkeypatch.setitem(actions.registry, name, action)
        return name

    return register


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch, register: Register) -> Clock:
    """Return the queue's clock, stopped at noon, and make the action that schedules have here."""

    async def nothing(run: Run) -> None: ...

    register(nothing)
    stopped = Clock()
    monkeypatch.setattr("scheduling.clock.now", stopped)
    monkeypatch.setattr("scheduling.clock.reckon", stopped)
    return stopped
