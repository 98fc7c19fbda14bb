"""`insert` writes what Django's own `bulk_create` would have written, in order and in one go."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from conversations.models import Conversation, Message
from scheduling.inserting import insert
from scheduling.models import ClusterStatus, Run
from tests.scheduling.parts import NOW, store_many

FIELDS = [
    field.attname
    for field in Run._meta.concrete_fields
    if not (field.primary_key or field.generated)
]
text = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), max_size=60)
# Within what both a double and PostgreSQL's numeric keep exactly.
numbers = st.integers(-(2**53), 2**53) | st.floats(-(2.0**53), 2.0**53)
json_values = st.recursive(
    st.none() | st.booleans() | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
moments = st.datetimes(datetime(1970, 1, 2), datetime(9000, 1, 1), timezones=st.just(UTC))
runs = st.fixed_dictionaries(
    {
        "action": text,
        "args": json_values.filter(lambda value: value is not None),
        "result": json_values,
        "key": text,
        "fire_at": moments,
        "not_before": st.none() | moments,
        "created_at": moments,
        "timeout_seconds": st.none() | st.floats(0.001, 1e9),
        "max_attempts": st.integers(1, 2**31 - 1),
        "error": text,
    }
)


@pytest.mark.django_db
@settings(
    deadline=None,
    max_examples=60,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.lists(runs, min_size=1, max_size=6))
def test_the_rows_are_those_that_bulk_create_writes(rows: list[dict[str, Any]]) -> None:
    ours, theirs = [Run(**row) for row in rows], [Run(**row) for row in rows]

    insert(ours)
    Run.objects.bulk_create(theirs)

    assert raw_rows(ours) == raw_rows(theirs)
    for row, run in zip(rows, ours, strict=True):
        stored = Run.objects.get(pk=run.pk)
        assert {name: getattr(stored, name) for name in row} == row


@pytest.mark.django_db
def test_ids_are_set_in_order() -> None:
    runs = store_many(300)

    assert [run.pk for run in runs] == list(range(runs[0].pk, runs[0].pk + 300))
    assert not any(run._state.adding for run in runs)
    runs[7].error = "changed"
    runs[7].save()
    assert Run.objects.count() == 300


@pytest.mark.django_db
def test_the_values_of_each_row_stay_with_its_id() -> None:
    runs = [Run(action=str(number), fire_at=NOW) for number in range(100)]

    insert(runs)

    stored = Run.objects.in_bulk([run.pk for run in runs])
    assert [stored[run.pk].action for run in runs] == [str(number) for number in range(100)]


@pytest.mark.django_db
def test_a_burst_is_one_statement() -> None:
    with CaptureQueriesContext(connection) as queries:
        store_many(200)

    assert len(queries) == 1


@pytest.mark.django_db
def test_more_rows_than_one_statement_may_carry_are_inserted_all_the_same() -> None:
    runs = [Run(action=str(number), fire_at=NOW) for number in range(15_000)]

    insert(runs)

    assert len({run.pk for run in runs}) == Run.objects.count() == 15_000


@pytest.mark.django_db
def test_nothing_to_insert_asks_nothing_of_the_database() -> None:
    with CaptureQueriesContext(connection) as queries:
        insert([])

    assert not queries.captured_queries


@pytest.mark.django_db
@pytest.mark.parametrize("microsecond", [0, 1, 999_999])
def test_an_instant_keeps_its_microseconds(microsecond: int) -> None:
    moment = NOW.replace(microsecond=microsecond)

    (run,) = store_many(1, fire_at=moment)

    assert Run.objects.get(fire_at=moment) == run


@pytest.mark.django_db
def test_uuids_and_foreign_keys_are_read_back_by_the_orm() -> None:
    conversation = Conversation.objects.create(channel="web", address="a")
    message = Message(
        conversation=conversation, role="user", content="你好 🌍", state="queued", seq=1
    )

    insert([message])

    stored = Message.objects.get(uuid=message.uuid)
    assert (stored, stored.content, stored.conversation) == (message, "你好 🌍", conversation)


@pytest.mark.django_db
def test_a_row_that_is_there_already_is_updated_and_lends_its_id() -> None:
    old = ClusterStatus.objects.create(name="a", status="old", seen_at=NOW)
    rows = [ClusterStatus(name=name, status="new", seen_at=NOW) for name in ("b", "a")]

    insert(rows, or_update=["status"], unique="name")

    assert rows[1].pk == old.pk
    assert rows[0].pk not in (None, old.pk)
    assert {row.name: row.status for row in ClusterStatus.objects.all()} == {"a": "new", "b": "new"}


@pytest.mark.django_db
def test_an_update_leaves_the_columns_it_does_not_name() -> None:
    ClusterStatus.objects.create(name="a", status="old", seen_at=NOW)

    insert(
        [ClusterStatus(name="a", status="new", seen_at=NOW.replace(year=2030))],
        or_update=["status"],
        unique="name",
    )

    assert ClusterStatus.objects.get().seen_at == NOW


def raw_rows(runs: list[Run]) -> list[dict[str, Any]]:
    """Return the rows as the database holds them, past the ORM."""
    columns = ", ".join(FIELDS)
    with connection.cursor() as cursor:
        found = []
        for run in runs:
            cursor.execute(f"SELECT {columns}, due_at FROM scheduling_run WHERE id = %s", [run.pk])
            found.append(dict(zip([*FIELDS, "due_at"], cursor.fetchone(), strict=True)))
    return found
