"""Looks once a second for changes that open sockets were not told of, since frames may be lost."""

from __future__ import annotations

import asyncio
import logging
from typing import Protocol
from weakref import WeakKeyDictionary

from django.db import DatabaseError, InterfaceError

from conversations import reading
from conversations.reading import Place
from scheduling.group_commit import group_commit

logger = logging.getLogger(__name__)

# Seconds between looks; a lost frame is made up for after two of them.
LOOK_EVERY = 0.5


class Socket(Protocol):
    """An open socket: where it is, and the largest change it was told of."""

    place: Place
    seq: int
    is_open: bool

    async def catch_up(self, after: int) -> None: ...

    async def end_erased(self) -> None: ...


class Watcher:
    """The open sockets of one event loop; looks only while there are any."""

    def __init__(self) -> None:
        self.sockets: set[Socket] = set()
        self._task: asyncio.Task[None] | None = None
        self._seen: dict[int, int] = {}
        self._helped: set[Socket] = set()

    def add(self, socket: Socket) -> None:
        self.sockets.add(socket)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._watch())

    def discard(self, socket: Socket) -> None:
        self.sockets.discard(socket)

    async def _watch(self) -> None:
        while self.sockets:
            await asyncio.sleep(LOOK_EVERY)
            try:
                await self.look()
            except (DatabaseError, InterfaceError) as error:
                logger.warning("Open sockets cannot be checked; trying again. %s", error)

    async def look(self) -> None:
        """Have the sockets catch up that do not know yet what the last look saw already."""
        sockets = [socket for socket in self.sockets if socket.place.pk]
        earlier = self._seen
        pks = sorted({socket.place.pk for socket in sockets if socket.place.pk})
        self._seen = await group_commit().read(reading.latest_seqs, pks) if pks else {}
        for socket in sockets:
            if socket.place.pk not in self._seen and socket.is_open:
                await socket.end_erased()
        late = [s for s in sockets if s.seq < earlier.get(s.place.pk or 0, 0) and s.is_open]
        helping = {asyncio.create_task(self._help(s)) for s in late if s not in self._helped}
        if helping:
            # One with a long way to go is not waited for.
            await asyncio.wait(helping, timeout=LOOK_EVERY)

    async def _help(self, socket: Socket) -> None:
        self._helped.add(socket)
        try:
            await socket.catch_up(socket.seq)
        except Exception:  # Boundary: the next look may go better; other sockets do not suffer.
            logger.exception("A socket could not catch up.")
        finally:
            self._helped.discard(socket)


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Watcher] = WeakKeyDictionary()


def watcher() -> Watcher:
    """Return the running event loop's own."""
    loop = asyncio.get_running_loop()
    if loop not in _of_loop:
        _of_loop[loop] = Watcher()
    return _of_loop[loop]


def open_sockets() -> int:
    """Return how many sockets this process holds open."""
    return sum(len(one.sockets) for one in list(_of_loop.values()))
