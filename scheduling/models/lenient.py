"""Reads rows that a database without column types let somebody spoil, instead of failing at them.

SQLite stores any text in any column. One value that cannot be read would fail the whole query, and
so stop whoever looks at many rows: noticing, claiming, rescue, the lists of the admin.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from types import MappingProxyType
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections, models
from django.db.models.query import ModelIterable
from django.utils.translation import gettext as _

#: What Django's converters raise for text that is no JSON, moment or duration.
UNREADABLE_ERRORS = (ValueError, TypeError, AttributeError, OverflowError)
#: Characters of an unreadable value that are quoted.
QUOTED = 200


class Lenient(models.Model):
    """A model whose rows can be loaded whatever is in them, by querysets with LenientIterable."""

    #: What could not be loaded; the attributes have their defaults.
    _unloaded: Mapping[str, str] = MappingProxyType({})

    class Meta:
        abstract = True

    @property
    def unreadable(self) -> dict[str, str]:
        """Field → the beginning of the text in its column, where that makes no sense."""
        unreadable = dict(self._unloaded)
        for field in _moments(type(self)):
            # Of some texts that are no moment the database's own converter makes None.
            if self.__dict__.get(field.attname, ...) is None and not self._state.adding:
                unreadable.setdefault(
                    field.name, _text(self.pk, field, self._state.db or DEFAULT_DB_ALIAS)
                )
        return unreadable

    @property
    def unreadable_reason(self) -> str:
        """A sentence that quotes what cannot be read; empty for a row that is in order."""
        quoted = ", ".join(f"{name} = {text}" for name, text in self.unreadable.items())
        return _("The row cannot be read: %(quoted)s.") % {"quoted": quoted} if quoted else ""


class LenientIterable(ModelIterable):
    """Yields each row of a queryset; of one that cannot be read `unreadable` says what and why."""

    def __iter__(self) -> Iterator[Any]:
        seen = set()
        try:
            for row in super().__iter__():
                seen.add(row.pk)
                yield row
            return
        except UNREADABLE_ERRORS:
            pks = list(self.queryset.values_list("pk", flat=True))
        # One by one: nothing tells which of them it was.
        for pk in pks:
            if pk not in seen and (row := self._load(pk)):
                yield row

    def _load(self, pk: int) -> Any:
        model = self.queryset.model
        alone = model._base_manager.using(self.queryset.db).filter(pk=pk)
        bad = [field for field in model._meta.concrete_fields if not _is_readable(alone, field)]
        row: Any = alone.defer(*(field.attname for field in bad)).first()
        if row is None:
            return None
        for field in bad:
            setattr(row, field.attname, _placeholder(field))
        if bad:
            row._unloaded = {field.name: _text(pk, field, alone.db) for field in bad}
        for name in self.queryset.query.annotation_select:
            setattr(row, name, self._annotation(pk, name))
        return row

    def _annotation(self, pk: int, name: str) -> Any:
        rows = self.queryset.all()
        rows.query.clear_limits()
        try:
            return rows.filter(pk=pk).values_list(name, flat=True).first()
        except UNREADABLE_ERRORS:
            return None


def _is_readable(alone: models.QuerySet[Any], field: models.Field[Any, Any]) -> bool:
    try:
        alone.values_list(field.attname).first()
    except UNREADABLE_ERRORS:
        return False
    return True


@cache
def _moments(model: type[models.Model]) -> list[models.Field[Any, Any]]:
    """Return the fields that hold a moment in every row."""
    fields = model._meta.concrete_fields
    return [f for f in fields if isinstance(f, models.DateTimeField) and not f.null]


def _placeholder(field: models.Field[Any, Any]) -> Any:
    return field.get_default() if field.has_default() else None


def _text(pk: int, field: models.Field[Any, Any], database: str) -> str:
    """Return the beginning of what is in the column."""
    quote = connections[database].ops.quote_name
    column, table = quote(field.column or ""), quote(field.model._meta.db_table)
    with connections[database].cursor() as cursor:
        # Cast, since SQLite's module would convert a plain column by its declared type.
        cursor.execute(f"SELECT CAST({column} AS TEXT) FROM {table} WHERE id = %s", [pk])  # noqa: S608
        row = cursor.fetchone()
    return str(row[0] if row else "")[:QUOTED]
