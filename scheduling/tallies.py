"""Counts outcomes, durations and lateness in memory; adds them to the shared counters at times."""

from collections import Counter

from django.db import DatabaseError, connection

from scheduling.attempts import Ending
from scheduling.models import Run
from scheduling.writing import writing

#: Upper bounds in seconds of the lateness and duration histograms.
LATENESS_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0, 60.0)
DURATION_BUCKETS = (0.01, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0)

_pending: Counter[tuple[str, str]] = Counter()


def started(run: Run) -> None:
    if run.lateness is not None:
        _observe("run_lateness_seconds", "", run.lateness.total_seconds(), LATENESS_BUCKETS)


def ended(run: Run, ending: Ending) -> None:
    """Count an attempt's end; one that goes back to the queue counts as `retried`."""
    outcome = "retried" if ending.retry_at else ending.state.value
    _pending["runs", f"{run.action}|{outcome}"] += 1
    if run.started_at:
        seconds = (ending.at - run.started_at).total_seconds()
        _observe("run_duration_seconds", run.action, seconds, DURATION_BUCKETS)


def _observe(metric: str, label: str, seconds: float, buckets: tuple[float, ...]) -> None:
    _pending[f"{metric}_sum", label] += seconds  # type: ignore[assignment]
    _pending[f"{metric}_count", label] += 1
    for bound in buckets:
        if seconds <= bound:
            _pending[f"{metric}_bucket", f"{label}|{bound}"] += 1
            break


def flush() -> None:
    """Add what was counted since the last flush to the database; one transaction."""
    global _pending
    # Swapped in one step: the event loop goes on counting while this thread writes.
    counted, _pending = _pending, Counter()
    if not counted:
        return
    try:
        _add(counted)
    except DatabaseError:
        _pending.update(counted)
        raise


def _add(counted: Counter[tuple[str, str]]) -> None:
    with writing(), connection.cursor() as cursor:
        # In one order everywhere: two workers that add to the same rows must not deadlock.
        cursor.executemany(
            """INSERT INTO scheduling_tally (metric, labels, value) VALUES (%s, %s, %s)
            ON CONFLICT (metric, labels) DO UPDATE
            SET value = scheduling_tally.value + EXCLUDED.value""",
            [(metric, labels, value) for (metric, labels), value in sorted(counted.items())],
        )
