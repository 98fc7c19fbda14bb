"""The action `ticks.tick`: a line for each attempt, and a row with the one that ended its run."""

import asyncio
import os
import time
from collections.abc import Sequence
from typing import Any

from django.db import connection

from scheduling.actions import Commit, action
from scheduling.models import Run
from tests.agents import note


@action("ticks.tick")
async def tick(run: Run, *, seconds: float = 0) -> Commit:
    # What the host's clock says, which some tests set wrong, and one that only counts seconds.
    note(os.getpid(), "tick", run.pk, run.attempt, time.time(), time.monotonic())
    await asyncio.sleep(seconds)
    return Commit(_store, (run.pk, run.attempt))


def _store(items: list[Any]) -> Sequence[None]:
    """Nothing but the fence around the end of a run keeps this table from getting a row twice."""
    with connection.cursor() as cursor:
        cursor.executemany("INSERT INTO tick_effect (run, attempt) VALUES (%s, %s)", items)
    return [None] * len(items)
