"""Holding: requests that wait for an answer, with one look at the database for all of them."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from weakref import WeakKeyDictionary

from conversations.models import Message
from scheduling.group_commit import group_commit

# Seconds between two looks.
LOOK_EVERY = 0.1


@dataclass(frozen=True, slots=True)
class Awaited:
    """What a request waits for: a message's answer, or with `is_pickup` anything to hand over."""

    message: int
    conversation: int
    is_pickup: bool = False


class Holding:
    """The requests of one event loop that wait."""

    def __init__(self) -> None:
        self._waiting: dict[asyncio.Future[None], Awaited] = {}
        self._looker: asyncio.Task[None] | None = None

    async def wait(self, awaited: Awaited, *, seconds: float) -> bool:
        """Return True once it is there, False after `seconds`; looks at least once.

        Raises DatabaseError when the database does not come back.
        """
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[future] = awaited
        if self._looker is None or self._looker.done():
            self._looker = asyncio.create_task(self._look())
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            return False
        finally:
            self._waiting.pop(future, None)
        return True

    async def _look(self) -> None:
        while self._waiting:
            waiting = list(self._waiting.items())
            try:
                there = await group_commit().read(find_there, [one for _future, one in waiting])
            except Exception as error:  # noqa: BLE001  Boundary: raised again to all who wait.
                _end(dict(waiting), error)
                return
            _end({future: one for future, one in waiting if one in there})
            await asyncio.sleep(LOOK_EVERY)


def _end(waiting: dict[asyncio.Future[None], Awaited], error: Exception | None = None) -> None:
    for future in waiting:
        if future.done():
            continue
        if error:
            future.set_exception(error)
        else:
            future.set_result(None)


def find_there(awaited: list[Awaited]) -> set[Awaited]:
    """Return what need not be waited for any longer: answered, given up or erased.

    One query, two more for pickups.
    """
    questions = {one.message for one in awaited if not one.is_pickup}
    conversations = {one.conversation for one in awaited if one.is_pickup}
    answering = Message.objects.waiting().order_by()
    open_questions = set(answering.filter(pk__in=questions).values_list("pk", flat=True))
    silent: set[int] = set()
    if conversations:
        busy = answering.filter(conversation__in=conversations)
        silent = set(busy.values_list("conversation", flat=True))
        pending = Message.objects.undelivered().filter(conversation__in=conversations).order_by()
        silent -= set(pending.values_list("conversation", flat=True))
    return {
        one
        for one in awaited
        if (one.conversation not in silent if one.is_pickup else one.message not in open_questions)
    }


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Holding] = WeakKeyDictionary()


def holding() -> Holding:
    """Return the running event loop's own."""
    loop = asyncio.get_running_loop()
    if loop not in _of_loop:
        _of_loop[loop] = Holding()
    return _of_loop[loop]
