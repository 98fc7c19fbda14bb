"""Collects what Prometheus scrapes: the queue as it is now, and the tallies that workers keep."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from conversations.budgets import tokens_today
from conversations.watching import open_sockets
from scheduling import clock
from scheduling.models import Run, RunQuerySet, Schedule, Tally
from scheduling.tallies import DURATION_BUCKETS, LATENESS_BUCKETS

Tallies = dict[str, dict[str, float]]


class RunCollector:
    """Reads the database at each scrape: the numbers hold for all processes together.

    Open sockets are this web process's own.
    """

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        tallies: Tallies = {}
        for metric, labels, value in Tally.objects.values_list("metric", "labels", "value"):
            tallies.setdefault(metric, {})[labels] = value
        now = clock.now()
        yield _queue(now)
        yield GaugeMetricFamily(
            "botflow_oldest_due_seconds", "Age of the oldest due run.", oldest_due_seconds(now=now)
        )
        yield _schedules()
        yield GaugeMetricFamily(
            "botflow_open_sockets", "Open WebSockets of this process.", value=open_sockets()
        )
        yield _tokens(now)
        yield _outcomes(tallies)
        yield _histogram(tallies, "run_lateness_seconds", LATENESS_BUCKETS, "From due to start.")
        yield _histogram(tallies, "run_duration_seconds", DURATION_BUCKETS, "From start to end.")


def oldest_due_seconds(*, now: datetime) -> float:
    """Return the age of the oldest run that is due and not begun, 0 for none; two index entries.

    Also of an occurrence whose moment has come and that nobody has noticed: no cluster lives.
    """
    heads = (due.order_by("due_at", "id").only("due_at").first() for due in _due(now))
    moments = [run.due_at for run in heads if run and run.due_at]
    return max(((now - moment).total_seconds() for moment in moments), default=0.0)


def _due(now: datetime) -> tuple[RunQuerySet, RunQuerySet]:
    """Return the due runs and the due occurrences, apart: each kind has an index of its own."""
    runs = Run.objects
    return runs.waiting().filter(due_at__lte=now), runs.next_occurrences().filter(due_at__lte=now)


def _queue(now: datetime) -> Metric:
    family = GaugeMetricFamily(
        "botflow_runs_waiting", "Runs that are not finished.", labels=["state"]
    )
    family.add_metric(["pending"], Run.objects.waiting().count())
    family.add_metric(["running"], Run.objects.running().count())
    family.add_metric(["due"], sum(due.count() for due in _due(now)))
    return family


def _schedules() -> Metric:
    """Count schedules by their state; what is left of all is paused, since no index tells that."""
    family = GaugeMetricFamily("botflow_schedules", "Schedules.", labels=["state"])
    enabled = Schedule.objects.enabled().count()
    finished = Schedule.objects.finished().count()
    family.add_metric(["enabled"], enabled)
    family.add_metric(["paused"], max(Schedule.objects.count() - enabled - finished, 0))
    family.add_metric(["finished"], finished)
    return family


def _tokens(now: datetime) -> Metric:
    family = GaugeMetricFamily(
        "botflow_tokens_today", "Tokens that agents used today.", labels=["kind"]
    )
    used = tokens_today(now=now)
    family.add_metric(["input"], used.input)
    family.add_metric(["output"], used.output)
    return family


def _outcomes(tallies: Tallies) -> Metric:
    family = CounterMetricFamily(
        "botflow_runs", "Attempts by their outcome.", labels=["action", "outcome"]
    )
    for labels, value in sorted(tallies.get("runs", {}).items()):
        family.add_metric(labels.split("|"), value)
    return family


def _histogram(tallies: Tallies, name: str, bounds: tuple[float, ...], text: str) -> Metric:
    """Build a histogram of cumulative buckets from tallies of single ones."""
    by_action = name == "run_duration_seconds"
    family = HistogramMetricFamily(f"botflow_{name}", text, labels=["action"] if by_action else [])
    buckets = tallies.get(f"{name}_bucket", {})
    for label, count in sorted(tallies.get(f"{name}_count", {}).items()):
        total, cumulative = 0.0, []
        for bound in bounds:
            total += buckets.get(f"{label}|{bound}", 0.0)
            cumulative.append((str(bound), total))
        cumulative.append(("+Inf", count))
        family.add_metric(
            [label] if by_action else [],
            buckets=cumulative,
            sum_value=tallies.get(f"{name}_sum", {}).get(label, 0.0),
        )
    return family
