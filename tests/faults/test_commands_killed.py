"""kill -9 of workers while they set up tasks: each message makes one task and one reply."""

import asyncio
import random
from collections import Counter

from tests.faults import rows
from tests.faults.checker import is_settled
from tests.harness.polling import eventually
from tests.harness.site import Site

# Says `arguments[1]` once in each of `arguments[0]` conversations, all at once.
SAY = """
from django.db import transaction
from conversations.receiving import Incoming, receive_messages
with transaction.atomic():
    receive_messages([
        Incoming(channel="web", address=f"fault {n}", content=arguments[1])
        for n in range(arguments[0])
    ])
"""
TASKS = "SELECT owner, number, name FROM scheduling_schedule"
NEXT = "SELECT schedule_id FROM scheduling_run WHERE is_next"


def tasks(site: Site) -> list[tuple[str, int, str]]:
    return [(owner, number, name) for owner, number, name in rows.query(site, TASKS)]


async def test_a_task_is_set_up_once_whichever_workers_die(running: Site) -> None:
    many, moments = 600, random.Random(5)
    await asyncio.to_thread(running.run, SAY, many, "/remind in 10h stretch")

    for _ in range(3):
        before = len(tasks(running))
        assert before < many, "All were set up before the kill."
        await eventually(lambda before=before: len(tasks(running)) > before, "some to be set up")
        await asyncio.to_thread(running.cluster.kill, "worker")
        await asyncio.sleep(moments.uniform(0.1, 0.4))

    await eventually(lambda: not left(running), "every message to be answered", 60)
    found = rows.messages(running)
    owners = {f"conversation:{row.conversation}" for row in found}
    made = Counter(owner.replace("-", "") for owner, number, name in tasks(running))
    assert made == dict.fromkeys(owners, 1)
    assert {(number, name) for _owner, number, name in tasks(running)} == {(1, "stretch")}
    assert len(rows.query(running, NEXT)) == many
    asked = [row for row in found if row.role == "user"]
    replies = Counter(row.reply_to for row in found if row.role == "assistant")
    assert {row.state for row in asked} == {"answered"}
    assert replies == {row.pk: 1 for row in asked}
    assert all("task 1" in row.content for row in found if row.role == "assistant")


def left(site: Site) -> bool:
    """Tell whether a message waits; reminders that are due in hours do not count."""
    return any(row.state in ("queued", "answering") for row in rows.messages(site))


async def test_tasks_are_cancelled_once_whichever_workers_die(running: Site) -> None:
    await asyncio.to_thread(running.run, SAY, 300, "/cancel 1")

    await asyncio.to_thread(running.cluster.kill, "worker")

    await eventually(lambda: not left(running), "every message to be answered", 60)
    await eventually(lambda: len(tasks(running)) == 300, "half of the tasks to be left", 5)
    cancelled = [row for row in rows.messages(running) if row.content.startswith("Task 1 is canc")]
    assert len(cancelled) == 300
    await asyncio.to_thread(running.run, SAY, 600, "/cancel all")
    await eventually(lambda: is_settled(running), "every row to be finished", 60)
    assert tasks(running) == []
