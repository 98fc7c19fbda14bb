"""The state graph: what is declared, what is refused, and what the database itself holds to."""

from itertools import product

import pytest
from django.db import IntegrityError, connection, transaction

from scheduling import states
from scheduling.models import Run
from scheduling.states import FINISHED, TRANSITIONS, IllegalTransition, RunState, check_graph
from tests.scheduling.parts import again, store_running

EDGES = {(old, new) for old, ways in TRANSITIONS.items() for new in ways}
ALL_PAIRS = set(product(RunState, RunState))


@pytest.mark.parametrize(("old", "new"), sorted(ALL_PAIRS - EDGES))
def test_a_move_the_graph_does_not_have_is_refused_before_any_query(
    old: RunState, new: RunState
) -> None:
    with pytest.raises(IllegalTransition, match=f"from {old.value} to {new.value}"):
        Run.objects.all().move(old, new)  # without the database: a query would fail


@pytest.mark.django_db
@pytest.mark.parametrize(("old", "new"), sorted(EDGES))
def test_a_declared_move_is_made_once(old: RunState, new: RunState) -> None:
    run = store_running(state=old)

    moved = [Run.objects.filter(pk=run.pk).move(old, new) for _ in range(2)]

    assert moved == [1, 0]
    assert again(run).state == new


@pytest.mark.django_db
def test_a_move_leaves_rows_in_other_states_alone() -> None:
    rows = [store_running(state=state) for state in RunState]

    moved = Run.objects.all().move(RunState.PENDING, RunState.CANCELLED)

    assert moved == 1
    left = [again(row).state for row in rows if row.state != RunState.PENDING]
    assert left == [state for state in RunState if state != RunState.PENDING]


def test_success_is_final() -> None:
    assert TRANSITIONS[RunState.SUCCEEDED] == frozenset()


def test_a_state_without_declared_transitions_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    fewer = {state: ways for state, ways in TRANSITIONS.items() if state != RunState.SKIPPED}
    monkeypatch.setattr(states, "TRANSITIONS", fewer)

    with pytest.raises(ValueError, match="declared"):
        check_graph()


def test_a_state_that_nothing_leads_to_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    cut = {state: ways - {RunState.SKIPPED} for state, ways in TRANSITIONS.items()}
    monkeypatch.setattr(states, "TRANSITIONS", cut)

    with pytest.raises(ValueError, match=r"Unreachable.*SKIPPED"):
        check_graph()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("change", "constraint"),
    [
        ("state = 'lost'", "run_state_is_declared"),
        ("lease_expires_at = NULL", "run_running_has_a_lease"),
    ],
)
def test_the_database_refuses_a_broken_row_even_by_raw_update(change: str, constraint: str) -> None:
    run = store_running()

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        raw_update(change, run)

    assert again(run).state == RunState.RUNNING


@pytest.mark.django_db
def test_the_database_refuses_a_second_running_run_of_one_key_even_by_raw_update() -> None:
    store_running(key="room")
    second = store_running(key="room", state=RunState.PENDING)

    with pytest.raises(IntegrityError, match="key"), transaction.atomic():
        raw_update("state = 'running'", second)

    assert again(second).state == RunState.PENDING


@pytest.mark.django_db
def test_runs_without_a_key_and_finished_ones_of_a_key_do_not_collide() -> None:
    store_running()
    store_running()
    for state in FINISHED:
        store_running(key="room", state=state)

    assert store_running(key="room").pk


def raw_update(change: str, run: Run) -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE scheduling_run SET {change} WHERE id = %s", [run.pk])
