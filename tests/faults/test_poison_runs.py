"""Runs that cannot work end with a reason a person can read, and disturb no other."""

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from tests.faults import rows
from tests.faults.checker import check
from tests.faults.rows import RunRow
from tests.faults.traffic import Traffic
from tests.harness.polling import eventually
from tests.harness.site import Site

SUBMIT = """
from scheduling.actions import submit
print(json.dumps([submit(name, args, **options).pk for name, args, options in arguments]))
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with Site(agent="tests.agents.slow", workers=2, BOTFLOW_APPS="tests.faultapp") as site:
        site.start_web()
        site.start_cluster()
        site.wait_ready()
        yield site


async def submit(site: Site, *runs: tuple[str, Any, dict[str, Any]]) -> list[int]:
    found: list[int] = await asyncio.to_thread(site.run, SUBMIT, *runs)
    return found


async def ended(site: Site, pk: int, seconds: float = 40) -> RunRow:
    def look() -> RunRow | None:
        row = next(row for row in rows.runs(site) if row.pk == pk)
        return row if row.state in ("succeeded", "failed", "cancelled") else None

    row = await eventually(look, f"the end of run {pk}", seconds)
    assert row is not None
    return row


@pytest.mark.parametrize(
    ("name", "args", "reason"),
    [
        ("no.such.action", {}, "No action is registered under the name 'no.such.action'."),
        ("faults.note", {"nmae": "x"}, "The arguments do not fit faults.note: "),
        ("faults.note", ["x"], "The arguments must be an object with names."),
        ("faults.fail", {"name": "pump", "permanent": True}, "pump is out of order."),
        ("faults.raise", {"name": "tap"}, "RuntimeError: tap"),
        ("conversations.answer", {"message": "x"}, "ValueError: "),
    ],
)
async def test_a_run_that_cannot_work_fails_at_once_with_its_reason(
    running: Site, name: str, args: Any, reason: str
) -> None:
    [pk] = await submit(running, (name, args, {}))

    row = await ended(running, pk)

    assert (row.state, row.attempt) == ("failed", 1)
    assert row.error.startswith(reason)


async def test_a_result_that_is_no_json_is_kept_as_text(running: Site) -> None:
    [pk] = await submit(running, ("faults.return_junk", {"name": "x"}, {}))

    row = await ended(running, pk)

    assert row.state == "succeeded"
    assert "nan" in str(row.result)


async def test_a_run_that_kills_its_worker_is_tried_three_times_and_stops_nobody(
    running: Site, traffic: Traffic
) -> None:
    [pk] = await submit(running, ("faults.die", {"name": "bomb"}, {"max_attempts": 3}))
    traffic.begin(messages=4)

    row = await ended(running, pk)

    assert (row.state, row.attempt) == ("failed", 3)
    assert "died" in row.error
    assert len([line for line in running.calls() if line.endswith("die bomb")]) == 3
    await check(traffic, expected_errors="tap|ValueError")


async def test_a_run_over_its_timeout_fails_and_says_so(running: Site) -> None:
    waiting = ("faults.note", {"name": "long", "seconds": 60}, {"timeout": 0.3})
    blocking = ("faults.block", {"name": "long", "seconds": 3}, {"timeout": 0.3})

    for pk in await submit(running, waiting, blocking):
        row = await ended(running, pk)
        assert row.state == "failed"
        assert row.error == "It took longer than its timeout of 0.3 seconds."


async def test_ninety_nine_good_runs_pass_a_bad_one_in_every_kind(running: Site) -> None:
    bad = [("no.such", {}, {}), ("faults.note", [], {}), ("faults.raise", {"name": "tap"}, {})]
    good = [("faults.note", {"name": f"good{i}"}, {}) for i in range(99)]

    pks = await submit(running, *bad, *good, *bad)
    await asyncio.gather(*(ended(running, pk) for pk in (pks[0], pks[-1])))

    found = {row.pk: row.state for row in rows.runs(running)}
    assert [found[pk] for pk in pks] == ["failed"] * 3 + ["succeeded"] * 99 + ["failed"] * 3


async def test_an_action_that_stalls_its_event_loop_does_not_stop_the_others(
    running: Site, traffic: Traffic
) -> None:
    await submit(running, ("faults.stall", {"name": "rude", "seconds": 3}, {}))

    traffic.begin(messages=3)

    await check(traffic, expected_errors="tap|ValueError")
