"""Turns in which tools are called, and tools of a site's own."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime
from enum import Enum
from typing import Any

from conversations.agents import Turn
from conversations.models import Message
from conversations.tools import call_tool, get_tools, tool_of
from tests.conversations.working import fresh, say

SHANGHAI = {"timezone": "Asia/Shanghai"}
CHINESE = {"timezone": "Asia/Shanghai", "locale": "zh-hans"}


async def turn_in(address: str = "a", **more: Any) -> Turn:
    """Return the turn that answers something said just now in the conversation of an address."""
    [message] = await say("remind me", address=address, **more)
    return turn_of(await fresh(message))


def turn_of(message: Message, **more: Any) -> Turn:
    conversation = message.conversation
    turn = Turn(
        text=message.content,
        history=[],
        conversation=conversation,
        channel=conversation.channel,
        locale=conversation.locale,
        timezone=conversation.timezone,
        id=message.uuid,
        said_at=message.created_at,
    )
    return replace(turn, **more)


async def use(turn: Turn, name: str, **arguments: Any) -> str:
    """Have a model call a built-in tool; return what it is told."""
    return await call_tool(name, arguments, turn, get_tools(["all"]))


async def remind(turn: Turn, when: str = "in 10 minutes", text: str = "stretch") -> str:
    return await use(turn, "create_reminder", when=when, text=text)


async def call(function: Any, turn: Turn, arguments: Any = "{}") -> str:
    """Have a model call a function as the only tool there is."""
    return await call_tool(function.__name__, arguments, turn, [tool_of(function)])


# -- what `BOTFLOW_TOOLS` names in the tests of loading --------------------------------------------


class Color(Enum):
    RED = "red"
    GREEN = "green"


async def weather(city: str, turn: Turn, days: int = 1) -> str:
    """Tell the weather."""
    await asyncio.sleep(0)
    return f"{city}: rain for {days} days, {turn.locale}"


def add(a: int, b: int) -> int:
    """Add two numbers."""
    return a + b


def current_time() -> str:
    """Has the name of a tool that is built in."""
    return "now"


def vague(value) -> str:  # type: ignore[no-untyped-def]
    return str(value)


several = [weather, tool_of(add)]
mixed = [weather, 3]
no_function = "said"
moment = datetime(2026, 11, 25)
