"""Stores schedules for scheduling.py by the hundred thousand, and reads what became of them."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection

from scheduling import claiming, clock, wakeup
from scheduling.inserting import insert
from scheduling.models import ClusterStatus, Run, Schedule
from scheduling.planning import occurrence
from scheduling.states import RunState
from scheduling.writing import writing

ACTION = "benchmarks.nothing"
# Different schedules of which the stored ones are copies, due an hour to a month from now.
PATTERNS = 200


@dataclass
class Started:
    """Seconds from due to start of each run, in the order in which they were due."""

    late: list[float]
    #: From the first start to the last.
    drained: float
    #: Runs that began before one that was due earlier.
    out_of_order: int
    missing: int


def store_many(count: int) -> None:
    """Store `count` more schedules that are not due while a benchmark lasts, each with its run.

    Half of them at an interval, half with a cron expression. The database makes the copies.
    """
    now = clock.now()
    patterns = [_pattern(n, now) for n in range(min(PATTERNS, count))]
    _insert_planned(patterns, now, title=f"stored {now.timestamp()}")
    most = count // len(patterns) - 1
    if most < 1:
        return
    first, last = patterns[0].pk, patterns[-1].pk
    with writing(), connection.cursor() as cursor:
        columns = _columns(Schedule)
        cursor.execute(
            f"""WITH RECURSIVE numbers (n) AS
            (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {most})
            INSERT INTO scheduling_schedule ({columns})
            SELECT {columns} FROM numbers, scheduling_schedule WHERE id BETWEEN %s AND %s""",
            [first, last],
        )
        columns = _columns(Run)
        chosen = columns.replace('"schedule_id"', "s.id").replace('"key"', "'schedule:' || s.id")
        for name in ("action", "args", "title", "max_attempts", "created_at"):
            chosen = chosen.replace(f'"{name}"', f'r."{name}"')
        for name in ("backoff_seconds", "timeout_seconds", "finished_at"):
            chosen = chosen.replace(f'"{name}"', f'r."{name}"')
        cursor.execute(
            f"""INSERT INTO scheduling_run ({columns}) SELECT {chosen}
            FROM scheduling_schedule s JOIN scheduling_run r ON r.title = s.name
            WHERE s.id > %s AND r.is_next AND r.schedule_id BETWEEN %s AND %s""",
            [last, first, last],
        )


def _pattern(n: int, now: datetime) -> Schedule:
    # 6 to 29 hours from now on the cron's clock, which is in UTC here.
    moment = (now + timedelta(hours=6, minutes=7 * n)).replace(microsecond=0)
    if n % 2:
        return Schedule(kind="interval", every=timedelta(days=1, minutes=n), start_at=moment)
    return Schedule(kind="cron", expression=f"{moment.second} {moment.minute} {moment.hour} * * *")


def _insert_planned(schedules: list[Schedule], now: datetime, title: str) -> None:
    for n, schedule in enumerate(schedules):
        schedule.name, schedule.action, schedule.timezone = f"{title} {n}", ACTION, "UTC"
    with writing():
        Schedule.objects.bulk_create(schedules)
        following = [(one, one.trigger.next_after(now)) for one in schedules]
        insert([Run(**occurrence(one, moment)) for one, moment in following if moment])
        wakeup.ring_on_commit()


def _columns(model: Any) -> str:
    fields = [f for f in model._meta.concrete_fields if not (f.primary_key or f.generated)]
    return ", ".join(f'"{field.column}"' for field in fields)


def analyze() -> None:
    """Let PostgreSQL look at the new rows, as it does by itself in time; SQLite never does."""
    if connection.vendor == "postgresql":
        with connection.cursor() as cursor:
            cursor.execute("VACUUM ANALYZE scheduling_schedule, scheduling_run")


def store_due(moments: list[datetime]) -> list[int]:
    """Store a schedule that is due at each moment, and again a day later; return their ids."""
    schedules = []
    for n, moment in enumerate(moments):
        if n % 2:
            expression = f"{moment.second} {moment.minute} {moment.hour} * * *"
            schedules.append(Schedule(kind="cron", expression=expression))
        else:
            schedules.append(Schedule(kind="interval", every=timedelta(days=1), start_at=moment))
    _insert_planned(schedules, clock.now(), title="due")
    return [schedule.pk for schedule in schedules]


def wait_until_ended(ids: list[int], *, seconds: float) -> Started:
    """Return how late each of the schedules' runs began, once all have succeeded."""
    runs = Run.objects.filter(schedule__in=ids, is_next=False)
    deadline = time.monotonic() + seconds
    while runs.filter(state=RunState.SUCCEEDED).count() < len(ids):
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    found = runs.filter(started_at__isnull=False).order_by("due_at", "id")
    rows = list(found.values_list("due_at", "started_at"))
    started = [moment for _, moment in rows]
    latest = datetime.min.replace(tzinfo=UTC)
    out_of_order = 0
    for moment in started:
        out_of_order += moment < latest
        latest = max(latest, moment)
    return Started(
        late=[(moment - due).total_seconds() for due, moment in rows],
        drained=(max(started) - min(started)).total_seconds() if started else 0.0,
        out_of_order=out_of_order,
        missing=len(ids) - len(rows),
    )


def remove(ids: list[int]) -> None:
    with writing():
        Run.objects.filter(schedule__in=ids).delete()
        Schedule.objects.filter(pk__in=ids)._raw_delete("default")


def empty_pass(times: int = 50) -> float:
    """Return the median seconds of a broker's pass in which nothing is due."""
    took = []
    for _ in range(times):
        started = time.perf_counter()
        now = clock.now()
        claiming.first_due(now=now)
        claiming.nearest_due_at(now=now)
        took.append(time.perf_counter() - started)
    return sorted(took)[times // 2]


def is_running() -> bool:
    return ClusterStatus.objects.exists()
