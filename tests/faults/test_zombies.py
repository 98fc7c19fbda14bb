"""Processes that stand still past their lease and then wake up as if nothing had happened."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import psutil
import pytest

from tests.faults import rows
from tests.faults.checker import check, is_settled
from tests.faults.traffic import Traffic
from tests.harness.polling import eventually
from tests.harness.site import Site


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    agent = "tests.agents.slow"
    with Site(agent=agent, workers=2, BOTFLOW_LEASE=2, BOTFLOW_APPS="tests.faultapp") as site:
        site.start_web()
        site.start_cluster()
        site.wait_ready()
        yield site


def calls_of(site: Site, text: str) -> list[int]:
    """Return the processes that were asked to answer a text."""
    return [int(line.split()[0]) for line in site.calls() if line.endswith(text)]


def is_saved(site: Site, client_id: str) -> bool:
    return any(
        row.client_id == client_id and row.state == "answering" for row in rows.messages(site)
    )


@pytest.mark.parametrize("orders", ["words=1 every=1.5", "words=10 every=0.1"])
async def test_the_late_result_of_a_frozen_worker_is_refused(
    running: Site, traffic: Traffic, orders: str
) -> None:
    client_id = await traffic.say(0, orders)
    text = traffic.said[0][client_id]
    # Once its first part is saved nothing comes before the write that ends the reply.
    await eventually(lambda: is_saved(running, client_id), "a saved part of the reply")
    frozen = psutil.Process(calls_of(running, text)[0])

    frozen.suspend()
    await traffic.clients[0].answered(client_id)
    await eventually(lambda: is_settled(running), "every row to be finished")
    stored = rows.messages(running)
    frozen.resume()
    await asyncio.sleep(2)  # in which it ends its own attempt, or learns that it lost it

    assert frozen.is_running()
    assert len(set(calls_of(running, text))) == 2
    assert rows.messages(running) == stored
    await check(traffic)


SUBMIT = """
from scheduling.actions import submit
submit("faults.say_who", {"name": "watch", "seconds": 4}, max_attempts=2)
"""


async def test_the_result_of_a_run_is_that_of_its_last_attempt(running: Site) -> None:
    submitting = asyncio.create_task(asyncio.to_thread(running.run, SUBMIT))
    await eventually(lambda: calls_of(running, "watch"), "the first attempt")
    frozen = psutil.Process(calls_of(running, "watch")[0])

    frozen.suspend()
    await eventually(lambda: len(calls_of(running, "watch")) == 2, "the second attempt")
    frozen.resume()  # its own sleep is over, or nearly: it ends while the other attempt runs
    await submitting
    await eventually(lambda: is_settled(running), "the end")

    first, second = calls_of(running, "watch")
    assert first != second
    assert rows.runs(running)[-1].result == str(second)


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
