"""What /health and /metrics ask of the queue reads little, however many occurrences lie ahead."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from botflow_site.health import look_at_queue
from botflow_site.metrics import RunCollector
from scheduling.models import Run, Schedule
from scheduling.states import RunState
from tests.scheduling.parts import NOW, plan, store_many, store_running

AHEAD, DONE = 5000, 5000
pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def much_ahead(db: Any) -> None:
    """A next occurrence for each of many schedules, beside a long record and a short queue."""
    definition = {"kind": "cron", "expression": "* * * * *", "action": "tests.nothing"}
    schedules = [Schedule(name=str(number), **definition) for number in range(AHEAD)]
    day_after = NOW.replace(year=NOW.year + 1000)
    runs = [
        Run(action="tests.nothing", schedule=schedule, fire_at=day_after, is_next=True)
        for schedule in Schedule.objects.bulk_create(schedules)
    ]
    Run.objects.bulk_create(runs)
    store_many(DONE, state=RunState.SUCCEEDED, finished_at=NOW)
    store_many(10)
    store_running()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE scheduling_run")
        if connection.vendor == "sqlite":  # a site on SQLite never analyzes
            cursor.execute("DELETE FROM sqlite_stat1")


def plans(ask: Callable[[], Any]) -> list[str]:
    """Return the plans of what is asked about runs, with the parameters left as such.

    With values in their place SQLite would use partial indexes that it may ignore otherwise.
    """
    asked: list[tuple[str, Any]] = []

    def note(execute: Callable[..., Any], sql: str, parameters: Any, *rest: Any) -> Any:
        asked.append((sql, parameters))
        return execute(sql, parameters, *rest)

    with connection.execute_wrapper(note):
        ask()
    return [plan(sql, parameters) for sql, parameters in asked if "scheduling_run" in sql]


@pytest.mark.parametrize(
    "ask",
    [
        pytest.param(look_at_queue, id="health"),
        pytest.param(lambda: list(RunCollector().collect()), id="metrics"),
    ],
)
def test_neither_reads_all_runs_or_all_that_lies_ahead(ask: Callable[[], Any]) -> None:
    found = plans(ask)

    assert len(found) >= 4
    for one in found:
        lines = [line.strip() for line in one.splitlines()]
        assert not any("Seq Scan on scheduling_run" in line for line in lines), one
        assert "SCAN scheduling_run" not in lines, one
        assert "SCAN scheduling_run USING INDEX run_next" not in lines, one
