"""What the tests of the queue share: runs in any state, claims, threads that start together."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from django.db import connection

from scheduling import clock
from scheduling.attempts import starter
from scheduling.claiming import Claim, claim
from scheduling.inserting import insert
from scheduling.models import Run
from scheduling.processes import identity
from scheduling.states import RunState

Found = TypeVar("Found")
NOW = datetime(2026, 3, 4, 5, 6, 7, 890123, tzinfo=UTC)
LEASE = timedelta(seconds=20)


def later(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def store(**fields: Any) -> Run:
    """Insert one run, due NOW unless said otherwise."""
    return store_many(1, **fields)[0]


def store_many(count: int, **fields: Any) -> list[Run]:
    """Insert runs that are all alike, quickly."""
    fields = {"action": "tests.nothing", "fire_at": NOW} | fields
    runs = [Run(**fields) for _ in range(count)]
    for start in range(0, count, 500):
        insert(runs[start : start + 500])
    return runs


def store_running(**fields: Any) -> Run:
    """Insert a run in its first attempt, held by this process for another LEASE from NOW."""
    held: dict[str, Any] = {
        "state": RunState.RUNNING,
        "attempt": 1,
        "started_at": NOW,
        "lease_expires_at": NOW + LEASE,
        "worker": identity(),
    }
    return store(**held | fields)


def take(capacity: int = 100, *, now: datetime = NOW, cluster: str = "one") -> list[Claim]:
    return claim(now=now, cluster=cluster, worker=identity(), capacity=capacity, lease=LEASE)


def taken(capacity: int = 100, **arguments: Any) -> list[int]:
    """Claim, and return the ids in the order of the claims."""
    return [claimed.run for claimed in take(capacity, **arguments)]


def begin(run: Run) -> Run:
    """Claim and start a run that is due now, as a worker does; return it as the worker has it."""
    now = clock.now()
    claims = claim(now=now, cluster="one", worker=identity(), capacity=1000, lease=LEASE)
    mine = next(claimed for claimed in claims if claimed.run == run.pk)
    (begun,) = starter(identity())([mine])
    assert begun is not None
    return begun


def again(run: Run) -> Run:
    """Return the run as the database has it now."""
    return Run.objects.get(pk=run.pk)


def together(*functions: Callable[[], Found]) -> list[Found]:
    """Call each in a thread of its own, all at the same moment; return what they return."""
    barrier = threading.Barrier(len(functions))

    def call(function: Callable[[], Found]) -> Found:
        barrier.wait(10)
        return with_own_connection(function)

    with ThreadPoolExecutor(len(functions)) as pool:
        return list(pool.map(call, functions, timeout=60))


def with_own_connection(function: Callable[..., Found], *args: Any) -> Found:
    """Call in a thread; its connection must not outlive it, or the database cannot be dropped."""
    try:
        return function(*args)
    finally:
        connection.close()


async def aside(function: Callable[..., Found], *args: Any) -> Found:
    """Call a function that uses the database from a coroutine."""
    return await asyncio.to_thread(with_own_connection, function, *args)


def plan(sql: str, parameters: Any = None) -> str:
    """Return how the database would execute a statement."""
    explain = "EXPLAIN" if connection.vendor == "postgresql" else "EXPLAIN QUERY PLAN"
    with connection.cursor() as cursor:
        cursor.execute(f"{explain} {sql}", parameters)
        return "\n".join(str(row[-1]) for row in cursor.fetchall())
