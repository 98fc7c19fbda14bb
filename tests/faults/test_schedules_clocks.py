"""Hosts whose clocks are wrong, or step: every occurrence on time by the database, and once."""

import asyncio
import time
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import psutil
import pytest

from tests.faults.occurrences import (
    Books,
    check,
    definition,
    keep_books,
    make,
    settle,
)
from tests.harness import services
from tests.harness.polling import eventually
from tests.harness.site import Site, migrated_postgres

CLOCKS = str(Path(__file__).parent / "clocks")
SECONDS = 10


def start_cluster(site: Site, **clock: object) -> None:
    """Start a cluster on a host of its own, as far as its clock tells."""
    right = site.env
    site.env = right | {name: str(value) for name, value in clock.items()}
    site.env["PYTHONPATH"] = f"{CLOCKS}:{right['PYTHONPATH']}"
    site.start_cluster()
    site.env = right


@pytest.fixture
def site() -> Iterator[Site]:
    services.require("postgres")
    url = migrated_postgres()
    with Site(database_url=url, BOTFLOW_APPS="tests.tickapp", BOTFLOW_CONCURRENCY=2) as one:
        keep_books(one)
        yield one


def clock_errors(site: Site) -> dict[int, list[float]]:
    """Return by how many seconds each worker's clock was off at each attempt, by its process."""
    zero = time.time() - time.monotonic()
    errors: dict[int, list[float]] = defaultdict(list)
    for line in site.calls():
        pid, _tick, _run, _attempt, wall, counted = line.split()
        errors[int(pid)].append(float(wall) - float(counted) - zero)
    return errors


async def test_three_hosts_with_wrong_clocks_double_and_lose_nothing(site: Site) -> None:
    start_cluster(site, TEST_CLOCK_AHEAD=5)
    start_cluster(site, TEST_CLOCK_AHEAD=-5)
    start_cluster(site, TEST_CLOCK_AHEAD=3600, TEST_CLOCK_PERIOD=2)
    # More at once than two of the hosts have room for: all three take their share.
    usual = {"args": {"seconds": 0.4}, "misfire_grace_seconds": 30}
    definitions = [
        *(definition(expression="* * * * * *", overlap="allow", **usual) for _ in range(4)),
        *(definition(every=1, overlap="queue", **usual) for _ in range(3)),
        *(definition(every=2, misfire="skip", **usual) for _ in range(2)),
    ]
    plans = await asyncio.to_thread(make, site, definitions, seconds=SECONDS)
    await eventually(lambda: len(clock_errors(site)) == 3, "all three to work", 40)
    await eventually(lambda: len(site.calls()) >= 40, "half of it")

    # Its runs go to a host whose clock differs by ten seconds or by an hour.
    psutil.Process(int(site.calls()[-1].split()[0])).kill()
    await settle(site)

    books = check(site, plans)
    found = clock_errors(site).values()
    assert any(4 < min(errors) < max(errors) < 6 for errors in found), "No clock was ahead."
    assert any(-6 < min(errors) < max(errors) < -4 for errors in found), "No clock was behind."
    assert any(max(errors) - min(errors) > 3500 for errors in found), "No clock was set."
    assert books.counts()["late"] == 0
    check_moments(books)


def check_moments(books: Books) -> None:
    """Whichever host worked on it, a run began after its fire time and ended after it began."""
    for one in books.all():
        if one.started_at and one.finished_at:
            assert one.fire_at <= one.started_at <= one.finished_at, one
            assert one.finished_at - one.started_at < timedelta(seconds=4), one
    lateness = sorted(one.started_at - one.fire_at for one in books.all() if one.started_at)
    assert lateness[len(lateness) // 2] < timedelta(seconds=2), lateness[-10:]


async def test_a_clock_that_is_set_on_sqlite_doubles_and_loses_nothing() -> None:
    with Site(BOTFLOW_APPS="tests.tickapp") as site:
        keep_books(site)
        definitions = [
            *(definition(expression="* * * * * *", overlap="allow") for _ in range(2)),
            *(definition(every=1, overlap="queue") for _ in range(2)),
            definition(every=0.5, overlap="allow", misfire="run_all"),
            definition(every=1, overlap="allow", misfire="skip", misfire_grace_seconds=1),
        ]
        start_cluster(site, TEST_CLOCK_AHEAD=3, TEST_CLOCK_PERIOD=5)
        plans = await asyncio.to_thread(make, site, definitions, seconds=SECONDS)

        await settle(site)

        check(site, plans)
        [errors] = clock_errors(site).values()
        assert max(errors) - min(errors) > 2, "The clock was never set."
