"""Rescue, cancel and retry: a run that nobody carries any more moves on, once, and says why."""

import os
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction

from scheduling import actions
from scheduling.actions import Action
from scheduling.ending import cancel, rescue, retry
from scheduling.models import Run, Tally
from scheduling.processes import identity
from scheduling.states import RunState
from tests.scheduling.parts import (
    LEASE,
    NOW,
    again,
    later,
    store,
    store_running,
    take,
    taken,
    together,
)

pytestmark = pytest.mark.django_db
AFTER = NOW + LEASE


def told_of(monkeypatch: pytest.MonkeyPatch, hook: Any) -> None:
    told = Action("tests.nothing", lambda run: None, "", ended=hook)
    monkeypatch.setitem(actions.registry, "tests.nothing", told)


@pytest.fixture(scope="module")
def dead_owner() -> str:
    """The name of a real process that has ended."""
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    name = identity(child.pid)
    child.communicate()
    return name


# -- rescue ----------------------------------------------------------------------------------------


def test_a_run_whose_lease_ended_goes_back_to_the_queue_with_the_reason() -> None:
    run = store_running(max_attempts=2)

    assert rescue(now=AFTER) == [run]

    stored = again(run)
    assert (stored.state, stored.attempt, stored.losses) == (RunState.PENDING, 1, 1)
    assert (stored.fire_at, stored.due_at, stored.lease_expires_at) == (NOW, AFTER, None)
    assert "attempt 1 of 2" in stored.error
    assert taken(now=AFTER) == [run.pk]


def test_a_run_whose_lease_still_holds_is_left() -> None:
    run = store_running()

    assert rescue(now=AFTER - timedelta(microseconds=1)) == []
    assert again(run).state == RunState.RUNNING


@pytest.mark.django_db(transaction=True)
def test_a_lost_run_without_attempts_left_fails_and_its_action_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[tuple[str, bool]] = []
    told_of(
        monkeypatch,
        lambda run: told.append((run.state, transaction.get_connection().in_atomic_block)),
    )
    run = store_running(attempt=2, max_attempts=2)

    rescue(now=AFTER)

    assert (again(run).state, again(run).finished_at) == (RunState.FAILED, AFTER)
    assert told == [("failed", True)]


@pytest.mark.django_db(transaction=True)
def test_what_an_action_writes_when_told_is_committed_with_the_end_of_the_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told_of(monkeypatch, lambda run: Tally.objects.create(metric=f"told of {run.pk}"))
    run = store_running()

    rescue(now=AFTER)

    assert Tally.objects.filter(metric=f"told of {run.pk}").exists()


