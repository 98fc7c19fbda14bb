"""Waiting for a state, with a deadline, and ports nobody uses."""

import asyncio
import socket
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(
    look: Callable[[], Found], what: str, seconds: float = 20, pause: float = 0.02
) -> Found:
    """Return the first true value of `look`; fail after `seconds`."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"Not within {seconds:g} s: {what}"
        time.sleep(pause)
    return found


async def eventually(
    look: Callable[[], Found], what: str, seconds: float = 20, pause: float = 0.02
) -> Found:
    """As `wait_until`, while the event loop goes on."""
    deadline = time.monotonic() + seconds
    while not (found := look()):
        assert time.monotonic() < deadline, f"Not within {seconds:g} s: {what}"
        await asyncio.sleep(pause)
    return found
