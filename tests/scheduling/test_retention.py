"""Retention: what has been finished for longer than the site keeps it is deleted, nothing else."""

from datetime import timedelta
from typing import Any

import pytest

from scheduling import retention
from scheduling.models import ClusterStatus, Run
from scheduling.retention import prune
from scheduling.states import FINISHED, RunState
from tests.scheduling.parts import NOW, store, store_many, store_running

pytestmark = pytest.mark.django_db
OLD, KEPT = NOW - timedelta(days=31), NOW - timedelta(days=29)


@pytest.fixture(autouse=True)
def thirty_days(settings: Any) -> None:
    settings.BOTFLOW_RETENTION_DAYS = 30


@pytest.mark.parametrize("state", sorted(FINISHED))
def test_a_run_finished_long_ago_is_deleted_and_a_recent_one_kept(state: RunState) -> None:
    store(state=state, finished_at=OLD)
    kept = store(state=state, finished_at=KEPT)

    assert prune(now=NOW) == 1
    assert list(Run.objects.all()) == [kept]


def test_an_unfinished_run_is_kept_however_old_it_is() -> None:
    fields = {"fire_at": OLD, "created_at": OLD, "finished_at": OLD}
    runs = [store(**fields), store_running(**fields)]

    assert prune(now=NOW) == 0
    assert list(Run.objects.order_by("pk")) == runs


def test_zero_days_keep_everything_for_ever(settings: Any) -> None:
    settings.BOTFLOW_RETENTION_DAYS = 0
    store(state=RunState.SUCCEEDED, finished_at=OLD - timedelta(days=9999))

    assert prune(now=NOW) == 0
    assert Run.objects.count() == 1


def test_many_are_deleted_in_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 10)
    store_many(35, state=RunState.FAILED, finished_at=OLD)

    assert prune(now=NOW) == 35
    assert not Run.objects.exists()


def test_a_cluster_that_has_long_been_silent_is_forgotten() -> None:
    for name, days in (("silent", 2), ("alive", 0)):
        seen_at = NOW - timedelta(days=days)
        ClusterStatus.objects.create(name=name, status="", seen_at=seen_at)

    prune(now=NOW)

    assert [cluster.name for cluster in ClusterStatus.objects.all()] == ["alive"]
