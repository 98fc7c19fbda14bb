"""Attempts: counted once when they begin, fenced when they end, given back without blame."""

from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from scheduling import actions, attempts
from scheduling.actions import Action, Commit
from scheduling.attempts import (
    BACKOFF_MOST,
    Ending,
    LostLease,
    backoff,
    cancel_requests,
    end,
    give_back,
    renew,
    starter,
)
from scheduling.claiming import Claim
from scheduling.models import Run, Tally
from scheduling.states import RunState
from tests.scheduling.parts import (
    NOW,
    again,
    begin,
    later,
    store,
    store_running,
    take,
    taken,
    together,
)

pytestmark = pytest.mark.django_db


def ended(run: Run, state: RunState = RunState.SUCCEEDED, **fields: Any) -> Ending:
    return Ending(run.pk, run.attempt, state, later(1), **fields)


def write_tallies(names: list[str]) -> list[str]:
    """A Commit's write that leaves a row for each item."""
    Tally.objects.bulk_create(Tally(metric=name) for name in names)
    return [f"wrote {name}" for name in names]


def written() -> list[str]:
    return list(Tally.objects.order_by("metric").values_list("metric", flat=True))


# -- starting --------------------------------------------------------------------------------------


def test_starting_counts_the_attempt_and_takes_the_lease_over() -> None:
    store()
    claims = take()

    (run,) = starter("worker")(claims)

    assert run is not None
    stored = again(run)
    assert (stored.attempt, stored.worker, stored.state) == (1, "worker", RunState.RUNNING)
    assert stored.started_at is not None
    assert stored.lease_expires_at == stored.started_at + attempts.lease()


def test_runs_are_started_in_the_order_of_their_claims() -> None:
    runs = [store(fire_at=later(-seconds)) for seconds in range(5)]
    claims = take()

    started = starter("worker")(claims[::2] + claims[1::2])

    expected = [run.pk for run in reversed(runs)]
    assert [run and run.pk for run in started] == expected[::2] + expected[1::2]


def test_of_two_copies_of_a_claim_one_is_started() -> None:
    run = store()
    (claim,) = take()

    first = starter("one")([claim])
    second = starter("two")([claim])

    assert (first, second) == ([run], [None])
    assert (again(run).attempt, again(run).worker) == (1, "one")


def test_of_two_copies_in_one_batch_one_is_started() -> None:
    run = store()
    (claim,) = take()

    started = starter("one")([claim, claim])

    assert started.count(None) == 1
    assert again(run).attempt == 1


def test_of_an_old_and_a_new_claim_in_one_batch_the_new_one_is_started() -> None:
    run = store_running(attempt=3)

    started = starter("one")([Claim(run.pk, 2), Claim(run.pk, 3), Claim(run.pk, 4)])

    assert [one and one.pk for one in started] == [None, run.pk, None]


@pytest.mark.django_db(transaction=True)
def test_of_two_workers_that_start_one_claim_one_does() -> None:
    for _ in range(20):
        run = store()
        (claim,) = take(1000)

        results = together(*[partial(starter(name), [claim]) for name in "abc"])

        assert sorted(found == [None] for found in results) == [False, True, True]
        assert again(run).attempt == 1


def test_a_run_that_went_back_to_the_queue_is_not_started() -> None:
    run = store()
    claims = take()
    give_back(claims)

    assert starter("late")(claims) == [None]
    assert again(run).attempt == 0


# -- ending ----------------------------------------------------------------------------------------


def test_a_success_is_recorded_with_its_result() -> None:
    run = store_running()

    assert end([ended(run, result={"n": 1})]) == [None]

    stored = again(run)
    assert (stored.state, stored.result, stored.error) == (RunState.SUCCEEDED, {"n": 1}, "")
    assert (stored.finished_at, stored.lease_expires_at) == (later(1), None)
    assert stored.duration == timedelta(seconds=1)


def test_many_ends_at_once_keep_their_order_and_their_kind() -> None:
    runs = [store_running() for _ in range(4)]
    failed = ended(runs[1], RunState.FAILED, error="Broken.")
    endings = [ended(runs[0]), failed, ended(runs[2]), ended(runs[3], result=[3])]

    end(endings)

    assert [again(run).state for run in runs] == ["succeeded", "failed", "succeeded", "succeeded"]
    assert [again(run).error for run in runs] == ["", "Broken.", "", ""]
    assert again(runs[3]).result == [3]


@pytest.mark.parametrize("result", [None, "something"], ids=["plain", "with a result"])
def test_an_old_attempt_cannot_end_a_run_and_its_write_is_not_made(result: Any) -> None:
    run = store_running(attempt=2)
    old = Ending(run.pk, 1, RunState.SUCCEEDED, NOW, result=result, commit=commit_of("old"))

    (outcome,) = end([old])

    assert isinstance(outcome, LostLease)
    assert again(run).state == RunState.RUNNING
    assert written() == []


def test_of_an_old_and_a_new_attempt_in_one_batch_only_the_new_one_writes() -> None:
    run = store_running(attempt=2)
    old = Ending(run.pk, 1, RunState.SUCCEEDED, NOW, commit=commit_of("old"))
    new = Ending(run.pk, 2, RunState.SUCCEEDED, NOW, commit=commit_of("new"))

    first, second = end([old, new])

    assert isinstance(first, LostLease)
    assert second == "wrote new"
    assert written() == ["new"]


def test_a_run_ends_once() -> None:
    run = store_running()

    first, second = end([ended(run)]), end([ended(run, RunState.FAILED, error="Late.")])

    assert first == [None]
    assert isinstance(second[0], LostLease)
    assert again(run).state == RunState.SUCCEEDED


