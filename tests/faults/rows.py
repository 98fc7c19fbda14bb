"""What the database of a site holds, read past Django: looking needs no process of its own."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import psycopg

from tests.harness.site import Site


@dataclass(frozen=True, slots=True)
class MessageRow:
    pk: int
    uuid: str
    conversation: str
    role: str
    content: str
    state: str
    seq: int
    reply_to: int | None
    client_id: str


@dataclass(frozen=True, slots=True)
class RunRow:
    pk: int
    action: str
    state: str
    attempt: int
    max_attempts: int
    error: str
    result: str | None


def messages(site: Site) -> list[MessageRow]:
    rows = query(
        site,
        "SELECT m.id, m.uuid, c.uuid, m.role, m.content, m.state, m.seq, m.reply_to_id,"
        " m.external_id FROM conversations_message m"
        " JOIN conversations_conversation c ON c.id = m.conversation_id ORDER BY m.id",
    )
    return [MessageRow(row[0], _plain(row[1]), _plain(row[2]), *row[3:]) for row in rows]


def runs(site: Site) -> list[RunRow]:
    return [
        RunRow(*row)
        for row in query(
            site,
            "SELECT id, action, state, attempt, max_attempts, error, CAST(result AS TEXT)"
            " FROM scheduling_run ORDER BY id",
        )
    ]


def query(site: Site, sql: str) -> list[tuple[Any, ...]]:
    if url := site.env["DATABASE_URL"]:
        with psycopg.connect(url) as connection:
            return list(connection.execute(sql))
    path = f"file:{site.data}/botflow.sqlite3"
    with closing(sqlite3.connect(path, uri=True, timeout=20)) as database:
        return list(database.execute(sql))


def _plain(uuid: Any) -> str:
    """SQLite keeps a UUID without its dashes."""
    return str(uuid).replace("-", "")
