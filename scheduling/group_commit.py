"""Group commit: many small writes of one event loop, in few transactions, from one thread."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

from django.db import InterfaceError, OperationalError, connection

from scheduling.writing import writing

logger = logging.getLogger(__name__)

Item = TypeVar("Item")
Result = TypeVar("Result")
# Threads, each with a connection, for reads that must not hold up the writes.
READERS = 3

#: Gets the items of one transaction and returns a result for each, in order.
Write = Callable[[list[Item]], Sequence[Result]]


@dataclass(slots=True)
class _Waiting:
    write: Write[Any, Any]
    item: Any
    future: asyncio.Future[Any]
    is_read: bool = False


class GroupCommit:
    """Awaitable as `await group_commit(write, item)`: the result once it is committed.

    Whatever was asked for while the last transaction ran goes into the next one, grouped by
    `write`, so a burst costs few commits and a lone write none of its latency. A result that is
    an exception is raised to its caller alone. When a write raises, the transaction is rolled
    back and each item is tried in one of its own, so one bad item fails alone. While the database
    is away or locked the batch is tried again for `patience` seconds, then raises its error.
    """

    def __init__(self, *, name: str, patience: float = 60.0, limit: int = 200) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix=f"{name}-reader")
        self._patience = patience
        self._limit = limit
        self._waiting: list[_Waiting] = []
        self._drainer: asyncio.Task[None] | None = None

    async def __call__(self, write: Write[Item, Result], item: Item) -> Result:
        return await self._ask(write, item, is_read=False)

    async def look(self, read: Write[Item, Result], item: Item) -> Result:
        """Return what `read` finds for the item; a burst of them is read together too."""
        return await self._ask(read, item, is_read=True)

    async def _ask(self, write: Write[Item, Result], item: Item, *, is_read: bool) -> Result:
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(write, item, future, is_read))
        if self._drainer is None or self._drainer.done():
            self._drainer = asyncio.create_task(self._drain())
        return await future

    async def read(self, function: Callable[..., Result], *args: Any) -> Result:
        """Run a function that reads, and may take its time, beside the writes."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._readers, self._patiently, function, args)

    def close(self) -> None:
        """Finish what was asked for and close the connections, each in the thread it belongs to."""
        self._executor.submit(_close_connection)
        # None of the readers takes two of these.
        together = threading.Barrier(READERS)
        for _ in range(READERS):
            self._readers.submit(_close_connection, together)
        for executor in (self._executor, self._readers):
            executor.shutdown(wait=True)

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting:
            batch, self._waiting = self._waiting[: self._limit], self._waiting[self._limit :]
            try:
                results = await loop.run_in_executor(self._executor, self._commit_parts, batch)
            except RuntimeError as error:  # the executor was shut down
                results = [error] * len(batch)
            for waiting, result in zip(batch, results, strict=True):
                _resolve(waiting.future, result)

    def _commit_parts(self, batch: list[_Waiting]) -> list[Any]:
        """Commit what may share a transaction together; return the results in the batch's order."""
        parts: dict[Any, list[int]] = {}
        for place, waiting in enumerate(batch):
            parts.setdefault(_part(waiting), []).append(place)
        results: list[Any] = [None] * len(batch)
        for places in parts.values():
            part = self._commit([batch[place] for place in places])
            for place, result in zip(places, part, strict=True):
                results[place] = result
        return results

    def _commit(self, batch: list[_Waiting]) -> list[Any]:
        """Return a result or an exception for each of the batch."""
        try:
            return self._patiently(_write_together, (batch,))
        except (OperationalError, InterfaceError) as error:
            # The database's failure, not an item's: each alone would take as long again.
            return [error] * len(batch)
        except Exception:  # Boundary: whose item it was is found out by trying each alone.
            if len(batch) > 1:
                return [result for waiting in batch for result in self._commit([waiting])]
            logger.debug("A write failed.", exc_info=True)
            # Once more: who lost a race for a unique row finds the winner's row now.
            return [_error_of(self._patiently, _write_together, (batch,))]

    def _patiently(self, function: Callable[..., Result], args: tuple[Any, ...]) -> Result:
        """Call `function`, again while the database is away; each time on a fresh connection."""
        deadline, pause = time.monotonic() + self._patience, 0.05
        while True:
            try:
                return function(*args)
            except (OperationalError, InterfaceError) as error:
                connection.close()
                if time.monotonic() + pause > deadline:
                    raise
                logger.warning("The database does not answer; trying again. %s", error)
                time.sleep(pause)
                pause = min(pause * 2, 1.0)


def _part(waiting: _Waiting) -> Any:
    """Return what two of a batch have in common if they may share a transaction.

    Reads hold up no writer of another process. Where rows are locked one by one, each write sorts
    its own locks, and two in one transaction would break the order: they could deadlock.
    """
    if waiting.is_read:
        return "reads"
    return waiting.write if connection.features.has_select_for_update else "writes"


def _write_together(batch: list[_Waiting]) -> list[Any]:
    groups: dict[Write[Any, Any], list[int]] = {}
    for place, waiting in enumerate(batch):
        groups.setdefault(waiting.write, []).append(place)
    results: list[Any] = [None] * len(batch)
    with contextlib.nullcontext() if batch[0].is_read else writing():
        for write, places in groups.items():
            for place, result in zip(places, write([batch[i].item for i in places]), strict=True):
                results[place] = result
    return results


def _error_of(function: Callable[..., Any], *args: Any) -> Any:
    try:
        return function(*args)[0]
    except Exception as error:  # noqa: BLE001  Boundary: handed to the caller it belongs to.
        return error


def _resolve(future: asyncio.Future[Any], result: Any) -> None:
    if future.done():  # its caller was cancelled
        return
    if isinstance(result, BaseException):
        future.set_exception(result)
    else:
        future.set_result(result)


def _close_connection(together: threading.Barrier | None = None) -> None:
    if together:
        together.wait()
    connection.close()


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, GroupCommit] = WeakKeyDictionary()


def group_commit() -> GroupCommit:
    """Return the running event loop's own."""
    loop = asyncio.get_running_loop()
    if loop not in _of_loop:
        _of_loop[loop] = GroupCommit(name="group-commit")
    return _of_loop[loop]
