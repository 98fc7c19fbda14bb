"""100,000 occurrences, three clusters, kills in between; only with BOTFLOW_TEST_LONG=1."""

import asyncio
import json
import os
import time
from collections.abc import Iterator

import pytest

from tests.faults import rows
from tests.faults.killer import ROLES, Killer
from tests.faults.occurrences import check, definition, keep_books, make, settle
from tests.harness import services
from tests.harness.site import Site, migrated_postgres

SECONDS = 60
# Occurrences: 300 × 60 of each second, 200 × 30 of every other, and 95 × 800 that were missed.
EACH, OTHER, MISSED, BACK = 300, 200, 95, 799
LONGEST = 1500


@pytest.fixture
def site() -> Iterator[Site]:
    services.require("postgres")
    url = migrated_postgres()
    with Site(workers=2, database_url=url, BOTFLOW_APPS="tests.tickapp") as one:
        keep_books(one)
        yield one


@pytest.mark.skipif(
    os.environ.get("BOTFLOW_TEST_LONG") != "1", reason="It takes minutes: BOTFLOW_TEST_LONG=1."
)
@pytest.mark.timeout(LONGEST + 300)
async def test_100_000_occurrences_happen_once_each_although_clusters_die(site: Site) -> None:
    all_of_them = {"misfire": "run_all", "misfire_limit": 1000, "overlap": "allow"}
    definitions = [
        *(definition(expression="* * * * * *", **all_of_them) for _ in range(EACH)),
        *(definition(every=2, overlap="skip") for _ in range(OTHER)),
        *(definition(every=1, back=BACK, **all_of_them) for _ in range(MISSED)),
    ]
    plans = await asyncio.to_thread(make, site, definitions, seconds=SECONDS, lead=25)
    expected = sum(len(plan.fire_times()) for plan in plans)
    assert expected >= 100_000
    began = time.monotonic()
    for _ in range(3):
        site.start_cluster()

    killer = Killer(site, seed=100)
    while not is_done(site):
        assert time.monotonic() - began < LONGEST
        await killer.go_on(5, most=3)
    await settle(site)
    took = time.monotonic() - began

    books = await asyncio.to_thread(check, site, plans)
    assert set(killer.killed) == set(ROLES)
    again = sum(one.attempt > 1 for one in books.all())
    figures = {
        "occurrences": expected,
        "seconds": round(took),
        "ends": dict(books.counts()),
        "killed": dict(killer.killed),
        "run again": again,
        "attempts": len(site.calls()),
    }
    print(json.dumps(figures))


def is_done(site: Site) -> bool:
    left = "SELECT count(*) FROM scheduling_schedule WHERE finished_at IS NULL"
    runs = "SELECT count(*) FROM scheduling_run WHERE state IN ('pending', 'running')"
    return rows.query(site, left) == rows.query(site, runs) == [(0,)]
