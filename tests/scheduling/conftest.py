"""Actions that exist for one test."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from scheduling import actions
from scheduling.actions import Action
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
