"""A worker that dies with claims in its hands that it has not begun holds up none of them."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults import rows
from tests.harness import services
from tests.harness.polling import eventually
from tests.harness.site import Site, migrated_postgres

#: Seconds of the lease that the claims of a dead worker must not wait for.
LEASE = 120
UNFINISHED = {"pending", "running"}
# Runs that twice ended with their worker are begun one at a time: the others wait in its hands.
SUBMIT = """
from django.db import transaction
from scheduling.actions import submit
from scheduling.models import Run
losses, notes = arguments
with transaction.atomic():
    for name, seconds in notes:
        run = submit("faults.note", {"name": name, "seconds": seconds})
        Run.objects.filter(pk=run.pk).update(losses=losses)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    if request.param == "sqlite":
        return ""
    services.require("postgres")
    return migrated_postgres()


@pytest.fixture
def running(request: pytest.FixtureRequest, database_url: str) -> Iterator[Site]:
    settings: dict[str, Any] = {"BOTFLOW_APPS": "tests.faultapp", "BOTFLOW_LEASE": LEASE}
    with Site(workers=request.param, database_url=database_url, **settings) as site:
        site.start_cluster()
        site.wait_ready()
        yield site


def begun(site: Site) -> Counter[str]:
    return Counter(line.split()[2] for line in site.calls() if line.split()[1] == "note")


def states(site: Site) -> Counter[str]:
    return Counter(row.state for row in rows.runs(site))


@pytest.mark.parametrize("running", [1], indirect=True)
async def test_what_a_killed_worker_had_not_begun_is_begun_by_the_next(running: Site) -> None:
    running.run(SUBMIT, 2, [["first", 600], *([f"next{i}", 0] for i in range(20))])
    await eventually(lambda: begun(running)["first"], "the first to begin")
    # Read from the pipe after the others: those are in the worker's hands by then.
    running.run(SUBMIT, 0, [["last", 0]])
    await eventually(lambda: begun(running)["last"], "the last to begin")
    assert len(begun(running)) == 2

    running.cluster.kill("worker")

    await eventually(lambda: len(begun(running)) == 22, "the others to begin", LEASE / 2)
    assert set(begun(running).values()) == {1}


@pytest.mark.parametrize("running", [2], indirect=True)
async def test_what_a_living_worker_holds_is_claimed_again_and_begun_once(running: Site) -> None:
    running.run(SUBMIT, 2, [[f"n{i}", 0.3] for i in range(30)])
    await eventually(lambda: begun(running), "the first to begin")

    running.cluster.kill("worker")

    await eventually(lambda: not states(running).keys() & UNFINISHED, "all to be done", LEASE / 2)
    assert states(running)["failed"] <= 1  # what the killed one was about, perhaps
    assert len(begun(running)) == 30
    assert set(begun(running).values()) == {1}
