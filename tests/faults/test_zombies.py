"""Processes that stand still past their lease and then wake up as if nothing had happened."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import psutil
import pytest

from tests.faults.checker import check
from tests.faults.traffic import Traffic
from tests.harness.polling import eventually
from tests.harness.site import Site


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with Site(agent="tests.agents.slow", workers=2, BOTFLOW_LEASE=2) as site:
        site.start_web()
        site.start_cluster()
        site.wait_ready()
        yield site


def calls_of(site: Site, text: str) -> list[int]:
    """Return the processes that were asked to answer a text."""
    return [int(line.split()[0]) for line in site.calls() if line.endswith(text)]


async def test_the_late_result_of_a_frozen_worker_is_refused(
    running: Site, traffic: Traffic
) -> None:
    client_id = await traffic.say(0, "words=10 every=0.1")
    text = traffic.said[0][client_id]
    await traffic.until_answering()
    frozen = psutil.Process(calls_of(running, text)[0])

    frozen.suspend()
    await eventually(lambda: len(calls_of(running, text)) == 2, "another worker to take over", 8)
    frozen.resume()

    await check(traffic)
    assert len(set(calls_of(running, text))) == 2
    assert frozen.is_running()


async def test_a_whole_frozen_cluster_is_replaced_by_another_and_wakes_up_harmless(
    running: Site, traffic: Traffic
) -> None:
    first = running.cluster
    traffic.begin(messages=4)
    await traffic.until_answering()

    for process in first.processes():
        process.suspend()
    running.start_cluster()
    await asyncio.sleep(4)
    for process in first.processes():
        process.resume()

    await check(traffic)
    assert await asyncio.to_thread(first.terminate) == 0


async def test_a_worker_that_finishes_during_a_long_grace_keeps_its_lease(
    traffic_with_long_grace: Traffic,
) -> None:
    traffic = traffic_with_long_grace
    first = traffic.site.cluster
    client_id = await traffic.say(0, "words=20 every=0.25")
    await traffic.until_answering()

    traffic.site.start_cluster()
    assert await asyncio.to_thread(first.terminate) == 0

    await check(traffic)
    assert len(calls_of(traffic.site, traffic.said[0][client_id])) == 1


@pytest.fixture
async def traffic_with_long_grace() -> AsyncIterator[Traffic]:
    agent = "tests.agents.slow"
    with Site(agent=agent, BOTFLOW_LEASE=2, BOTFLOW_STOP_GRACE=10) as site:
        site.start_web()
        site.start_cluster()
        await asyncio.to_thread(site.wait_ready)
        async with Traffic(site, clients=1) as traffic:
            yield traffic
