"""What a site needs once: the tables, and a person who may sign in to the admin."""

from __future__ import annotations

import secrets

from django.contrib.auth import get_user_model
from django.core.management import call_command
from django.db import IntegrityError, connection
from django.db.migrations.executor import MigrationExecutor

ADMIN = "admin"


def has_pending_migrations() -> bool:
    executor = MigrationExecutor(connection)
    return bool(executor.migration_plan(executor.loader.graph.leaf_nodes()))


def migrate() -> None:
    call_command("migrate", interactive=False, verbosity=0)


def create_first_admin() -> str | None:
    """Create the admin user of a site that has no user yet; return the password, else None.

    Of two processes that try at the same time one gets a password.
    """
    users = get_user_model()._default_manager
    if users.exists():
        return None
    password = secrets.token_urlsafe(12)
    try:
        users.create_superuser(username=ADMIN, password=password)
    except IntegrityError:
        return None
    return password
