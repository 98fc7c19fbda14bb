"""kill -9 of workers while schedules say texts: the reader sees each occurrence's text once."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.killer import Killer
from tests.faults.occurrences import check, keep_books, make, settle
from tests.faults.telling import check_told, texts_for
from tests.harness import services
from tests.harness.client import ChatClient
from tests.harness.site import Site, migrated_postgres

SECONDS = 20


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    url = ""
    if request.param == "postgresql":
        services.require("postgres")
        url = migrated_postgres()
    with Site(workers=2, database_url=url, BOTFLOW_APPS="tests.tickapp") as one:
        keep_books(one)
        one.start_web()
        one.start_cluster()
        one.wait_ready()
        yield one


async def test_each_text_is_said_once_whichever_workers_die(site: Site) -> None:
    async with ChatClient(site.socket_url, keep=True) as reader:
        await reader.answered(await reader.say("hello"), 30)
        plans = await asyncio.to_thread(make, site, texts_for(reader), seconds=SECONDS, lead=2)

        killer = Killer(site, roles=("worker", "worker", "pusher"))
        await killer.go_on(SECONDS, most=1.0)
        await settle(site)

        check(site, plans)
        await check_told(site, reader, plans)
        assert killer.killed["worker"] >= 5
