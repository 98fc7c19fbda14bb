"""Watching: a socket that missed frames catches up, one that did not is left alone."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from conversations import watching
from conversations.models import Conversation
from conversations.reading import Place
from conversations.watching import Watcher
from scheduling.group_commit import group_commit
from tests.conversations.working import close, read
from tests.harness.polling import eventually


class FakeSocket:
    """Notes from where it was asked to catch up, and does."""

    def __init__(self, pk: int | None, seq: int = 0) -> None:
        self.place = Place(uuid.uuid4(), "visitor:me", pk)
        self.seq = seq
        self.is_open = True
        self.asked: list[int] = []
        self.was_told_of_its_end = False

    async def catch_up(self, after: int) -> None:
        self.asked.append(after)
        rows = Conversation.objects.filter(pk=self.place.pk)
        self.seq = await read(lambda: rows.values_list("seq", flat=True)[0])

    async def end_erased(self) -> None:
        self.was_told_of_its_end, self.is_open = True, False


@pytest.fixture
async def pk(transactional_db: None) -> AsyncIterator[int]:
    made = await read(lambda: Conversation.objects.create(channel="web", address="a", seq=5))
    yield made.pk
    close(group_commit())


def watcher(*sockets: FakeSocket) -> Watcher:
    one = Watcher()
    one.sockets.update(sockets)
    return one


async def test_a_socket_that_missed_frames_catches_up_after_two_looks(pk):
    late = FakeSocket(pk, seq=3)
    one = watcher(late)

    await one.look()
    assert late.asked == []  # the frames may be on their way

    await one.look()
    assert late.asked == [3]

    await one.look()
    assert late.asked == [3]


async def test_a_socket_that_knows_everything_is_left_alone(pk):
    current = FakeSocket(pk, seq=5)
    one = watcher(current)

    for _ in range(3):
        await one.look()

    assert current.asked == []


async def test_frames_that_arrive_between_two_looks_are_not_sent_twice(pk):
    socket = FakeSocket(pk, seq=3)
    one = watcher(socket)

    await one.look()
    socket.seq = 5
    await one.look()

    assert socket.asked == []


async def test_a_change_since_the_last_look_waits_for_the_next(pk):
    socket = FakeSocket(pk, seq=5)
    one = watcher(socket)
    await one.look()

    await read(lambda: Conversation.objects.update(seq=6))
    await one.look()
    assert socket.asked == []

    await one.look()
    assert socket.asked == [5]


async def test_a_socket_that_closes_is_not_asked(pk):
    late = FakeSocket(pk, seq=3)
    one = watcher(late)
    await one.look()
    late.is_open = False

    await one.look()

    assert late.asked == []


async def test_a_socket_without_a_conversation_is_not_looked_for(pk):
    one = watcher(FakeSocket(None))

    await one.look()
    await one.look()


async def test_who_reads_a_conversation_that_is_erased_is_told_and_others_go_on(pk):
    late, gone = FakeSocket(pk, seq=3), FakeSocket(10**9, seq=0)
    one = watcher(late, gone)

    await one.look()
    await one.look()

    assert (late.asked, gone.asked) == ([3], [])
    assert (late.was_told_of_its_end, gone.was_told_of_its_end) == (False, True)


async def test_one_socket_that_cannot_catch_up_does_not_stop_the_watch(pk, monkeypatch):
    class Broken(FakeSocket):
        async def catch_up(self, after: int) -> None:
            self.asked.append(after)
            raise RuntimeError

    monkeypatch.setattr(watching, "LOOK_EVERY", 0.01)
    one, broken = Watcher(), Broken(pk, seq=3)
    one.add(broken)
    await eventually(lambda: len(broken.asked) > 1, "a second try", 5)

    late = FakeSocket(pk, seq=3)
    one.sockets.add(late)
    await eventually(lambda: late.asked == [3], "the other socket to catch up", 5)

    one.sockets.clear()
    await asyncio.wait_for(one._task, 5)


async def test_the_watch_ends_with_the_last_socket_and_begins_again(pk, monkeypatch):
    monkeypatch.setattr(watching, "LOOK_EVERY", 0.01)
    one, socket = Watcher(), FakeSocket(pk, seq=5)

    for _ in range(2):
        one.add(socket)
        task = one._task
        assert not task.done()
        one.discard(socket)
        await asyncio.wait_for(task, 5)
