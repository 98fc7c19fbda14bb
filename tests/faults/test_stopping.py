"""SIGTERM: the cluster ends in good order, and the next one goes on where it left off."""

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.faults import rows
from tests.faults.checker import check
from tests.faults.traffic import Traffic
from tests.harness.client import ChatClient
from tests.harness.site import Site

GRACE = 1.0


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with Site(agent="tests.agents.slow", workers=2, BOTFLOW_STOP_GRACE=GRACE) as site:
        site.start_web()
        site.start_cluster()
        site.wait_ready()
        yield site


@pytest.mark.parametrize("whole_group", [False, True], ids=["main", "group"])
async def test_a_stop_ends_within_its_grace_and_loses_nothing(
    running: Site, traffic: Traffic, whole_group: bool
) -> None:
    traffic.begin(messages=6)
    await traffic.until_answering()

    began = time.monotonic()
    code = await asyncio.to_thread(running.cluster.terminate, whole_group=whole_group)
    took = time.monotonic() - began
    running.start_cluster()

    assert code == 0
    assert took < GRACE + 3
    await check(traffic)


async def test_a_reply_that_ends_within_the_grace_is_finished(
    running: Site, traffic: Traffic
) -> None:
    client_id = await traffic.say(0, "words=3 every=0.2")
    await traffic.until_answering()

    await asyncio.to_thread(running.cluster.terminate)
    stored = rows.messages(running)
    running.start_cluster()

    own = [row for row in stored if row.client_id == client_id]
    assert own[-1].state == "answered"
    await check(traffic)


async def test_a_longer_reply_is_given_back_and_not_held_against_it(
    running: Site, traffic: Traffic
) -> None:
    await traffic.say(0, "words=8 every=0.25")
    await traffic.until_answering()

    await asyncio.to_thread(running.cluster.terminate, whole_group=True)
    given_back = rows.runs(running)[-1]
    running.start_cluster()

    assert given_back.state == "pending"
    assert given_back.max_attempts - given_back.attempt == 4
    await check(traffic)


async def test_a_stop_and_start_without_work_is_quick(running: Site) -> None:
    began = time.monotonic()
    code = await asyncio.to_thread(running.cluster.terminate, whole_group=True)

    assert code == 0
    assert time.monotonic() - began < 3
    running.start_cluster()


async def test_what_is_said_without_a_cluster_waits_for_one(
    running: Site, traffic: Traffic
) -> None:
    await asyncio.to_thread(running.cluster.terminate)
    traffic.begin(messages=3, every=0.01)
    client: ChatClient = traffic.clients[0]
    await client.wait_for(lambda one: one.state_of("c0-2") == "queued", what="The last message.")

    running.start_cluster()

    await check(traffic)
