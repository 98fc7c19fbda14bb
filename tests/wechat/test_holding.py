"""Holding: requests wait together, cost no threads, and end with what they wait for."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from django.db import DatabaseError

from conversations.models import Message
from tests.conversations.working import MiniWorker, read, say
from tests.wechat.posting import post, text
from wechat import holding
from wechat.holding import Awaited, find_there
from wechat.models import Inbound


def awaiting(message: Message, *, is_pickup: bool = False) -> Awaited:
    return Awaited(message.pk, message.conversation_id, is_pickup)


async def test_many_held_requests_hold_no_threads(worker: MiniWorker, wechat_on):
    wechat_on.WECHAT_REPLY_DEADLINE = 4.0
    before = threading.active_count()
    requests = [
        asyncio.create_task(post(text("hi", openid=f"oFollower{number:020}")))
        for number in range(30)
    ]
    async with asyncio.timeout(20):
        while await read(Inbound.objects.count) < 30:
            await asyncio.sleep(0.02)

    assert threading.active_count() - before < 15

    for request in requests:
        request.cancel()
    await asyncio.wait(requests)


async def test_a_question_is_waited_for_until_it_is_answered(worker: MiniWorker):
    [message] = await say("hi")
    waiting = asyncio.create_task(holding.holding().wait(awaiting(message), seconds=10))
    assert await read(lambda: find_there([awaiting(message)])) == set()

    await worker.work()

    assert await waiting is True


async def test_the_wait_ends_with_its_time(worker: MiniWorker):
    [message] = await say("hi")
    began = time.monotonic()
    assert await holding.holding().wait(awaiting(message), seconds=0.2) is False
    assert 0.2 <= time.monotonic() - began < 5


@pytest.mark.parametrize("state", ["answered", "failed", "stopped"])
async def test_no_end_of_a_message_is_waited_for_longer(worker: MiniWorker, state: str):
    [message] = await say("hi")
    await read(lambda: Message.objects.filter(pk=message.pk).update(state=state))
    assert await read(lambda: find_there([awaiting(message)])) == {awaiting(message)}


async def test_an_erased_message_is_not_waited_for(worker: MiniWorker):
    [message] = await say("hi")
    await read(message.conversation.delete)
    assert await read(lambda: find_there([awaiting(message)])) == {awaiting(message)}


async def test_a_pickup_waits_while_something_is_answered_and_nothing_is_there(worker: MiniWorker):
    [message] = await say("hi")
    pickup = awaiting(message, is_pickup=True)
    assert await read(lambda: find_there([pickup])) == set()

    await read(lambda: Message.objects.filter(pk=message.pk).update(delivery_state="held"))
    assert await read(lambda: find_there([pickup])) == {pickup}


async def test_all_who_wait_hear_of_a_database_that_is_gone(worker: MiniWorker, monkeypatch):
    def gone(awaited: list[Awaited]) -> set[Awaited]:
        raise DatabaseError("gone")

    monkeypatch.setattr(holding, "find_there", gone)
    one = holding.holding()
    waits = [one.wait(Awaited(number, 1), seconds=10) for number in range(3)]
    ends = await asyncio.gather(*waits, return_exceptions=True)
    assert [type(end) for end in ends] == [DatabaseError] * 3
