"""Schedules that say a text in a reader's conversation, and whether it was said as often as due."""

from __future__ import annotations

from collections import Counter
from typing import Any

from tests.faults import rows
from tests.faults.checker import check_view
from tests.faults.occurrences import Plan, definition
from tests.harness.client import ChatClient
from tests.harness.site import Site

TEXTS = ["Drink!", "Stretch!", "Look up!"]


def texts_for(reader: ChatClient) -> list[dict[str, Any]]:
    """Return definitions that say a text each second; every occurrence is said, however late."""
    usual = {"action": "conversations.send_text", "overlap": "queue", "misfire": "run_all"}
    args = [{"conversation": reader.conversation, "text": text} for text in TEXTS]
    return [definition(every=1, args=one, misfire_limit=1000, **usual) for one in args]


async def check_told(site: Site, reader: ChatClient, plans: list[Plan]) -> None:
    """Each text was said once for each occurrence, in the rows and to the reader."""
    plans = [plan for plan in plans if plan.fields["action"] == "conversations.send_text"]
    found = rows.messages(site)
    told = Counter(row.content for row in found if row.role == "assistant" and not row.reply_to)
    assert told == {plan.fields["args"]["text"]: len(plan.fire_times()) for plan in plans}
    await check_view(reader, found)
