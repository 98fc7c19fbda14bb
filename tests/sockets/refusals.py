"""How a server turns a socket away: what it says before it closes, or its HTTP status."""

from __future__ import annotations

import asyncio
import json
from typing import Any
from urllib.parse import urlencode

import websockets
from websockets.asyncio.client import connect

from tests.harness.site import Site


async def first_frames(site: Site, **query: str) -> tuple[list[dict[str, Any]], int | None]:
    """Return the frames until the server closes, and its close code."""
    address = f"{site.socket_url}?{urlencode(query)}"
    frames = []
    async with connect(address) as socket, asyncio.timeout(10):
        try:
            while True:
                frames.append(json.loads(await socket.recv()))
        except websockets.ConnectionClosed:
            return frames, socket.close_code


async def refusal(address: str, headers: list[tuple[str, str]]) -> int:
    """Return the HTTP status of a refused handshake, 101 for one that is let in."""
    try:
        async with connect(address, additional_headers=headers, open_timeout=10):
            return 101
    except websockets.InvalidStatus as refused:
        return refused.response.status_code
