"""What the queue asks all the time reads the head of an index, however many rows wait behind it."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from scheduling.attempts import (
    Ending,
    cancel_requests,
    end,
    renew,
    starter,
)
from scheduling.broker import FireTimeBroker
from scheduling.claiming import Claim, nearest_due_at
from scheduling.ending import rescue
from scheduling.models import Run
from scheduling.retention import prune
from scheduling.states import RunState
from tests.scheduling.parts import NOW, later, plan, store, store_running, taken

WAITING = 20_000
pytestmark = pytest.mark.django_db


@pytest.fixture
def long_queue(db: Any) -> Iterator[None]:
    """A queue of which half is due, beside a long record, with statistics as a site has them."""
    multiply(store(fire_at=later(-60)), WAITING // 2)
    multiply(store(fire_at=later(3600)), WAITING // 2)
    multiply(store(state=RunState.SUCCEEDED, finished_at=timezone.now()), WAITING // 2)
    for _ in range(50):
        store_running()
    analyze()
    yield


def multiply(run: Run, times: int) -> None:
    """Let the database itself make copies of a row: 20,000 take it a moment."""
    fields = [field for field in Run._meta.concrete_fields if not field.generated]
    columns = ", ".join(field.column for field in fields if not field.primary_key)
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers
            WHERE n < {times}) INSERT INTO scheduling_run ({columns})
            SELECT {columns} FROM scheduling_run, numbers WHERE id = %s""",
            [run.pk],
        )


def analyze() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE scheduling_run")
        if connection.vendor == "sqlite":
            # A site on SQLite never analyzes: its planner goes by the definitions alone.
            cursor.execute("DROP TABLE IF EXISTS sqlite_stat4")
            cursor.execute("DELETE FROM sqlite_stat1")


def end_some() -> None:
    done = Ending(1, 1, RunState.SUCCEEDED, NOW)
    end([done])


QUERIES = {
    "claiming": lambda: taken(200),
    "the nearest due moment": lambda: nearest_due_at(now=NOW),
    "starting": lambda: starter("me")([Claim(1, 0), Claim(2, 0)]),
    "ending": end_some,
    "renewing": lambda: renew({(1, 1), (2, 1), (3, 1)}, now=NOW),
    "cancel requests": lambda: cancel_requests("me"),
    "rescuing": lambda: rescue(now=later(-3600)),
    "pruning": lambda: prune(now=timezone.now()),
    "the length of the queue of what runs": lambda: FireTimeBroker().lock_size(),
}


@pytest.mark.parametrize("name", QUERIES)
def test_no_query_of_the_queue_reads_all_rows(long_queue: None, name: str) -> None:
    with CaptureQueriesContext(connection) as captured:
        QUERIES[name]()

    plans = [plan(query["sql"]) for query in captured if "scheduling_run" in query["sql"]]
    assert plans
    for found in plans:
        whole = ("Seq Scan on scheduling_run", "SCAN scheduling_run\n", "SCAN r\n", "SCAN o\n")
        assert not any(words in f"{found}\n" for words in whole), found


def test_claiming_reads_the_index_of_what_is_due(long_queue: None) -> None:
    with CaptureQueriesContext(connection) as captured:
        taken(200)

    (claim,) = [query["sql"] for query in captured if "UPDATE" in query["sql"]]
    assert "run_due" in plan(claim)


def test_a_claim_from_a_long_queue_takes_little_time(long_queue: None) -> None:
    assert best_of(5, lambda: taken(1, cluster="one more")) < 0.02


def test_a_flood_of_one_busy_key_costs_a_claim_little() -> None:
    """2,000 due runs that must wait are looked at and passed over: an index probe for each."""
    store_running(key="busy")
    multiply(store(key="busy", fire_at=later(-60)), 2000)
    free = store()
    analyze()

    started = time.perf_counter()
    found = taken()
    took = time.perf_counter() - started

    assert found == [free.pk]
    assert took < 0.25


def best_of(times: int, function: Any) -> float:
    """Return the seconds of the quickest call: the others measure the machine's other work."""
    best = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - started)
    return best
