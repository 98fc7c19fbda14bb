"""The event loop in which agents are checked, watched from outside for what blocks it."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import sys
import sysconfig
import threading
import time
import traceback
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from typing import Any

from conversations.agents.testing.heard import AgentContractError

#: Seconds for which an agent may keep the event loop to itself.
MAY_BLOCK = 0.5
LOOK_EVERY = 0.05


@dataclass
class Watch:
    """What the checks tell their watcher, and what it has seen."""

    #: Whether a blocked loop is held against the agent.
    counts: bool = False
    #: Where the loop stood when it was blocked; the checks end there.
    blocked_at: str = ""


class WatchedLoop:
    """An event loop in a thread of its own."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.thread = threading.Thread(target=self._run, name="agent contract", daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.loop.run_forever()
        # One that ignores its cancellation stays as it is.
        if tasks := asyncio.all_tasks(self.loop):
            for task in tasks:
                task.cancel()
            self.loop.run_until_complete(asyncio.wait(tasks, timeout=1))
        if not asyncio.all_tasks(self.loop):
            self.loop.run_until_complete(self.loop.shutdown_asyncgens())
            self.loop.close()

    def end(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)

    def wait(
        self, checks: concurrent.futures.Future[None], watch: Watch, *, give_up: float
    ) -> None:
        """Wait for the checks, or until the loop is blocked for too long; note where it stands.

        A look that comes late itself counts no more than two: then the whole machine is busy.
        """
        silence, answered = 0.0, threading.Event()
        self.loop.call_soon_threadsafe(answered.set)
        while not checks.done():
            began = time.monotonic()
            concurrent.futures.wait([checks], timeout=LOOK_EVERY)
            if answered.is_set():
                answered.clear()
                self.loop.call_soon_threadsafe(answered.set)
                silence = 0.0
            else:
                silence += min(time.monotonic() - began, 2 * LOOK_EVERY)
            if silence > (MAY_BLOCK if watch.counts else max(give_up, MAY_BLOCK)):
                watch.blocked_at = self._place()
                return

    def _place(self) -> str:
        """Return the file, line and function in which the loop stands, the library's left out."""
        frame = sys._current_frames().get(self.thread.ident or 0)
        stack = traceback.extract_stack(frame) if frame else []
        library = tuple(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
        own = [one for one in stack if not one.filename.startswith((*library, "<"))] or stack
        last = own[-1] if own else None
        return f"{last.filename}:{last.lineno} in {last.name}" if last else "an unknown place"


_lock = threading.Lock()
#: One for all checks that pass: clients keep connections, and locks their loop, from turn to turn.
_current: WatchedLoop | None = None
#: Those in which something went wrong: what still runs in them must not be torn down noisily.
_ended: list[WatchedLoop] = []


@atexit.register
def _end_current() -> None:
    """Let clients close their connections: the interpreter would complain of open ones."""
    if _current:
        _current.end()
        _current.thread.join(1)


def run_watched(checks: Callable[[Watch], Coroutine[Any, Any, None]], *, give_up: float) -> None:
    """Run the checks in the thread; raise what they raise, or that the loop was blocked."""
    global _current
    watch = Watch()
    with _lock:
        watched = _current = _current or WatchedLoop()
        future = asyncio.run_coroutine_threadsafe(checks(watch), watched.loop)
        try:
            watched.wait(future, watch, give_up=give_up)
            if watch.blocked_at:
                raise AgentContractError(
                    f"The agent blocked the event loop for more than {MAY_BLOCK} s at "
                    f"{watch.blocked_at}; await there, or be a plain function."
                )
            future.result()
        except BaseException:
            future.cancel()
            watched.end()
            _ended.append(watched)
            _current = None
            raise
