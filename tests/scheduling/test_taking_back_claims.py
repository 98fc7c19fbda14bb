"""Claims that may have died with a worker are taken back; those that did not are begun once."""

import os

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from scheduling.attempts import starter
from scheduling.claiming import Claim
from scheduling.ending import take_back_claims
from scheduling.models import Run
from scheduling.processes import identity
from scheduling.states import RunState
from tests.scheduling.parts import NOW, again, later, plan, store, store_many, store_running, take

pytestmark = pytest.mark.django_db
ME = identity()
ELSEWHERE = identity(os.getppid())


def begin(claim: Claim, worker: str = "a worker") -> Run | None:
    (begun,) = starter(worker)([claim])
    return begun


def test_what_was_claimed_and_not_begun_waits_again_as_it_did() -> None:
    run = store(not_before=later(-5))
    take()

    assert take_back_claims(ME) == 1

    stored = again(run)
    assert (stored.state, stored.lease_expires_at) == (RunState.PENDING, None)
    assert (stored.attempt, stored.losses, stored.error) == (0, 0, "")
    assert (stored.fire_at, stored.due_at) == (NOW, later(-5))
    assert take() == [Claim(run.pk, 0)]


def test_what_was_begun_or_is_claimed_by_another_is_left() -> None:
    begun = store_running(worker=ME)
    theirs = store_running(worker=ELSEWHERE, attempt=0, started_at=None)
    waiting = store()

    assert take_back_claims(ME) == 0

    states = [again(run).state for run in (begun, theirs, waiting)]
    assert states == [RunState.RUNNING, RunState.RUNNING, RunState.PENDING]


def test_a_claim_that_was_taken_back_begins_nothing() -> None:
    run = store()
    [claim] = take()
    take_back_claims(ME)

    assert begin(claim) is None

    assert again(run).state == RunState.PENDING


@pytest.mark.parametrize("first", [0, 1])
def test_of_a_claim_taken_back_and_the_new_one_the_first_to_begin_has_the_run(first: int) -> None:
    store()
    claims = take()
    take_back_claims(ME)
    claims += take()

    begun = begin(claims[first])

    assert begun is not None and begun.attempt == 1
    assert begin(claims[1 - first]) is None
    assert starter("a worker")(claims) == [None, None]


def test_a_run_of_a_key_taken_back_is_still_the_first_of_its_key() -> None:
    first, second = store_many(2, key="room")
    [claim] = take()
    take_back_claims(ME)

    assert [claimed.run for claimed in take()] == [first.pk]

    assert begin(claim) is not None
    assert again(second).state == RunState.PENDING


def test_taking_back_reads_only_what_runs() -> None:
    store_many(2000, state=RunState.SUCCEEDED, finished_at=NOW)
    store_many(20)
    take()
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE scheduling_run")

    with CaptureQueriesContext(connection) as captured:
        assert take_back_claims(ME) == 20

    plans = [plan(query["sql"]) for query in captured if "scheduling_run" in query["sql"]]
    assert len(plans) == 2
    for found in plans:
        assert "Seq Scan on scheduling_run" not in found
        assert not found.endswith("SCAN scheduling_run")
