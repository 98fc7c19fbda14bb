"""What /health and /metrics say of the queue, of schedules and of tokens."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from botflow_site.health import look_at_queue
from botflow_site.metrics import RunCollector
from conversations.budgets import Charge, charge
from scheduling import clock, planning
from scheduling.models import Run
from tests.scheduling.parts import store, store_many, store_running
from tests.scheduling.schedule_parts import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def now() -> datetime:
    return clock.now()


def make_yearly(**fields: Any) -> Any:
    return make(expression="0 0 1 1 *", action="scheduling.prune", args={"days": 30}, **fields)


def gauge(name: str) -> dict[str, float]:
    """Return the samples of a gauge by their label; "" for one that has none."""
    [found] = [metric for metric in RunCollector().collect() if metric.name == name]
    return {"".join(sample.labels.values()): sample.value for sample in found.samples}


def test_next_occurrences_are_nothing_that_waits_for_a_worker(now: datetime) -> None:
    make_yearly()
    store_many(2, fire_at=now + timedelta(hours=1))
    store_running()

    queue = look_at_queue()
    assert (queue["pending"], queue["running"], queue["oldest_due_seconds"]) == (2, 1, 0)
    assert gauge("botflow_runs_waiting") == {"pending": 2, "running": 1, "due": 0}


@pytest.mark.parametrize(("runs", "occurrence"), [(30, 90), (90, 30), (0, 90)])
def test_the_oldest_due_is_a_run_or_an_occurrence_that_nobody_noticed(
    now: datetime, runs: int, occurrence: int
) -> None:
    make_yearly()
    past = now - timedelta(seconds=occurrence)
    Run.objects.next_occurrences().update(fire_at=past)
    if runs:
        store(fire_at=now - timedelta(seconds=runs))

    assert look_at_queue()["oldest_due_seconds"] == pytest.approx(90, abs=20)
    assert gauge("botflow_oldest_due_seconds")[""] == pytest.approx(90, abs=20)
    assert gauge("botflow_runs_waiting")["due"] == 1 + bool(runs)


def test_schedules_are_counted_by_their_state(now: datetime) -> None:
    for name in ("a", "b", "c"):
        make_yearly(name=name)
    planning.pause(make_yearly(name="d"), now=now, by="me", reason="")
    finished = make_yearly(name="e")
    type(finished).objects.filter(pk=finished.pk).update(enabled=False, finished_at=now)

    assert gauge("botflow_schedules") == {"enabled": 3, "paused": 1, "finished": 1}


def test_tokens_are_those_of_today(now: datetime) -> None:
    yesterday = now - timedelta(days=1)
    charge([Charge(1, 1, 20, 3, now), Charge(2, 1, 10, 4, now), Charge(1, 1, 500, 600, yesterday)])

    assert gauge("botflow_tokens_today") == {"input": 30, "output": 7}


def test_a_day_without_tokens_is_told_as_nothing() -> None:
    assert gauge("botflow_tokens_today") == {"input": 0, "output": 0}
