"""kill -9 of workers while schedules say texts: the reader sees each occurrence's text once."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.databases import sites
from tests.faults.killer import Killer
from tests.faults.occurrences import check, make, settle
from tests.faults.telling import check_told, texts_for
from tests.harness.client import ChatClient
from tests.harness.site import Site

SECONDS = 20


@pytest.fixture
def both() -> Iterator[list[Site]]:
    with sites(workers=2) as found:
        for site in found:
            site.start_web()
            site.start_cluster()
        for site in found:
            site.wait_ready()
        yield found


async def test_each_text_is_said_once_whichever_workers_die(both: list[Site]) -> None:
    await asyncio.gather(*map(tell_and_kill, both))


async def tell_and_kill(site: Site) -> None:
    async with ChatClient(site.socket_url, keep=True) as reader:
        await reader.answered(await reader.say("hello"), 30)
        plans = await asyncio.to_thread(make, site, texts_for(reader), seconds=SECONDS, lead=2)

        killer = Killer(site, roles=("worker", "worker", "pusher"))
        await killer.go_on(SECONDS, most=1.0)
        await settle(site)

        check(site, plans)
        await check_told(site, reader, plans)
        assert killer.killed["worker"] >= 5
