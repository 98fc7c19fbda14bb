"""Submitting: one row in the caller's transaction, or a sentence about what is wrong."""

import math
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone as django_timezone

from scheduling.actions import as_json, prepare, submit, submit_many
from scheduling.models import Run
from scheduling.states import RunState
from tests.scheduling.parts import NOW, again


def deep(levels: int) -> list[Any]:
    nest: list[Any] = []
    for _ in range(levels):
        nest = [nest]
    return nest


@pytest.mark.django_db
def test_a_submitted_run_is_pending_with_what_was_asked_for() -> None:
    run = submit(
        "tests.echo",
        {"text": "你好"},
        fire_at=NOW,
        key="room",
        timeout=timedelta(minutes=2),
        max_attempts=3,
    )

    stored = again(run)
    assert (stored.action, stored.args, stored.key) == ("tests.echo", {"text": "你好"}, "room")
    assert (stored.state, stored.attempt, stored.max_attempts) == (RunState.PENDING, 0, 3)
    assert (stored.fire_at, stored.due_at, stored.timeout_seconds) == (NOW, NOW, 120.0)


@pytest.mark.django_db
def test_a_run_without_a_fire_time_is_due_now() -> None:
    before = django_timezone.now()

    run = submit("tests.echo")

    assert before <= again(run).fire_at <= django_timezone.now()
    assert list(Run.objects.due(now=django_timezone.now())) == [run]


@pytest.mark.django_db
def test_a_fire_time_of_any_zone_is_the_same_instant() -> None:
    there = NOW.astimezone(timezone(timedelta(hours=8)))

    assert again(submit("tests.echo", fire_at=there)).fire_at == NOW


@pytest.mark.django_db
def test_an_action_that_this_process_does_not_know_is_accepted() -> None:
    assert again(submit("elsewhere.unknown")).action == "elsewhere.unknown"


@pytest.mark.django_db(transaction=True)
def test_a_rollback_takes_the_run_back() -> None:
    with pytest.raises(LookupError), transaction.atomic():
        submit("tests.echo")
        raise LookupError

    assert not Run.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_run_is_stored_with_the_transaction_it_joined() -> None:
    with transaction.atomic():
        first = submit("tests.echo")
        second = submit("tests.echo")

    assert [first, second] == list(Run.objects.order_by("pk"))


@pytest.mark.django_db  # for its clock
@pytest.mark.parametrize(
    "value",
    [
        math.nan,
        math.inf,
        {1, 2},
        NOW,
        b"bytes",
        Decimal(1),
        object(),
        "\ud83d",
        "one\0two",
        {"\0": 1},
        deep(3000),
    ],
    ids=[
        *("nan", "infinity", "set", "datetime", "bytes", "decimal", "object"),
        *("lone surrogate", "nul", "nul in a name", "3,000 levels"),
    ],
)
def test_arguments_that_are_not_json_are_refused_with_a_sentence(value: Any) -> None:
    with pytest.raises(ValueError, match=r"^The arguments .*\.$") as refused:
        prepare("tests.echo", {"value": value})

    assert type(refused.value) is ValueError


@pytest.mark.parametrize("value", [r"\u0000", "\\u0000", {"\\u0000": r"C:\u0000"}])
def test_text_that_only_spells_a_nul_is_accepted(value: Any) -> None:
    assert as_json(value) == value


@pytest.mark.parametrize(
    "arguments",
    [
        {"fire_at": datetime(2026, 1, 1)},
        {"timeout": 0},
        {"timeout": -1},
        {"timeout": math.inf},
        {"timeout": math.nan},
        {"timeout": timedelta(0)},
        {"timeout": timedelta(seconds=-1)},
        {"max_attempts": 0},
        {"max_attempts": -5},
    ],
    ids=str,
)
def test_values_out_of_range_are_refused_by_name(arguments: dict[str, Any]) -> None:
    (name,) = arguments

    with pytest.raises(ValueError, match=rf"^{name} must .*\.$"):
        prepare("tests.echo", **arguments)


@pytest.mark.django_db
def test_a_prepared_run_is_not_stored_until_it_is_submitted(
    django_assert_num_queries: Any,
) -> None:
    with django_assert_num_queries(0):
        runs = [prepare("tests.echo", {"n": n}, fire_at=NOW) for n in range(3)]
    assert not Run.objects.exists()

    stored = submit_many(runs)

    assert [again(run).args["n"] for run in stored] == [0, 1, 2]
    assert [run.pk for run in stored] == sorted(run.pk for run in stored)


@pytest.mark.django_db
def test_no_runs_are_submitted_without_complaint() -> None:
    assert submit_many([]) == []


@pytest.mark.django_db
def test_five_thousand_runs_are_submitted_at_once() -> None:
    submit_many(
        prepare("tests.echo", fire_at=datetime(2027, 1, 1, tzinfo=UTC)) for _ in range(5000)
    )

    assert Run.objects.pending().count() == 5000
