"""What the queue asks all the time reads the head of an index, however many rows wait behind it."""

import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, models
from django.utils import timezone

from scheduling import noticing, planning
from scheduling.attempts import (
    Ending,
    cancel_requests,
    end,
    renew,
    starter,
)
from scheduling.broker import FireTimeBroker
from scheduling.claiming import Claim, first_due, nearest_due_at
from scheduling.ending import rescue
from scheduling.models import Run, Schedule
from scheduling.reconciling import RECOMPUTED, Reconciler
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


def multiply(row: models.Model, times: int, **expressions: str) -> None:
    """Let the database itself make copies of a row: 20,000 take it a moment.

    Columns may be given by an expression of `n`, which counts the copies from 1.
    """
    fields = [f for f in row._meta.concrete_fields if not (f.generated or f.primary_key)]
    columns = [field.column or "" for field in fields]
    values = ", ".join(expressions.get(column, column) for column in columns)
    table = row._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers
            WHERE n < {times}) INSERT INTO {table} ({", ".join(columns)})
            SELECT {values} FROM {table}, numbers WHERE id = %s""",
            [row.pk],
        )


def analyze() -> None:
    """Have statistics as a site has them: one on SQLite never analyzes."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("ANALYZE scheduling_run")
            cursor.execute("ANALYZE scheduling_schedule")


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
    assert_reads_no_table(QUERIES[name])


def assert_reads_no_table(function: Callable[[], object]) -> None:
    tables = ["scheduling_run"]
    # A small one is read whole with good reason.
    tables += ["scheduling_schedule"] if Schedule.objects.count() > WAITING else []
    whole = [f"Seq Scan on {table}" for table in tables]
    whole += [f"SCAN {name}\n" for name in ("r", "o", "s", *tables)]
    plans = plans_of(function)
    assert plans
    for found in plans:
        assert not any(words in f"{found}\n" for words in whole), found


def plans_of(function: Callable[[], object]) -> list[str]:
    """Return how the database executes each query, with its parameters as they are given.

    Written into the statement SQLite could prove of them that a partial index holds the rows.
    """
    queries: list[tuple[str, Any]] = []

    def note(execute: Any, sql: str, parameters: Any, many: bool, context: Any) -> Any:
        if not many and sql.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            queries.append((sql, parameters))
        return execute(sql, parameters, many, context)

    with connection.execute_wrapper(note):
        function()
    return [plan(sql, parameters) for sql, parameters in queries if "scheduling_" in sql]


def test_claiming_reads_the_index_of_what_is_due(long_queue: None) -> None:
    (found,) = plans_of(lambda: taken(200))

    assert "run_due" in found


def test_a_claim_from_a_long_queue_takes_little_time(long_queue: None) -> None:
    assert best_of(20, lambda: taken(1, cluster="one more")) < 0.02


def test_a_flood_of_one_busy_key_costs_a_claim_little() -> None:
    """2,000 due runs that must wait are looked at and passed over: an index probe for each."""
    store_running(key="busy")
    multiply(store(key="busy", fire_at=later(-60)), 2000)
    free = store()
    analyze()

    assert taken() == [free.pk]
    assert best_of(5, taken) < 0.25


@pytest.fixture
def long_plans(db: Any) -> Iterator[list[int]]:
    """Many stored schedules, five of them due; those have run 1,000 times each. Yields the five."""
    far = store_planned(later(86_400))
    multiply(far, WAITING)
    multiply(
        Run.objects.get(schedule=far),
        WAITING,
        schedule_id=f"{far.pk} + n",
        key=f"'schedule:' || ({far.pk} + n)",
    )
    due = [store_planned(later(-1)) for _ in range(5)]
    ago = "fire_at - n * interval '1 day'"
    if connection.vendor == "sqlite":
        ago = "strftime('%%Y-%%m-%%d %%H:%%M:%%f', fire_at, '-' || n || ' days')"
    for schedule in due:
        past = {"fire_at": ago, "finished_at": "fire_at", "state": "'succeeded'"}
        multiply(Run.objects.get(schedule=schedule), 1000, is_next="FALSE", **past)
    analyze()
    yield [schedule.pk for schedule in due]


def store_planned(first: Any) -> Schedule:
    values = {"name": "one", "action": "tests.nothing", "kind": "interval", "timezone": "UTC"}
    row = Schedule(**values, every=timedelta(days=2000), start_at=first)
    (schedule,) = Schedule.objects.bulk_create([row])
    Run.objects.create(**planning.occurrence(schedule, first))
    return schedule


SCHEDULE_QUERIES: dict[str, Callable[[list[int]], object]] = {
    "what is due": lambda due: first_due(now=NOW),
    "the nearest due moment": lambda due: nearest_due_at(now=NOW),
    "claiming": lambda due: taken(200),
    "noticing": lambda due: noticing.notice(now=NOW),
    "the length of the queue": lambda due: FireTimeBroker().queue_size(),
    "planning what lacks a next run": lambda due: plan_anew(due),
    "recomputing": lambda due: go_round(due, is_watching=False),
    "watching": lambda due: go_round(due, is_watching=True),
}


def plan_anew(due: list[int]) -> None:
    Run.objects.filter(schedule__in=due, is_next=True).delete()
    assert planning.replan(*due, now=NOW)
    assert Run.objects.filter(schedule__in=due, is_next=True).count() == len(due)


def go_round(due: list[int], *, is_watching: bool) -> None:
    """Go from the middle of the round after a start, or of a later one, to its end."""
    reconciler = Reconciler()
    reconciler._newest = reconciler._reached = due[0] - 2 * RECOMPUTED
    reconciler._is_recomputed = is_watching
    reconciler.work(now=NOW, seconds=60)
    assert not reconciler.is_pressed


@pytest.mark.parametrize("name", SCHEDULE_QUERIES)
def test_no_query_about_schedules_reads_all_of_them(long_plans: list[int], name: str) -> None:
    assert_reads_no_table(lambda: SCHEDULE_QUERIES[name](long_plans))


def test_noticing_reads_nothing_of_what_schedules_ran_before(long_plans: list[int]) -> None:
    plans = plans_of(lambda: noticing.notice(now=NOW))

    assert any("run_unfinished_of_schedule" in found for found in plans)
    assert not any("run_occurrence" in found for found in plans)


def best_of(times: int, function: Any) -> float:
    """Return the seconds of the quickest call: the others measure the machine's other work."""
    best = float("inf")
    for _ in range(times):
        started = time.perf_counter()
        function()
        best = min(best, time.perf_counter() - started)
    return best
