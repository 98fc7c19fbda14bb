"""Inserts many rows of one model with one plain statement, for the paths every message takes.

Django's `bulk_create` resolves an expression for every value: a third of a message's whole cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import connection, models, transaction

#: SQLite's limit on the parameters of a statement is 32,766.
MOST_PARAMETERS = 30_000


def insert(
    rows: Sequence[models.Model], *, or_update: Sequence[str] = (), unique: str = ""
) -> None:
    """Insert unsaved rows in order and set their ids; joins the caller's transaction.

    With `or_update` a row whose `unique` column is taken already has those columns updated
    instead, and gets the id of the row that is there. Field defaults were applied by the model;
    nothing is validated and no signal is sent.
    """
    if not rows:
        return
    most = MOST_PARAMETERS // len(_shape(type(rows[0])).columns)
    conflict = ""
    if or_update:
        updates = ", ".join(f"{column} = EXCLUDED.{column}" for column in or_update)
        conflict = f" ON CONFLICT ({unique}) DO UPDATE SET {updates}"
    if len(rows) <= most:
        _insert(rows, conflict)
        return
    with transaction.atomic():
        for start in range(0, len(rows), most):
            _insert(rows[start : start + most], conflict)


def _insert(rows: Sequence[models.Model], conflict: str) -> None:
    shape = _shape(type(rows[0]))
    parameters: list[Any] = []
    for row in rows:
        values = list(shape.values(row))
        for place, prepare in shape.prepared:
            if values[place] is not None:
                values[place] = prepare(values[place])
        parameters += values
    marks = ", ".join([f"({', '.join(['%s'] * len(shape.columns))})"] * len(rows))
    columns = ", ".join(shape.columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {shape.table} ({columns}) VALUES {marks}{conflict} RETURNING id",  # noqa: S608
            parameters,
        )
        # Both databases return the rows in the order of VALUES; bulk_create relies on it too.
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk
            row._state.adding, row._state.db = False, connection.alias


class _Shape(NamedTuple):
    """How rows of a model are written; `prepared` are the places of values to be converted."""

    table: str
    columns: list[str]
    values: Callable[[models.Model], tuple[Any, ...]]
    prepared: list[tuple[int, Callable[[Any], Any]]]


@cache
def _shape(model: type[models.Model]) -> _Shape:
    quote = connection.ops.quote_name
    fields = [f for f in model._meta.concrete_fields if not (f.primary_key or f.generated)]
    return _Shape(
        quote(model._meta.db_table),
        [quote(field.column or "") for field in fields],
        attrgetter(*[field.attname for field in fields]),
        [
            (place, prepare)
            for place, field in enumerate(fields)
            if (prepare := _preparer(field)) is not None
        ],
    )


def _preparer(field: models.Field[Any, Any]) -> Callable[[Any], Any] | None:
    """Return what turns a value of the field into a parameter; None where it is one already."""
    if isinstance(field, models.JSONField):
        return lambda value: connection.ops.adapt_json_value(value, None)
    if isinstance(field, models.DateTimeField):
        return lambda value: connection.ops.adapt_datetimefield_value(value)
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    if isinstance(target, models.UUIDField) and not connection.features.has_native_uuid_field:
        return lambda value: value.hex
    return None
