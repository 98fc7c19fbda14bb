"""Looks, after a fault has healed, for whatever was lost, doubled, disordered or left lying."""

from __future__ import annotations

import re
from collections import Counter

from tests.agents import orders
from tests.faults import rows
from tests.faults.rows import MessageRow
from tests.faults.traffic import Traffic
from tests.harness.client import ChatClient
from tests.harness.polling import eventually
from tests.harness.site import Site

UNFINISHED = ("queued", "answering", "streaming")


async def check(traffic: Traffic, *, seconds: float = 15, expected_errors: str = "$^") -> None:
    """Fail unless everything said has exactly one whole reply, in order, and each reader sees it.

    15 s are less than a lease: whoever died on this machine must be noticed before it runs out.
    `expected_errors` matches the tracebacks that the fault itself may leave in the logs.
    """
    site = traffic.site
    await traffic.finish(seconds)
    await eventually(lambda: is_settled(site), "every row to be finished", 10)
    found = rows.messages(site)
    for client, said in zip(traffic.clients, traffic.said, strict=True):
        own = [row for row in found if row.conversation == client.conversation.replace("-", "")]
        check_replies(own, said)
        await check_view(client, own)
    check_logs(site, expected_errors)


def is_settled(site: Site) -> bool:
    messages = all(row.state not in UNFINISHED for row in rows.messages(site))
    return messages and all(row.state not in ("pending", "running") for row in rows.runs(site))


def whole_reply(text: str) -> str:
    """Return what the agent `slow` answers."""
    numbered = "".join(f"w{number} " for number in range(int(orders(text).get("words", 5))))
    return f"{numbered}end of {text}"


def check_replies(found: list[MessageRow], said: dict[str, str]) -> None:
    assert len(found) == 2 * len(said), "There are more messages, or fewer, than said and answered."
    users = [row for row in found if row.role == "user"]
    assert Counter(row.client_id for row in users) == Counter(said.keys())
    assert [row.client_id for row in users] == list(said), "Stored in another order."
    replies = [row for row in found if row.role == "assistant"]
    in_order = sorted(replies, key=lambda row: row.seq)
    assert [row.reply_to for row in in_order] == [row.pk for row in users], "Lost or disordered."
    for user, reply in zip(users, in_order, strict=True):
        assert (user.state, reply.state) == ("answered", "done"), (user, reply)
        assert reply.content == whole_reply(said[user.client_id])
    seqs = [row.seq for row in found]
    assert len(seqs) == len(set(seqs)), "Two messages with one seq."


async def check_view(client: ChatClient, own: list[MessageRow]) -> None:
    """A reader is shown what is stored, no more and no less."""
    stored = {row.uuid: (row.role, row.content, row.state) for row in own}

    def seen() -> dict[str, tuple[str, str, str]]:
        return {
            message["id"].replace("-", ""): (message["role"], message["content"], message["state"])
            for message in client.messages.values()
        }

    await eventually(lambda: seen() == stored, f"{seen()} to become {stored}", 5)
    assert client.faults == []


def check_logs(site: Site, expected: str) -> None:
    """No process may have logged a traceback beyond the expected ones."""
    found = re.split(r"(?=Traceback \(most recent call last\))", site.logs())[1:]
    unexpected = [text[:3000] for text in found if not re.search(expected, text[:6000])]
    assert not unexpected, "\n".join(unexpected)
