"""Requests by the client of `openai_compatible` alone, without agent or turn."""

from __future__ import annotations

from contextlib import aclosing
from typing import Any

import pytest

from conversations.agents.openai_compatible.client import get_client
from conversations.agents.openai_compatible.errors import ModelError
from conversations.agents.openai_compatible.events import Event

PAYLOAD: dict[str, Any] = {
    "model": "loopback",
    "messages": [{"role": "user", "content": "Hi 😀"}],
    "stream": True,
    "stream_options": {"include_usage": True},
}
IMAGE = {"type": "image_url", "image_url": {"url": "data:image/png;base64,AAAA"}}
WITH_IMAGE = {**PAYLOAD, "messages": [{"role": "user", "content": [IMAGE]}]}


async def ask(payload: dict[str, Any] = PAYLOAD) -> list[Event]:
    async with aclosing(get_client().stream(payload)) as events:
        return [event async for event in events]


async def failure_of(payload: dict[str, Any] = PAYLOAD) -> ModelError:
    """Return the error with which the request ends; fail if it ends well."""
    with pytest.raises(ModelError) as caught:
        await ask(payload)
    return caught.value


def text_of(events: list[Event]) -> str:
    return "".join(event.text for event in events)
