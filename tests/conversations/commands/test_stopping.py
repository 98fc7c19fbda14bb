"""`/stop` acts when it is received, although the conversation's turn is taken, and says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from conversations.agents import Turn
from conversations.arriving import arrive, receive
from conversations.models import Message
from scheduling import attempts
from tests.conversations.commands.carrying import answer_to, command
from tests.conversations.working import NAME, fresh, incoming, read, say


@pytest.fixture
def begun(use_agent) -> asyncio.Event:
    """Have an agent that never ends; return what is set once it has begun."""
    event = asyncio.Event()

    async def endless(turn: Turn) -> AsyncIterator[str]:
        yield "half "
        event.set()
        await asyncio.Event().wait()

    use_agent(endless)
    return event


@pytest.mark.parametrize("typed", ["/stop", "/停止", "／STOP!"])
async def test_the_running_answer_is_stopped_at_once_and_the_reply_says_so(worker, begun, typed):
    [message] = await say("tell me everything")
    run = await worker.start()
    performing = asyncio.create_task(worker.perform(run))
    await begun.wait()

    received = await arrive(incoming(typed))
    assert await read(lambda: attempts.cancel_requests(NAME)) == {run.pk}
    await worker.interrupt(performing, run, "cancelled")
    await worker.end(run, performing.result())

    assert await answer_to(worker, received.message) in ("Stopped.", "已停止。")
    assert (await fresh(message)).state == "stopped"


async def test_an_answer_that_has_not_begun_is_stopped_too(worker):
    [message] = await say("hi")

    received = await arrive(incoming("/stop"))

    assert (await fresh(message)).state == "stopped"
    assert await answer_to(worker, received.message) == "Stopped."


async def test_a_stop_with_nothing_to_stop_says_so(worker):
    assert await command(worker, "hi") == "hi"

    received = await arrive(incoming("/stop"))

    assert await answer_to(worker, received.message) == "Nothing was being answered."


async def test_what_was_stopped_before_is_not_claimed(worker):
    await say("hi")
    await arrive(incoming("/stop"))
    await worker.work()

    received = await arrive(incoming("/stop"))

    assert await answer_to(worker, received.message) == "Nothing was being answered."


async def test_only_the_own_conversation_is_stopped(worker):
    [message] = await say("hi", address="another")

    await arrive(incoming("/stop"))

    assert (await fresh(message)).state == "queued"


async def test_a_second_delivery_stops_what_the_first_one_did_not_come_to(worker):
    [message] = await say("hi")
    await say("/stop", external_id="x")  # stored, and the server died

    received = await arrive(incoming("/stop", external_id="x"))

    assert received.is_new is False
    assert (await fresh(message)).state == "stopped"


async def test_what_is_said_after_a_stop_is_answered(worker):
    await say("hi")
    await arrive(incoming("/stop"))
    [later] = await say("and now?")
    await arrive(incoming("/stop", external_id="again", address="another"))

    assert await answer_to(worker, later) == "and now?"


@pytest.mark.django_db(transaction=True)
def test_a_channel_without_an_event_loop_stops_too():
    message = receive(incoming("hi")).message

    receive(incoming("/stop"))

    assert Message.objects.get(pk=message.pk).state == "stopped"
