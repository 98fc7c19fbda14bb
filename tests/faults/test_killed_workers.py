"""kill -9 of workers, busy or idle, at any moment."""

import asyncio
import random

import psutil
import pytest

from tests.faults.checker import check
from tests.faults.traffic import Traffic
from tests.harness.polling import eventually
from tests.harness.site import Site


def busy_worker(site: Site) -> psutil.Process:
    """Return the worker that called the agent last."""
    return psutil.Process(int(site.calls()[-1].split()[0]))


async def test_replies_of_a_killed_worker_are_written_by_another(
    running: Site, traffic: Traffic
) -> None:
    traffic.begin()
    await traffic.until_answering()

    busy_worker(running).kill()

    await check(traffic)


@pytest.mark.parametrize("seed", [1, 2])
async def test_workers_may_be_killed_at_any_moments(
    running: Site, traffic: Traffic, seed: int
) -> None:
    moments = random.Random(seed)
    traffic.begin(messages=6)

    for _ in range(3):
        await asyncio.sleep(moments.uniform(0.05, 0.8))
        await asyncio.to_thread(running.cluster.kill, "worker")

    await check(traffic)


@pytest.mark.parametrize("which", [0, 1])
async def test_no_idle_worker_takes_the_queue_along(
    running: Site, traffic: Traffic, which: int
) -> None:
    await eventually(lambda: running.cluster.is_complete(2), "both workers to be there")
    idle = running.cluster.role("worker")[which]

    idle.kill()
    traffic.begin(messages=3)

    await check(traffic)


async def test_all_workers_killed_at_once_are_replaced(running: Site, traffic: Traffic) -> None:
    await eventually(lambda: running.cluster.is_complete(2), "both workers to be there")
    traffic.begin()
    await traffic.until_answering()

    for worker in running.cluster.role("worker"):
        worker.kill()

    await check(traffic)
    await eventually(lambda: running.cluster.is_complete(2), "both workers to be back", 5)
