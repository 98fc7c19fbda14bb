"""Agents that block threads of the event loop hold up neither one another nor the end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import pytest

from tests.harness.client import ChatClient
from tests.harness.polling import eventually
from tests.harness.site import Site

GRACE = 1.0


@pytest.fixture
def site() -> Iterator[Site]:
    with Site(agent="tests.agents.blocks_in_a_thread", BOTFLOW_STOP_GRACE=GRACE) as site:
        site.start_web()
        site.start_cluster()
        site.wait_ready()
        yield site


async def test_they_block_side_by_side_and_none_keeps_the_worker_from_ending(site: Site) -> None:
    clients = [ChatClient(site.socket_url) for _ in range(40)]
    await asyncio.gather(*(client.connect() for client in clients))
    try:
        began = time.monotonic()
        said = [await client.say("seconds=1.5") for client in clients]
        pairs = zip(clients, said, strict=True)
        await asyncio.gather(*(client.answered(each) for client, each in pairs))
        assert time.monotonic() - began < 4.5  # with a handful of threads: 10 s and more

        await clients[0].say("seconds=600")
        await eventually(lambda: site.calls()[-1].endswith("seconds=600"), "the agent to be asked")
        began = time.monotonic()
        assert await asyncio.to_thread(site.cluster.terminate) == 0
        assert time.monotonic() - began < GRACE + 3
    finally:
        await asyncio.gather(*(client.close() for client in clients))
