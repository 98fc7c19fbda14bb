"""Several clusters on one database share the work; no run begins twice."""

import asyncio
from collections import Counter
from collections.abc import Iterator

import pytest

from tests.faults import rows
from tests.faults.checker import check
from tests.faults.traffic import Traffic
from tests.harness import services
from tests.harness.polling import eventually
from tests.harness.site import Site, migrated_postgres

SUBMIT = """
from django.utils import timezone
from scheduling.actions import prepare, submit_many
count, key = arguments
now = timezone.now()
submit_many(
    prepare(
        "faults.note",
        {"name": f"n{i}", "seconds": 0.01},
        fire_at=now,
        key=key and f"{key}{i % 7}",
    )
    for i in range(count)
)
"""


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def running(request: pytest.FixtureRequest) -> Iterator[Site]:
    url = ""
    if request.param == "postgresql":
        services.require("postgres")
        url = migrated_postgres()
    agent = "tests.agents.slow"
    with Site(agent=agent, database_url=url, BOTFLOW_APPS="tests.faultapp") as site:
        site.start_web()
        for _ in range(3):
            site.start_cluster()
        site.wait_ready()
        yield site


def begun(site: Site) -> Counter[str]:
    return Counter(line.split()[2] for line in site.calls() if line.split()[1] == "note")


async def test_each_message_is_answered_by_one_cluster(running: Site, traffic: Traffic) -> None:
    traffic.begin(messages=8, every=0.05)

    await check(traffic)

    texts = Counter(line.split(maxsplit=2)[2] for line in running.calls() if " slow " in line)
    assert set(texts.values()) == {1}


@pytest.mark.parametrize("key", ["", "room"])
async def test_three_clusters_start_each_of_many_runs_once(running: Site, key: str) -> None:
    before = begun(running)

    await asyncio.to_thread(running.run, SUBMIT, 210, key)
    await eventually(lambda: all_done(running), "every run to be done", 20)

    counts = begun(running) - before
    assert len(counts) == 210
    assert set(counts.values()) == {1}
    assert "Traceback" not in running.logs()


def all_done(site: Site) -> bool:
    return all(row.state == "succeeded" for row in rows.runs(site))


async def test_one_of_three_clusters_killed_loses_nothing(running: Site, traffic: Traffic) -> None:
    traffic.begin(messages=6, every=0.1)
    await traffic.until_answering()

    await asyncio.to_thread(running.cluster.kill_all)

    await check(traffic)
