"""kill -9 of workers in the middle of what is said unasked: nothing twice, nothing left out."""

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import psutil
import pytest

from tests.faults import rows
from tests.faults.checker import check_view, is_settled, whole_reply
from tests.harness.client import ChatClient
from tests.harness.polling import eventually
from tests.harness.site import Site

# Opens `arguments[0]` conversations in which a user said something; prints their uuids.
OPEN = """
from django.db import transaction
from conversations.models import Conversation, Message
Conversation.objects.filter(participant="fault").delete()
made = [Conversation(channel="web", address=f"fault {n}", participant="fault", seq=1)
        for n in range(arguments[0])]
with transaction.atomic():
    Conversation.objects.bulk_create(made)
    Message.objects.bulk_create(
        [Message(conversation=one, role="user", state="answered", seq=1) for one in made]
    )
print(json.dumps([str(one.uuid) for one in made]))
"""
# Sends `arguments[1]` to each of the conversations `arguments[0]`, one every 4 ms.
SEND = """
from datetime import timedelta
from django.db import transaction
from django.utils import timezone
from scheduling.actions import prepare, submit_many
begin = timezone.now() + timedelta(seconds=0.5)
with transaction.atomic():
    submit_many([
        prepare("conversations.send_text", {"conversation": uuid, "text": arguments[1]},
                fire_at=begin + timedelta(milliseconds=4 * n), max_attempts=9)
        for n, uuid in enumerate(arguments[0])
    ])
"""
# Submits one run of the action `arguments[0]`; prints its id.
SUBMIT = """
from scheduling.actions import submit
print(submit(arguments[0], arguments[1], max_attempts=9).pk)
"""


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    """A site with short leases: a run that was claimed and not begun waits until its lease ends."""
    with Site(agent="tests.agents.slow", workers=2, BOTFLOW_LEASE=6) as site:
        site.start_web()
        site.start_cluster()
        site.wait_ready()
        yield site


def run_row(site: Site, pk: int) -> rows.RunRow:
    [row] = [row for row in rows.runs(site) if row.pk == pk]
    return row


async def submit(site: Site, action: str, **args: Any) -> int:
    return int(await asyncio.to_thread(site.run, SUBMIT, action, args))


async def kill_twice_on_the_way(site: Site, text: str, count: int) -> None:
    """Kill both workers once a tenth of all were told, and again after the half."""
    query = f"SELECT count(*) FROM conversations_message WHERE content = '{text}'"

    def told() -> int:
        return int(rows.query(site, query)[0][0])

    for share in (0.1, 0.5):
        await eventually(lambda share=share: told() > share * count, "some to be told", 60)
        workers = site.cluster.role("worker")
        for worker in workers:
            worker.kill()
        assert told() < count, "All were told before the kill."


async def check_told_once(site: Site, text: str, uuids: list[str]) -> None:
    await eventually(lambda: is_settled(site), "every run to be finished", 60)
    told = [row for row in rows.messages(site) if row.content == text]
    places = [uuid.replace("-", "") for uuid in uuids]
    assert Counter(row.conversation for row in told) == dict.fromkeys(places, 1)
    # The user's message has the change before it: none was counted for an attempt that died.
    assert {row.seq for row in told} == {2}
    found = rows.query(site, "SELECT uuid, seq FROM conversations_conversation")
    seqs = {str(uuid).replace("-", ""): seq for uuid, seq in found}
    assert {seqs[place] for place in places} == {2}


async def test_texts_are_sent_once_whichever_workers_die(running: Site) -> None:
    uuids = await asyncio.to_thread(running.run, OPEN, 800)
    submitting = asyncio.create_task(asyncio.to_thread(running.run, SEND, uuids, "Drink!"))

    await kill_twice_on_the_way(running, "Drink!", len(uuids))

    await submitting
    await check_told_once(running, "Drink!", uuids)
    assert {run.state for run in rows.runs(running)} == {"succeeded"}


async def test_many_are_told_once_although_the_worker_dies_half_way(running: Site) -> None:
    uuids = await asyncio.to_thread(running.run, OPEN, 5000)
    args = {"channel": "web", "days": 1, "text": "News"}
    submitting = asyncio.create_task(submit(running, "conversations.send_to_many", **args))

    await kill_twice_on_the_way(running, "News", len(uuids))

    run = await submitting
    await check_told_once(running, "News", uuids)
    row = run_row(running, run)
    assert (row.state, row.result) == ("succeeded", '{"sent": 5000}')
    assert row.attempt >= 3


async def test_a_prompt_is_answered_once_although_its_worker_dies(running: Site) -> None:
    prompt = "good morning words=40 every=0.1"
    async with ChatClient(running.socket_url, keep=True) as reader:
        await reader.answered(await reader.say("hello words=1"))
        before = len(running.calls())
        run = await submit(
            running, "conversations.ask", conversation=reader.conversation, prompt=prompt
        )

        def is_half_told(client: ChatClient) -> bool:
            return any("w3" in message["content"] for message in client.messages.values())

        await reader.wait_for(is_half_told, what="Half of the answer.")
        psutil.Process(int(running.calls()[-1].split()[0])).kill()
        await eventually(lambda: is_settled(running), "every run to be finished", 60)

        place = reader.conversation.replace("-", "")
        own = [row for row in rows.messages(running) if row.conversation == place]
        [asked] = [row for row in own if row.role == "system"]
        assert (asked.content, asked.state) == (prompt, "answered")
        [reply] = [row for row in own if row.reply_to == asked.pk]
        assert (reply.content, reply.state) == (whole_reply(prompt), "done")
        assert len(own) == 4, own
        await check_view(reader, own)
    assert len(running.calls()) - before >= 2
    assert reply.uuid in str(run_row(running, run).result).replace("-", "")
