"""A small ASGI application that tests/server runs under a real daphne; its paths misbehave."""

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from botflow_site.daphne_limits import install

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

logger = logging.getLogger("toy")

# daphne as it comes, to see that the tests can fail and what the limits are worth.
if not os.environ.get("BOTFLOW_TEST_STOCK"):
    install(max_frame_bytes=64 * 1024, max_unsent_bytes=4 * 1024 * 1024)
    install(max_frame_bytes=64 * 1024, max_unsent_bytes=4 * 1024 * 1024)  # twice is once
    sys.modules["botflow_site.daphne_sockets"].IDLE_HTTP_SECONDS = 3  # for tests that take seconds

FLOOD_FRAME = "x" * 32_000
FLOOD_FRAMES = 1_600


async def application(scope: dict[str, Any], receive: Receive, send: Send) -> None:
    if scope["type"] == "http":
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"fine"})
        return
    await receive()
    if scope["path"] == "/late":
        await asyncio.sleep(2)
    await send({"type": "websocket.accept"})
    await BEHAVIORS.get(scope["path"], echo)(receive, send)


async def echo(receive: Receive, send: Send, pause_seconds: float = 0) -> None:
    while (event := await receive())["type"] == "websocket.receive":
        await asyncio.sleep(pause_seconds)
        await send({"type": "websocket.send", "text": event.get("text") or "(binary)"})
    if event["code"] == 1012:
        await asyncio.sleep(0.1)  # what a consumer still has to write down
    logger.info("disconnect handled, code %s", event["code"])


async def echo_20_per_second(receive: Receive, send: Send) -> None:
    await echo(receive, send, pause_seconds=0.05)


async def echo_after_a_nap(receive: Receive, send: Send) -> None:
    await asyncio.sleep(5)
    await echo(receive, send)


async def flood(receive: Receive, send: Send) -> None:
    await receive()
    for _ in range(FLOOD_FRAMES):
        await send({"type": "websocket.send", "text": FLOOD_FRAME})
        await asyncio.sleep(0)
    logger.info("flood sent")
    await echo(receive, send)


async def close_then_listen(receive: Receive, send: Send) -> None:
    await send({"type": "websocket.close", "code": 4000})
    while (event := await receive())["type"] == "websocket.receive":
        logger.info("heard after close: %s", event["text"])
    logger.info("disconnect handled, code %s", event["code"])


async def talk_for_ever(receive: Receive, send: Send) -> None:
    heard = asyncio.ensure_future(receive())
    while not heard.done() or heard.result()["type"] == "websocket.receive":
        if heard.done():
            heard = asyncio.ensure_future(receive())
        await send({"type": "websocket.send", "text": "tick"})
        await asyncio.sleep(0.02)
    logger.info("disconnect handled, code %s", heard.result()["code"])


BEHAVIORS = {
    "/slow": echo_20_per_second,
    "/nap": echo_after_a_nap,
    "/flood": flood,
    "/closes": close_then_listen,
    "/talks": talk_for_ever,
}

assert "daphne.server" in sys.modules
