"""Redis carries frames between machines: while it is away the rows carry them."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.checker import check
from tests.faults.traffic import Traffic
from tests.harness import services
from tests.harness.site import Site, migrated_postgres

# What channels-redis logs when it cannot subscribe, or unsubscribe a socket that is gone.
EXPECTED = "channels_redis|redis.asyncio"


@pytest.fixture(scope="module")
def server() -> Iterator[services.RedisServer]:
    """A Redis of this file's own: other tests must not lose theirs."""
    services.require("redis-server")
    one = services.RedisServer()
    one.start()
    yield one
    one.close()


@pytest.fixture(scope="module")
def running(server: services.RedisServer) -> Iterator[Site]:
    services.require("postgres")
    url = migrated_postgres()
    with Site(agent="tests.agents.slow", workers=2, database_url=url, redis_url=server.url) as site:
        site.start_web()
        site.start_cluster()
        site.wait_ready()
        yield site


async def test_redis_killed_and_started_empty_loses_no_message(
    running: Site, server: services.RedisServer, traffic: Traffic
) -> None:
    traffic.begin(messages=10, every=0.4)
    await traffic.until_answering()

    await asyncio.to_thread(server.kill)
    await asyncio.sleep(2)
    await asyncio.to_thread(server.start)

    await check(traffic, seconds=20, expected_errors=EXPECTED)


async def test_everything_is_answered_and_shown_while_redis_stays_away(
    running: Site, server: services.RedisServer, traffic: Traffic
) -> None:
    await asyncio.to_thread(server.kill)
    try:
        traffic.begin(messages=4)
        await check(traffic, seconds=20, expected_errors=EXPECTED)
    finally:
        await asyncio.to_thread(server.start)


async def test_a_socket_opened_while_redis_is_away_is_served(
    running: Site, server: services.RedisServer
) -> None:
    await asyncio.to_thread(server.kill)
    try:
        async with Traffic(running, clients=1) as traffic:
            traffic.begin(messages=2)
            await check(traffic, seconds=20, expected_errors=EXPECTED)
    finally:
        await asyncio.to_thread(server.start)


async def test_redis_standing_still_delays_and_loses_nothing(
    running: Site, server: services.RedisServer, traffic: Traffic
) -> None:
    traffic.begin(messages=6, every=0.4)
    await traffic.until_answering()

    server.pause()
    await asyncio.sleep(4)
    server.resume()

    await check(traffic, seconds=20, expected_errors=EXPECTED)


async def test_subscriptions_lost_on_the_way_are_made_up_for(
    running: Site, server: services.RedisServer, traffic: Traffic
) -> None:
    traffic.begin(messages=10, every=0.2)
    await traffic.until_answering()

    for _ in range(4):
        await asyncio.to_thread(server.cut_connections)
        await asyncio.sleep(0.3)

    await check(traffic, seconds=20, expected_errors=EXPECTED)
