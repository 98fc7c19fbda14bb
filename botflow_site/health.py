"""What an operator's tools ask: `/health` tries each part for real, `/metrics` counts."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import Any

from channels.layers import get_channel_layer
from django.db import DatabaseError, InterfaceError, connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from botflow_site.metrics import RunCollector, oldest_due_seconds
from scheduling import clock
from scheduling.broker import STATUS_LIFE
from scheduling.group_commit import group_commit
from scheduling.models import ClusterStatus, Run

logger = logging.getLogger(__name__)

# Seconds for each part to answer, and the lateness of the oldest due run that is no longer normal.
PATIENCE = 3.0
LATE = 60.0


@require_safe
@never_cache
async def health(request: HttpRequest) -> JsonResponse:
    """Return `status`, `task_count` and each part's check; 503 when a part is down."""
    started = time.monotonic()
    database, layer = await asyncio.gather(_checked(_look_at_queue), _checked(_send_round))
    parts: dict[str, Any] = {"database": database["state"], "channel_layer": layer["state"]}
    queue = database.get("found") or {}
    parts["cluster"] = "ok" if queue.get("clusters") else "down"
    oldest = queue.get("oldest_due_seconds", 0.0)
    parts["queue"] = "ok" if queue and oldest < LATE else "down"
    is_well = all(state == "ok" for state in parts.values())
    body = {
        "status": "ok" if is_well else "down",
        "task_count": queue.get("pending", 0),
        "checks": parts,
        "running": queue.get("running", 0),
        "clusters": queue.get("clusters", 0),
        "oldest_due_seconds": round(oldest, 3),
        "took_ms": round((time.monotonic() - started) * 1000, 1),
    }
    return JsonResponse(body, status=200 if is_well else 503)


async def _checked(check: Callable[[], Awaitable[Any]]) -> dict[str, Any]:
    """Return {"state": "ok", "found": …} or {"state": "down"}; the reason is for the log alone."""
    try:
        async with asyncio.timeout(PATIENCE):
            return {"state": "ok", "found": await check()}
    except (TimeoutError, DatabaseError, InterfaceError, OSError) as error:
        logger.warning("A health check failed. %s: %s", check.__name__, error)
        return {"state": "down"}


async def _look_at_queue() -> dict[str, Any]:
    return await group_commit().read(look_at_queue)


def look_at_queue() -> dict[str, Any]:
    """Return counts of the queue and of living clusters; each reads an index of just those."""
    now = clock.now()
    return {
        "pending": Run.objects.waiting().count(),
        "running": Run.objects.running().count(),
        "clusters": ClusterStatus.objects.filter(seen_at__gt=now - STATUS_LIFE).count(),
        "oldest_due_seconds": oldest_due_seconds(now=now),
    }


async def _send_round() -> None:
    """Send a message through the channel layer and wait for it to come back."""
    layer = get_channel_layer()
    channel = await layer.new_channel()
    await layer.send(channel, {"type": "health.check"})
    await layer.receive(channel)


@require_safe
@never_cache
def metrics(request: HttpRequest) -> HttpResponse:
    """Return the counters in Prometheus' text format."""
    connection.ensure_connection()
    registry = CollectorRegistry()
    registry.register(RunCollector())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
