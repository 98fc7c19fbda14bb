"""kill -9 of what feeds and watches the workers: the pusher, the sentinel, the main process."""

import asyncio

from tests.faults.checker import check
from tests.faults.traffic import Traffic
from tests.harness.polling import eventually
from tests.harness.site import Site


async def test_a_killed_pusher_is_replaced(running: Site, traffic: Traffic) -> None:
    traffic.begin()
    await traffic.until_answering()

    await asyncio.to_thread(running.cluster.kill, "pusher")

    await check(traffic)


async def test_a_killed_sentinel_is_replaced_and_leaves_no_orphans(
    running: Site, traffic: Traffic
) -> None:
    await eventually(lambda: running.cluster.is_complete(2), "the cluster to be complete")
    before = {process.pid for process in running.cluster.processes()} - {running.cluster.pid}
    traffic.begin()
    await traffic.until_answering()

    await asyncio.to_thread(running.cluster.kill, "sentinel")

    await check(traffic)
    await eventually(lambda: running.cluster.is_complete(2), "a new tree", 5)
    assert not before & {process.pid for process in running.cluster.processes()}


async def test_a_killed_main_process_leaves_no_orphans_and_loses_nothing(
    running: Site, traffic: Traffic
) -> None:
    traffic.begin()
    await traffic.until_answering()

    await asyncio.to_thread(running.cluster.kill, "main")
    await eventually(running.cluster.is_gone, "every orphan to be gone", 5)
    running.start_cluster()

    await check(traffic)


async def test_a_cluster_killed_as_a_whole_takes_up_its_work_when_started_again(
    running: Site, traffic: Traffic
) -> None:
    traffic.begin(messages=8, every=0.05)
    await traffic.until_answering()

    await asyncio.to_thread(running.cluster.kill_all)
    running.start_cluster()

    await check(traffic)
