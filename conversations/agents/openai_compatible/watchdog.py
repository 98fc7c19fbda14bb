"""Ends the reading of an answer that stalls, with one timer for a whole stream."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import aiohttp


class Watchdog:
    """Closes a response whose next part does not come in time, so that the read of it fails.

    Each part moves the deadline, which is a number; the timer looks at it when it fires. A timer
    made anew for each of ten thousand parts a second would cost more than reading them.
    """

    def __init__(self, seconds: float) -> None:
        """Begin to watch: `seconds` is for everything up to the first byte of the body."""
        self.has_bitten = False
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._deadline: float | None = self._loop.time() + seconds
        self._timer: asyncio.TimerHandle | None = None
        self._response: aiohttp.ClientResponse | None = None

    @contextmanager
    def watching(self, response: aiohttp.ClientResponse) -> Iterator[None]:
        self._response = response
        self._look()
        try:
            yield
        finally:
            if self._timer:
                self._timer.cancel()
            self._response = None

    def watch(self, seconds: float) -> None:
        """Expect the next part within these seconds."""
        self._seconds = seconds
        self._deadline = self._loop.time() + seconds
        if self._timer and self._timer.when() > self._deadline:
            self._timer.cancel()
            self._timer = self._loop.call_at(self._deadline, self._look)

    def rest(self) -> None:
        """Expect nothing: whoever reads is busy with the part that came."""
        self._deadline = None

    def _look(self) -> None:
        now = self._loop.time()
        if self._deadline is not None and now >= self._deadline:
            self.has_bitten = True
            if self._response:
                self._response.close()
            return
        # While it rests, it looks again after the shortest time in which a part could be late.
        again = now + self._seconds if self._deadline is None else self._deadline
        self._timer = self._loop.call_at(again, self._look)
