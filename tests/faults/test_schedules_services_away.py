"""Redis and PostgreSQL go away while schedules fire, and come back: nothing is lost or doubled."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults import test_database_away, test_redis_away
from tests.faults.occurrences import Books, check, definition, keep_books, make, read, settle
from tests.faults.telling import check_told, texts_for
from tests.harness import services
from tests.harness.client import ChatClient
from tests.harness.polling import eventually
from tests.harness.site import Site, migrated_postgres

SECONDS = 20
EXPECTED = f"{test_database_away.EXPECTED}|{test_redis_away.EXPECTED}"


@pytest.fixture
def redis() -> Iterator[services.RedisServer]:
    services.require("redis-server")
    one = services.RedisServer()
    one.start()
    yield one
    one.close()


@pytest.fixture
def postgres() -> Iterator[services.PostgresServer]:
    services.require("postgres")
    one = services.PostgresServer()
    one.start()
    yield one
    one.close()


@pytest.fixture
def site(redis: services.RedisServer, postgres: services.PostgresServer) -> Iterator[Site]:
    url = migrated_postgres(postgres)
    with Site(database_url=url, redis_url=redis.url, BOTFLOW_APPS="tests.tickapp") as one:
        keep_books(one)
        one.start_web()
        for _ in range(2):
            one.start_cluster()
        one.wait_ready()
        yield one


def succeeded(books: Books) -> int:
    return books.counts()["succeeded"]


async def test_schedules_go_on_without_redis_and_after_a_restart_of_postgresql(
    site: Site, redis: services.RedisServer, postgres: services.PostgresServer
) -> None:
    busy = {"args": {"seconds": 0.3}}
    ticks = [
        definition(expression="* * * * * *", overlap="allow", **busy),
        definition(every=1, **busy),
        definition(every=1, misfire="skip", misfire_grace_seconds=1, **busy),
        definition(every=0.5, misfire="run_once", misfire_grace_seconds=1, **busy),
    ]
    async with ChatClient(site.socket_url, keep=True) as reader:
        await reader.answered(await reader.say("hello"), 30)
        definitions = [*ticks, *texts_for(reader)]
        plans = await asyncio.to_thread(make, site, definitions, seconds=SECONDS)
        await eventually(lambda: succeeded(read(site)) > 10, "some occurrences")

        await asyncio.to_thread(redis.kill)
        before = succeeded(read(site))
        await eventually(lambda: succeeded(read(site)) > before + 20, "more without Redis")
        await asyncio.to_thread(redis.start)
        await asyncio.to_thread(postgres.stop)
        await asyncio.sleep(3)
        await asyncio.to_thread(postgres.start)
        await eventually(lambda: succeeded(read(site)) > before + 25, "more after the restart")
        await asyncio.to_thread(postgres.cut_connections)
        await settle(site)

        books = check(site, plans, expected_errors=EXPECTED)
        await check_told(site, reader, plans)
        assert books.counts()["late"] > 0
