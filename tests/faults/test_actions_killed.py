"""kill -9 of workers in the middle of what is said unasked: nothing twice, nothing left out."""

import asyncio
import random
from collections import Counter
from typing import Any

import psutil

from tests.faults import rows
from tests.faults.checker import check_view, is_settled, whole_reply
from tests.faults.rows import MessageRow
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


def said(site: Site, text: str) -> list[MessageRow]:
    return [row for row in rows.messages(site) if row.content == text]


def run_row(site: Site, pk: int) -> rows.RunRow:
    [row] = [row for row in rows.runs(site) if row.pk == pk]
    return row


async def submit(site: Site, action: str, **args: Any) -> int:
    return int(await asyncio.to_thread(site.run, SUBMIT, action, args))


async def kill_workers(site: Site) -> None:
    for worker in site.cluster.role("worker"):
        worker.kill()
    await eventually(lambda: site.cluster.is_complete(2), "both workers to be back", 10)


def assert_numbered_without_a_gap(site: Site, uuids: list[str], messages: int) -> None:
    found = rows.query(site, "SELECT uuid, seq FROM conversations_conversation")
    seqs = {str(uuid).replace("-", ""): seq for uuid, seq in found}
    assert {seqs[uuid.replace("-", "")] for uuid in uuids} == {messages}


async def test_texts_are_sent_once_whichever_workers_die(running: Site) -> None:
    uuids = await asyncio.to_thread(running.run, OPEN, 500)
    moments = random.Random(3)
    await asyncio.to_thread(running.run, SEND, uuids, "Drink!")

    for _ in range(3):
        before = len(said(running, "Drink!"))
        await asyncio.to_thread(running.cluster.kill, "worker")
        assert before < len(uuids), "All were sent before the kill."
        await asyncio.sleep(moments.uniform(0.1, 0.5))

    await eventually(lambda: is_settled(running), "every run to be finished", 60)
    told = Counter(row.conversation for row in said(running, "Drink!"))
    assert told == {uuid.replace("-", ""): 1 for uuid in uuids}
    assert {run.state for run in rows.runs(running)} == {"succeeded"}
    assert_numbered_without_a_gap(running, uuids, 2)


async def test_many_are_told_once_although_the_worker_dies_half_way(running: Site) -> None:
    uuids = await asyncio.to_thread(running.run, OPEN, 5000)
    count = "SELECT count(*) FROM conversations_message WHERE content = 'News'"

    def told() -> int:
        return int(rows.query(running, count)[0][0])

    submitting = asyncio.create_task(
        submit(running, "conversations.send_to_many", channel="web", days=1, text="News")
    )
    for share in (0.1, 0.5):
        await eventually(lambda share=share: told() > share * len(uuids), "some to be told")
        await kill_workers(running)
        assert told() < len(uuids), "All were told before the kill."

    run = await submitting
    await eventually(lambda: is_settled(running), "every run to be finished", 60)
    places = Counter(row.conversation for row in said(running, "News"))
    assert places == {uuid.replace("-", ""): 1 for uuid in uuids}
    row = run_row(running, run)
    assert (row.state, row.attempt, row.result) == ("succeeded", 3, '{"sent": 5000}')
    assert_numbered_without_a_gap(running, uuids, 2)


async def test_a_prompt_is_answered_once_although_its_worker_dies(running: Site) -> None:
    prompt = "good morning words=12 every=0.1"
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
        assert len(own) == 4
        await check_view(reader, own)
    assert len(running.calls()) - before == 2
    assert reply.uuid in str(run_row(running, run).result).replace("-", "")
