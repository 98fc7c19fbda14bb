"""Inserts many rows of one model with one plain statement, for the paths every message takes.

Django's `bulk_create` resolves an expression for every value: a third of a message's whole cost.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

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
    fields = _shape(type(rows[0]))[1]
    most = MOST_PARAMETERS // len(fields)
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
    table, fields = _shape(type(rows[0]))
    parameters: list[Any] = []
    for row in rows:
        parameters += [_prepare(getattr(row, name), is_json) for name, _, is_json in fields]
    marks = ", ".join([f"({', '.join(['%s'] * len(fields))})"] * len(rows))
    columns = ", ".join(column for _, column, _ in fields)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({columns}) VALUES {marks}{conflict} RETURNING id",  # noqa: S608
            parameters,
        )
        # Both databases return the rows in the order of VALUES; bulk_create relies on it too.
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk
            row._state.adding, row._state.db = False, connection.alias


@cache
def _shape(model: type[models.Model]) -> tuple[str, list[tuple[str, str, bool]]]:
    """Return the table, and for each column to write: attribute, quoted name, whether JSON."""
    quote = connection.ops.quote_name
    return quote(model._meta.db_table), [
        (field.attname, quote(field.column or ""), isinstance(field, models.JSONField))
        for field in model._meta.concrete_fields
        if not (field.primary_key or field.generated)
    ]


def _prepare(value: Any, is_json: bool) -> Any:
    if is_json and value is not None:
        return connection.ops.adapt_json_value(value, None)
    if isinstance(value, datetime):
        return connection.ops.adapt_datetimefield_value(value)
    if isinstance(value, uuid.UUID) and not connection.features.has_native_uuid_field:
        return value.hex
    return value
