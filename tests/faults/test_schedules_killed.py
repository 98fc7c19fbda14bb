"""kill -9 of everything that schedules need while they fire: each occurrence happens once."""

import asyncio
from collections.abc import Iterator

import pytest

from tests.faults.killer import ROLES, Killer
from tests.faults.occurrences import check, definition, keep_books, make, settle
from tests.harness import services
from tests.harness.site import Site, migrated_postgres

SECONDS = 8


@pytest.fixture(params=["sqlite", "postgresql"])
def site(request: pytest.FixtureRequest) -> Iterator[Site]:
    url = ""
    if request.param == "postgresql":
        services.require("postgres")
        url = migrated_postgres()
    with Site(workers=2, database_url=url, BOTFLOW_APPS="tests.tickapp") as one:
        keep_books(one)
        yield one


def mixed() -> list[dict[str, object]]:
    """Return definitions that fire several times a second, some with a backlog of a minute."""
    busy = {"seconds": 0.7}
    late = {"misfire": "run_all", "misfire_limit": 1000}
    return [
        *(definition(expression="* * * * * *", overlap="allow", args=busy) for _ in range(4)),
        *(definition(every=1, args=busy) for _ in range(3)),
        *(definition(every=0.5, overlap="queue", args={"seconds": 0.1}) for _ in range(2)),
        *(definition(every=1, misfire="skip", misfire_grace_seconds=1) for _ in range(2)),
        *(definition(every=1, misfire="run_once", misfire_grace_seconds=1) for _ in range(2)),
        *(definition(every=1, back=60, overlap="allow", **late) for _ in range(8)),
        definition(every=1, back=60, overlap="queue", **late),
        definition(expression="*/2 * * * * *", back=60, misfire_grace_seconds=5),
        definition(every=0.1, back=100, misfire="skip", misfire_grace_seconds=2, overlap="allow"),
    ]


async def test_each_occurrence_happens_once_whatever_dies(site: Site) -> None:
    # SQLite's processes are those of one machine, and one cluster is what they are advised to be.
    clusters = 3 if site.env["DATABASE_URL"] else 1
    killer = Killer(site, seed=clusters)

    plans = await asyncio.to_thread(make, site, mixed(), seconds=SECONDS, lead=4)
    for _ in range(clusters):
        site.start_cluster()
    await killer.go_on(SECONDS + 4, most=1.5)
    await settle(site)

    books = check(site, plans)
    assert set(killer.killed) == set(ROLES)
    assert books.counts()["succeeded"] > 400
    assert any(one.attempt > 1 for one in books.all()), "No run lost its worker."
