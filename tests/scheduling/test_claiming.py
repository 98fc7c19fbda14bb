"""Claiming: in fire-time order, within capacity, one running run per key, whoever competes."""

from collections import Counter
from datetime import timedelta

import pytest
from django.db import IntegrityError

from scheduling.claiming import Claim, nearest_due_at
from scheduling.models import Run
from scheduling.processes import identity
from scheduling.states import RunState
from tests.scheduling.parts import (
    LEASE,
    NOW,
    again,
    later,
    store,
    store_many,
    store_running,
    take,
    taken,
    together,
)

pytestmark = pytest.mark.django_db


def test_runs_are_claimed_by_fire_time_then_id() -> None:
    third, first, fourth = (store(fire_at=later(seconds)) for seconds in (-1, -3, -1))
    second = store(fire_at=later(-2))

    assert taken() == [first.pk, second.pk, third.pk, fourth.pk]


def test_when_there_is_room_for_few_they_are_the_oldest() -> None:
    runs = [store(fire_at=later(-seconds)) for seconds in range(10)]

    assert taken(3) == [run.pk for run in runs[:-4:-1]]


def test_a_claimed_run_has_an_owner_and_a_lease_but_no_counted_attempt() -> None:
    run = store(losses=2)

    assert take(cluster="a") == [Claim(run=run.pk, attempt=0, losses=2)]

    claimed = again(run)
    assert (claimed.state, claimed.cluster, claimed.worker) == (RunState.RUNNING, "a", identity())
    assert (claimed.attempt, claimed.started_at) == (0, None)
    assert claimed.lease_expires_at == NOW + LEASE


def test_a_run_is_due_at_its_very_moment_and_not_a_microsecond_earlier() -> None:
    run = store(fire_at=NOW)

    assert taken(now=NOW - timedelta(microseconds=1)) == []
    assert taken(now=NOW) == [run.pk]


def test_a_retry_waits_for_its_back_off() -> None:
    run = store(fire_at=later(-60), not_before=later(5))

    assert taken(now=later(4)) == []
    assert taken(now=later(5)) == [run.pk]


@pytest.mark.parametrize("state", [state for state in RunState if state != RunState.PENDING])
def test_only_pending_runs_are_claimed(state: RunState) -> None:
    store_running(state=state)

    assert taken() == []


def test_capacity_counts_what_the_cluster_runs_already() -> None:
    store_many(10)

    assert len(taken(4, cluster="a")) == 4
    assert len(taken(4, cluster="a")) == 0
    assert len(taken(5, cluster="a")) == 1
    assert len(taken(2, cluster="b")) == 2


def test_a_cluster_that_runs_more_than_its_capacity_claims_nothing() -> None:
    store_many(10)
    taken(5)

    assert taken(3) == []


def test_of_a_key_only_the_oldest_is_claimed_and_the_next_after_its_end() -> None:
    newer, older = store(key="room", fire_at=later(-1)), store(key="room", fire_at=later(-2))

    assert taken() == [older.pk]
    assert taken() == []

    Run.objects.filter(pk=older.pk).move(RunState.RUNNING, RunState.SUCCEEDED)
    assert taken() == [newer.pk]


def test_runs_of_a_key_with_one_fire_time_go_in_the_order_of_their_ids() -> None:
    first, _ = store_many(2, key="room")

    assert taken() == [first.pk]


def test_a_key_is_held_up_while_its_older_run_waits_for_a_retry() -> None:
    older = store(key="room", fire_at=later(-2), not_before=later(10))
    store(key="room", fire_at=later(-1))

    assert taken() == []
    assert taken(now=later(10)) == [older.pk]


def test_a_busy_key_holds_up_no_other_key_and_no_run_without_one() -> None:
    store_running(key="busy")
    store_many(50, key="busy", fire_at=later(-60))
    free = [store(key="free"), store(), store()]

    assert taken() == [run.pk for run in free]


def test_the_nearest_due_moment_is_the_next_one_in_the_future() -> None:
    assert nearest_due_at(now=NOW) is None
    store(fire_at=later(-5))
    store(fire_at=NOW)
    assert nearest_due_at(now=NOW) is None

    store(fire_at=later(30))
    store(fire_at=later(-5), not_before=later(20))
    store_running(fire_at=later(10))
    assert nearest_due_at(now=NOW) == later(20)


@pytest.mark.django_db(transaction=True)
def test_two_claims_at_once_never_hand_out_a_run_twice() -> None:
    for _ in range(20):
        runs = store_many(40)

        ones, others = together(
            lambda: taken(30, cluster="a"),
            lambda: taken(30, cluster="b"),
        )

        left = taken(80, cluster="c")
        assert Counter(ones + others + left) == Counter(run.pk for run in runs)
        assert max(len(ones), len(others)) <= 30
        Run.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_two_claims_at_once_never_hand_out_two_runs_of_one_key() -> None:
    for _ in range(20):
        for key in range(10):
            store_many(4, key=f"room {key}")

        together(*[lambda cluster=cluster: claim_or_meet(cluster) for cluster in "abc"])

        running = Counter(Run.objects.running().values_list("key", flat=True))
        assert set(running.values()) == {1}
        Run.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_the_runs_of_a_key_are_handed_out_in_order_while_clusters_compete() -> None:
    runs = store_many(20, key="room")
    order: list[int] = []

    def work_off(cluster: str) -> None:
        while len(order) < len(runs):
            for pk in claim_or_meet(cluster):
                order.append(pk)
                Run.objects.filter(pk=pk).move(RunState.RUNNING, RunState.SUCCEEDED)

    together(lambda: work_off("a"), lambda: work_off("b"), lambda: work_off("c"))

    assert order == [run.pk for run in runs]


def claim_or_meet(cluster: str) -> list[int]:
    """Claim; where two clusters meet on one key the database fails one, which claims again."""
    try:
        return taken(100, cluster=cluster)
    except IntegrityError:
        return []