def test_the_writes_of_a_batch_are_made_together_and_results_map_to_their_runs() -> None:
    calls: list[list[str]] = []

    def write(items: list[str]) -> list[str]:
        calls.append(items)
        return write_tallies(items)

    runs = [store_running() for _ in range(3)]
    endings = [
        ended(run, commit=Commit(write, name)) for run, name in zip(runs, "abc", strict=True)
    ]

    assert end(endings) == ["wrote a", "wrote b", "wrote c"]
    assert calls == [["a", "b", "c"]]


@pytest.mark.django_db(transaction=True)
def test_a_write_that_raises_leaves_the_run_running() -> None:
    run = store_running()

    def write(items: list[str]) -> list[str]:
        write_tallies(items)
        raise LookupError

    with pytest.raises(LookupError), transaction.atomic():
        end([ended(run, commit=Commit(write, "a"))])

    assert again(run).state == RunState.RUNNING
    assert written() == []


def test_a_retry_moves_the_moment_and_keeps_the_fire_time() -> None:
    run = store_running(fire_at=later(-5), max_attempts=2)

    end([ended(run, RunState.PENDING, error="Busy.", retry_at=later(3))])

    stored = again(run)
    assert (stored.state, stored.error, stored.finished_at) == (RunState.PENDING, "Busy.", None)
    assert (stored.fire_at, stored.not_before, stored.due_at) == (later(-5), later(3), later(3))
    assert stored.attempt == 1


def test_a_second_attempt_that_succeeds_leaves_no_error_behind() -> None:
    run = store_running(attempt=2, max_attempts=2, error="Busy.")

    end([ended(run)])

    assert again(run).error == ""


@pytest.mark.parametrize("state", [RunState.FAILED, RunState.CANCELLED])
def test_an_action_is_told_of_a_run_that_ends_badly(
    state: RunState, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    tell(monkeypatch, lambda run: told.append(run.state))
    runs = [store_running(), store_running()]

    end([ended(runs[0]), ended(runs[1], state, error="Sorry.")])

    assert told == [state]


def test_an_action_that_fails_to_be_told_does_not_keep_its_run_from_ending(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(run: Run) -> None:
        Tally.objects.create(metric="half a write")
        raise LookupError

    tell(monkeypatch, fail)
    run = store_running()

    assert end([ended(run, RunState.FAILED, error="Sorry.")]) == [None]

    assert again(run).state == RunState.FAILED
    assert written() == []
    assert "LookupError" in caplog.text


# -- giving back, renewing, cancel requests --------------------------------------------------------


def test_a_run_that_had_begun_is_given_back_with_one_more_attempt() -> None:
    run = begin(store(max_attempts=1))

    assert give_back([Claim(run.pk, run.attempt)]) == [True]

    stored = again(run)
    assert (stored.state, stored.attempt, stored.max_attempts) == (RunState.PENDING, 1, 2)
    assert stored.lease_expires_at is None
    assert taken(now=timezone.now()) == [run.pk]


def test_a_claim_that_had_not_begun_is_given_back_as_it_was() -> None:
    run = store(max_attempts=1)

    assert give_back(take()) == [True]

    assert (again(run).attempt, again(run).max_attempts) == (0, 1)


def test_a_run_of_a_later_attempt_is_not_given_back() -> None:
    run = store_running(attempt=2)

    assert give_back([Claim(run.pk, 1)]) == [False]
    assert again(run).state == RunState.RUNNING


def test_a_renewal_extends_what_the_worker_owns_and_nothing_else() -> None:
    mine, other = store_running(worker="me"), store_running(worker="you")
    idle, ended_one = store_running(worker="me"), store_running(worker="me", state="succeeded")
    older = (idle.pk, idle.attempt + 1)
    asked = {(run.pk, run.attempt) for run in (mine, ended_one)} | {older}

    assert renew(asked, now=later(5)) == {(mine.pk, mine.attempt)}

    assert again(mine).lease_expires_at == later(5) + attempts.lease()
    for left in (other, idle):
        assert again(left).lease_expires_at == left.lease_expires_at


def test_renewing_nothing_is_no_error() -> None:
    store_running(worker="me")

    assert renew(set(), now=NOW) == set()


def test_a_worker_sees_the_requests_to_stop_what_it_runs() -> None:
    asked = store_running(worker="me", cancel_requested_at=NOW)
    store_running(worker="me")
    store_running(worker="you", cancel_requested_at=NOW)
    store_running(worker="me", cancel_requested_at=NOW, state=RunState.CANCELLED)

    assert cancel_requests("me") == {asked.pk}


@pytest.mark.parametrize(("attempt", "seconds"), [(1, 1), (2, 2), (3, 4), (9, 256)])
def test_the_back_off_doubles_within_a_tenth(attempt: int, seconds: int) -> None:
    pauses = {backoff(attempt).total_seconds() for _ in range(200)}

    assert seconds * 0.9 <= min(pauses) < max(pauses) <= seconds * 1.1


@pytest.mark.parametrize("attempt", [10, 50, 10**6])
def test_the_back_off_has_an_upper_bound(attempt: int) -> None:
    assert backoff(attempt).total_seconds() <= BACKOFF_MOST * 1.1


def commit_of(name: str) -> Commit:
    return Commit(write_tallies, name)


def tell(monkeypatch: pytest.MonkeyPatch, hook: Any) -> None:
    told = Action("tests.nothing", lambda run: None, "", ended=hook)
    monkeypatch.setitem(actions.registry, "tests.nothing", told)
