"""Claims due runs in fire-time order: one statement, in which the database settles every race."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import connection

from scheduling.writing import writing

# Literals, as in the conditions of the partial indexes: given parameters SQLite ignores those. The
# oldest run of a key is looked up by LIMIT 1, which PostgreSQL answers from the index whatever its
# statistics say: with NOT EXISTS it read the whole table for each row (2.5 s for 2,000 rows).
_CLAIM = """
UPDATE scheduling_run
SET state = 'running', cluster = %(cluster)s, worker = %(worker)s,
    lease_expires_at = %(lease)s, started_at = NULL
WHERE {among}
    SELECT r.id FROM scheduling_run r
    WHERE r.state = 'pending' AND NOT r.is_next AND r.due_at <= %(now)s
      AND (r.key = '' OR (
        r.id = (
          SELECT o.id FROM scheduling_run o
          WHERE o.key = r.key AND o.state IN ('pending', 'running') AND NOT o.is_next
          ORDER BY o.fire_at, o.id LIMIT 1)
        AND NOT EXISTS (
          SELECT 1 FROM scheduling_run b
          WHERE b.key = r.key AND b.key <> '' AND b.state = 'running')))
    ORDER BY r.due_at, r.id
    LIMIT {greatest}(0, %(limit)s - (
        SELECT COUNT(*) FROM scheduling_run c
        WHERE c.state = 'running' AND c.lease_expires_at IS NOT NULL
          AND c.cluster = %(cluster)s))
    {lock}
{end}
RETURNING id, attempt, losses, due_at
"""

# A negative limit is none at all to SQLite and an error to PostgreSQL. An array is computed once
# and looked up by primary key; what is IN a subquery PostgreSQL joined with a scan of all rows.
_DIALECTS = {
    "sqlite": {"among": "id IN (", "end": ")", "greatest": "MAX", "lock": ""},
    "postgresql": {
        "among": "id = ANY(ARRAY(",
        "end": "))",
        "greatest": "GREATEST",
        "lock": "FOR UPDATE SKIP LOCKED",
    },
}


_NEAREST = """
SELECT MIN(due_at) FROM (
    SELECT * FROM (
        SELECT due_at FROM scheduling_run
        WHERE state = 'pending' AND NOT is_next AND due_at > %(now)s
        ORDER BY due_at, id LIMIT 1) w
    UNION ALL
    SELECT * FROM (
        SELECT due_at FROM scheduling_run WHERE is_next AND due_at > %(now)s
        ORDER BY due_at, id LIMIT 1) n) nearest
"""

_FIRST_DUE = """
SELECT
    (SELECT due_at <= %(now)s FROM scheduling_run WHERE is_next ORDER BY due_at, id LIMIT 1),
    (SELECT due_at <= %(now)s FROM scheduling_run
     WHERE state = 'pending' AND NOT is_next ORDER BY due_at, id LIMIT 1)
"""


@dataclass(frozen=True, slots=True)
class Due:
    """Whether an occurrence waits to be noticed, and whether a run waits to be claimed."""

    is_occurrence: bool
    is_run: bool


@dataclass(frozen=True, slots=True)
class Claim:
    """A run handed to a worker: with `attempt` as it was, so that only one worker can start it."""

    run: int
    attempt: int
    losses: int = 0


def claim(
    *, now: datetime, cluster: str, worker: str, capacity: int, lease: timedelta
) -> list[Claim]:
    """Claim the due runs that fit into `capacity`, nearest fire time first; one query.

    `capacity` counts what the cluster runs already. A run whose key is busy, or has an earlier
    run, is left. On PostgreSQL rows that another cluster is claiming are skipped; should two
    clusters still meet on one key, the unique index fails the later one, which claims again.
    """
    adapt = connection.ops.adapt_datetimefield_value
    parameters = {
        "now": adapt(now),
        "cluster": cluster,
        "worker": worker,
        "lease": adapt(now + lease),
        "limit": capacity,
    }
    with writing(), connection.cursor() as cursor:
        cursor.execute(_CLAIM.format(**_DIALECTS[connection.vendor]), parameters)
        rows = cursor.fetchall()
    # RETURNING has no order of its own; a row spoiled by hand may be due at no moment.
    rows.sort(key=lambda row: (row[3] is not None, row[3] or 0, row[0]))
    return [Claim(run=row[0], attempt=row[1], losses=row[2]) for row in rows]


def first_due(*, now: datetime) -> Due:
    """Tell what is due; reads two index entries and takes no lock."""
    with connection.cursor() as cursor:
        cursor.execute(_FIRST_DUE, {"now": connection.ops.adapt_datetimefield_value(now)})
        occurrence, run = cursor.fetchone()
    return Due(bool(occurrence), bool(run))


def nearest_due_at(*, now: datetime) -> datetime | None:
    """Return the nearest due moment after `now` among pending runs; reads two index entries.

    Runs that are due already and wait for their key are woken by the run that holds it.
    """
    with connection.cursor() as cursor:
        cursor.execute(_NEAREST, {"now": connection.ops.adapt_datetimefield_value(now)})
        row = cursor.fetchone()
    if row[0] is None:
        return None
    try:
        # SQLite stores UTC as text.
        nearest: datetime = datetime.fromisoformat(row[0]) if isinstance(row[0], str) else row[0]
    except ValueError:  # somebody wrote what is no moment into a row
        return None
    return nearest if nearest.tzinfo else nearest.replace(tzinfo=UTC)
