"""Collects what Prometheus scrapes: the queue as it is now, and the tallies that workers keep."""

from __future__ import annotations

from collections.abc import Iterator

from django.db.models import Count
from django.utils import timezone
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    Metric,
)

from conversations.watching import open_sockets
from scheduling.models import Run, Tally
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
        yield _queue()
        yield _oldest_due()
        yield GaugeMetricFamily(
            "botflow_open_sockets", "Open WebSockets of this process.", value=open_sockets()
        )
        yield _outcomes(tallies)
        yield _histogram(tallies, "run_lateness_seconds", LATENESS_BUCKETS, "From due to start.")
        yield _histogram(tallies, "run_duration_seconds", DURATION_BUCKETS, "From start to end.")


def _queue() -> Metric:
    family = GaugeMetricFamily(
        "botflow_runs_waiting", "Runs that are not finished.", labels=["state"]
    )
    counts = dict(
        Run.objects.filter(state__in=["pending", "running"])
        .values_list("state")
        .annotate(Count("pk"))
        .order_by()
    )
    family.add_metric(["pending"], counts.get("pending", 0))
    family.add_metric(["running"], counts.get("running", 0))
    family.add_metric(["due"], Run.objects.due(now=timezone.now()).count())
    return family


def _oldest_due() -> Metric:
    now = timezone.now()
    oldest = Run.objects.due(now=now).order_by("due_at").values_list("due_at", flat=True).first()
    seconds = (now - oldest).total_seconds() if oldest else 0.0
    return GaugeMetricFamily("botflow_oldest_due_seconds", "Age of the oldest due run.", seconds)


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
