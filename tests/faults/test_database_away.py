"""The database stops, stands still, or is locked by somebody else, and comes back."""

import asyncio
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.faults.checker import check
from tests.faults.traffic import Traffic
from tests.harness import services
from tests.harness.site import Site, migrated_postgres

AWAY = 5.0
# What Django and psycopg raise while the server is away.
EXPECTED = "OperationalError|InterfaceError|AdminShutdown|ConnectionTimeout"


@pytest.fixture(scope="module")
def server() -> Iterator[services.PostgresServer]:
    """A PostgreSQL of this file's own: other tests must not lose theirs."""
    services.require("postgres")
    one = services.PostgresServer()
    one.start()
    yield one
    one.close()


@pytest.fixture(scope="module")
def running(server: services.PostgresServer) -> Iterator[Site]:
    with Site(agent="tests.agents.slow", workers=2, database_url=migrated_postgres(server)) as site:
        site.start_web()
        site.start_cluster()
        site.wait_ready()
        yield site


async def test_a_restart_of_postgresql_loses_nothing(
    running: Site, server: services.PostgresServer, traffic: Traffic
) -> None:
    traffic.begin(messages=8, every=0.5)
    await traffic.until_answering()

    await asyncio.to_thread(server.stop)
    await asyncio.sleep(AWAY)
    assert running.health().get("status") != "ok"
    await asyncio.to_thread(server.start)

    await check(traffic, seconds=20, expected_errors=EXPECTED)
    assert running.web.main.poll() is None


async def test_postgresql_standing_still_delays_and_loses_nothing(
    running: Site, server: services.PostgresServer, traffic: Traffic
) -> None:
    traffic.begin(messages=8, every=0.5)
    await traffic.until_answering()

    server.pause()
    await asyncio.sleep(AWAY)
    server.resume()

    await check(traffic, seconds=20, expected_errors=EXPECTED)


async def test_connections_cut_by_an_operator_are_made_again(
    running: Site, server: services.PostgresServer, traffic: Traffic
) -> None:
    traffic.begin(messages=6, every=0.3)
    await traffic.until_answering()

    for _ in range(3):
        await asyncio.to_thread(server.cut_connections)
        await asyncio.sleep(0.4)

    await check(traffic, seconds=20, expected_errors=EXPECTED)


async def test_sqlite_locked_by_another_process_delays_and_loses_nothing() -> None:
    with Site(agent="tests.agents.slow", workers=2) as site:
        site.start_web()
        site.start_cluster()
        await asyncio.to_thread(site.wait_ready)
        async with Traffic(site) as traffic:
            traffic.begin(messages=8, every=0.5)
            await traffic.until_answering()

            await asyncio.to_thread(hold_lock, site, AWAY)

            await check(traffic, seconds=20)
            assert "locked" not in site.logs()


def hold_lock(site: Site, seconds: float) -> None:
    path = site.data / "botflow.sqlite3"
    with closing(sqlite3.connect(path, isolation_level=None, timeout=20)) as database:
        database.execute("BEGIN IMMEDIATE")
        time.sleep(seconds)
        database.execute("ROLLBACK")
