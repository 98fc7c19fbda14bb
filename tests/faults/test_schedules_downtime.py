"""Everything is stopped for a while: each policy does what it says, and accounts for all of it."""

import asyncio
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import groupby
from typing import Any

import pytest

from tests.faults.databases import sites
from tests.faults.occurrences import (
    Books,
    Occurrence,
    Plan,
    check,
    definition,
    make,
    read,
    settle,
)
from tests.harness.polling import eventually
from tests.harness.site import Site

BEFORE, AWAY, AFTER = 2, 7, 4
GRACE = timedelta(seconds=2)
LIMIT = 3
SCHEDULES: dict[str, dict[str, Any]] = {
    "run once": {"every": 1, "misfire": "run_once"},
    "run once, many": {"every": 0.1, "misfire": "run_once"},
    "skip": {"expression": "* * * * * *", "misfire": "skip"},
    "skip, many": {"every": 0.1, "misfire": "skip"},
    "run all": {"expression": "* * * * * *", "misfire": "run_all", "misfire_limit": 1000},
    "run some": {"every": 1, "misfire": "run_all", "misfire_limit": LIMIT},
    "run some of many": {"every": 0.1, "misfire": "run_all", "misfire_limit": LIMIT},
    "jitter": {"every": 1, "misfire": "run_once", "jitter_seconds": 1},
    "run all in turn": {"every": 1, "misfire": "run_all", "overlap": "skip", "misfire_limit": 1000},
    "skip if busy": {"every": 1, "misfire": "skip", "overlap": "skip"},
}


@pytest.fixture
def both() -> Iterator[list[Site]]:
    with sites(BOTFLOW_MISSED_ROWS=20) as found:
        yield found


async def test_each_policy_does_what_it_says_after_downtime(both: list[Site]) -> None:
    await asyncio.gather(*map(be_away, both))


async def be_away(site: Site) -> None:
    site.start_cluster()
    usual = {"overlap": "allow", "misfire_grace_seconds": int(GRACE.total_seconds())}
    definitions = [definition(**usual | own, name=name) for name, own in SCHEDULES.items()]
    plans = await asyncio.to_thread(make, site, definitions, seconds=BEFORE + AWAY + AFTER)
    await eventually(lambda: len(site.calls()) > 20 and done(site), "some occurrences before", 30)

    await asyncio.to_thread(site.cluster.kill_all)
    reached = max(done(site))
    await asyncio.sleep(AWAY)
    site.start_cluster()
    await settle(site)

    books = check(site, plans)
    for plan in plans:
        check_policy(plan, books, reached + timedelta(seconds=1))


def done(site: Site) -> list[datetime]:
    """Return the fire times of what succeeded, as it is stored."""
    return [one.fire_at for one in read(site).all() if one.state == "succeeded"]


def check_policy(plan: Plan, books: Books, stopped: datetime) -> None:
    """Hold each decision about what was missed against the policy."""
    found = books.of[plan.pk]
    name, misfire = plan.fields["name"], plan.fields["misfire"]
    reasons = {one.reason for one in found if one.reason}
    assert reasons <= {"late"} | ({"overlap"} if plan.fields["overlap"] == "skip" else set())
    missed = plan.within(stopped, stopped + timedelta(seconds=AWAY) - 2 * GRACE)
    late = [one for one in found if one.reason == "late"]
    skipped = {
        moment for one in late for moment in plan.within(one.fire_at, one.until or one.fire_at)
    }
    if name in ("run all", "run all in turn"):
        assert not skipped
        return
    assert len(missed) > 2
    assert set(missed[:1]) <= skipped, name
    # Skipped together: the rows of one decision.
    for decided_at, group in groupby(late, key=lambda one: one.finished_at):
        assert decided_at is not None
        check_decision(plan, found, list(group), decided_at, misfire)


def check_decision(
    plan: Plan, found: list[Occurrence], late: list[Occurrence], decided_at: datetime, misfire: str
) -> None:
    """Those skipped together were late, and those behind them are what the policy keeps."""
    first, last = late[0].fire_at, late[-1].until or late[-1].fire_at
    assert first + GRACE < decided_at, (plan, late[0])
    following = plan.within(last + timedelta(microseconds=1), decided_at)
    if misfire == "skip":
        assert last + GRACE < decided_at
        assert not following or following[0] + GRACE >= decided_at
        return
    kept = 1 if misfire == "run_once" else plan.fields["misfire_limit"]
    ran = {one.fire_at for one in found if one.state == "succeeded"}
    assert len(following) == kept, (plan, following, decided_at)
    assert set(following) <= ran
