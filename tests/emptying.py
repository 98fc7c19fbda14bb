"""Empties the database after a test that commits: only what has rows, and not what migrations made.

Django's own `flush` empties every table and then makes all content types and permissions anew,
which took longer than most tests.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.core.management import call_command
from django.db import connections, transaction

#: Tables that no test writes and all may rely on.
KEPT = {"django_migrations", "django_content_type", "auth_permission"}


@contextmanager
def quick_flush() -> Iterator[None]:
    """Have Django's test cases empty the database in the quick way."""

    def call(name: str, *arguments: Any, **options: Any) -> Any:
        if name == "flush":
            return empty(options["database"])
        return call_command(name, *arguments, **options)

    with patch("django.test.testcases.call_command", call):
        yield


def empty(alias: str) -> None:
    """Delete the rows of all tables but those of `KEPT`, in one transaction."""
    connection = connections[alias]
    quote = connection.ops.quote_name
    names = connection.introspection.django_table_names(only_existing=True, include_views=False)
    with transaction.atomic(alias), connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            cursor.execute("SET CONSTRAINTS ALL DEFERRED")
        looks = [f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM {quote(name)})" for name in names]
        cursor.execute(" UNION ALL ".join(looks))
        for (name,) in cursor.fetchall():
            if name not in KEPT:
                cursor.execute(f"DELETE FROM {quote(name)}")