@pytest.mark.django_db(transaction=True)
def test_an_action_that_fails_to_be_told_does_not_keep_a_lost_run_from_ending(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(run: Run) -> None:
        Tally.objects.create(metric="half a write")
        raise LookupError

    told_of(monkeypatch, fail)
    runs = [store_running(), store_running()]

    assert rescue(now=AFTER) == runs

    assert [again(run).state for run in runs] == [RunState.FAILED, RunState.FAILED]
    assert not Tally.objects.exists()
    assert "LookupError" in caplog.text


def test_a_claim_that_nobody_began_goes_back_uncounted() -> None:
    run = store()
    take()

    assert rescue(now=AFTER) == [run]

    stored = again(run)
    assert (stored.state, stored.attempt, stored.losses) == (RunState.PENDING, 0, 0)
    assert (stored.error, stored.not_before) == ("", None)


def test_a_run_of_a_dead_process_of_this_machine_is_rescued_at_once(dead_owner: str) -> None:
    run = store_running(worker=dead_owner, max_attempts=2)

    assert rescue(now=NOW) == [run]
    assert again(run).state == RunState.PENDING


def test_a_run_of_a_living_process_is_left() -> None:
    run = store_running(worker=identity(os.getppid()))

    assert rescue(now=NOW) == []
    assert again(run).state == RunState.RUNNING


def test_a_run_of_another_machine_is_left_until_its_lease_ends(dead_owner: str) -> None:
    host, node, pid, start = dead_owner.split("/")
    run = store_running(worker=f"{host}/{node[::-1]}x/{pid}/{start}")

    assert rescue(now=NOW) == []
    assert rescue(now=AFTER) == [run]


@pytest.mark.parametrize("worker", ["", "nonsense", "a/b/c", "a/b/no number/1"])
def test_an_owner_that_cannot_be_read_is_left_until_its_lease_ends(worker: str) -> None:
    run = store_running(worker=worker)

    assert rescue(now=NOW) == []
    assert rescue(now=AFTER) == [run]


def test_a_lost_run_that_was_to_be_cancelled_is() -> None:
    run = store_running(max_attempts=5, cancel_requested_at=NOW)

    rescue(now=AFTER)

    assert again(run).state == RunState.CANCELLED


@pytest.mark.django_db(transaction=True)
def test_of_rescuers_that_compete_one_takes_a_run_back(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[int] = []
    told_of(monkeypatch, lambda run: told.append(run.pk))
    for _ in range(10):
        told.clear()
        back, failed = store_running(max_attempts=2), store_running()

        found = together(*[lambda: rescue(now=AFTER)] * 3)

        assert sorted(run.pk for runs in found for run in runs) == [back.pk, failed.pk]
        assert again(back).losses == 1
        assert told == [failed.pk]
        Run.objects.all().delete()


def test_a_renewal_saves_a_run_from_the_rescuer_who_read_it_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    run = store_running()
    stale = again(run)
    Run.objects.filter(pk=run.pk).update(lease_expires_at=later(100))
    monkeypatch.setattr("scheduling.ending.Run.objects.running", lambda: Stale(stale))

    assert rescue(now=AFTER) == []
    assert again(run).state == RunState.RUNNING


class Stale:
    """The answer of a query that another process has overtaken."""

    def __init__(self, run: Run) -> None:
        self.run = run

    def order_by(self, *fields: str) -> Any:
        return [self.run] if fields else self

    def filter(self, *conditions: Any) -> "Stale":
        return self

    def values_list(self, *fields: str, **options: Any) -> "Stale":
        return self

    def distinct(self) -> list[str]:
        return [self.run.worker]


# -- cancel and retry ------------------------------------------------------------------------------


def test_a_pending_run_is_cancelled_at_once_and_its_action_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[str] = []
    told_of(monkeypatch, lambda run: told.append(run.state))
    run = store()

    assert cancel(run, now=later(1))

    assert (again(run).state, again(run).finished_at) == (RunState.CANCELLED, later(1))
    assert told == ["cancelled"]
    assert taken() == []


def test_a_running_run_is_asked_to_stop() -> None:
    run = store_running()

    assert cancel(run, now=later(1))

    assert (again(run).state, again(run).cancel_requested_at) == (RunState.RUNNING, later(1))


def test_a_run_that_has_ended_keeps_its_end() -> None:
    run = store(state=RunState.SUCCEEDED)

    assert not cancel(run, now=NOW)
    assert again(run).state == RunState.SUCCEEDED
    assert again(run).cancel_requested_at is None


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED, RunState.SKIPPED])
def test_a_finished_run_is_given_one_more_attempt_by_hand(state: RunState) -> None:
    run = store(
        state=state,
        attempt=3,
        max_attempts=3,
        losses=3,
        error="Broken.",
        finished_at=NOW,
        cancel_requested_at=NOW,
    )

    assert retry(run, now=later(9))

    stored = again(run)
    assert (stored.state, stored.due_at, stored.fire_at) == (RunState.PENDING, later(9), NOW)
    assert (stored.attempt, stored.max_attempts, stored.losses) == (3, 4, 0)
    assert (stored.error, stored.finished_at, stored.cancel_requested_at) == ("", None, None)


def test_a_run_is_retried_once_by_two_who_ask() -> None:
    run = store(state=RunState.FAILED)

    assert [retry(run, now=NOW), retry(run, now=NOW)] == [True, False]
