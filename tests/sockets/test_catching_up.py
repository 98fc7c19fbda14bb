"""History and resume: a reader who missed something is shown it whole, in pages."""

import asyncio
import json

import pytest

from tests.harness.client import ChatClient
from tests.harness.site import Site
from tests.sockets.conftest import Reader

#: Stores a message as another process may, without a frame that tells of it.
STORE_SILENTLY = """
from django.db import transaction
from conversations.models import Conversation
from conversations.receiving import Incoming, receive_messages
with transaction.atomic():
    row = Conversation.objects.get(uuid=arguments[0])
    incoming = Incoming(row.channel, row.address, "silent words=0", external_id="silent")
    receive_messages([incoming])
"""


@pytest.fixture
async def talked(client: ChatClient) -> ChatClient:
    """A client with twelve messages and their replies behind it."""
    for number in range(12):
        await client.say(f"{number} words=0", f"m{number}")
    for number in range(12):
        await client.answered(f"m{number}")
    return client


async def test_history_is_paged_from_the_latest_back(talked: ChatClient) -> None:
    pages = []
    before: int | None = None
    while True:
        page = await talked.ask({"type": "history", "before": before, "limit": 10}, "history")
        pages.append(page["messages"])
        before = min(message["seq"] for message in page["messages"])
        if not page["more"]:
            break

    shown = [message["content"] for page in reversed(pages) for message in page]
    assert [len(page) for page in pages] == [10, 10, 4]
    assert sorted(shown) == sorted(message["content"] for message in talked.messages.values())
    assert shown[:2] == ["0 words=0", "end of 0 words=0"]


async def test_history_of_an_empty_conversation_is_empty(client: ChatClient) -> None:
    page = await client.ask({"type": "history"}, "history")

    assert page == {"type": "history", "messages": [], "more": False}


async def test_a_reader_that_comes_back_is_shown_what_changed_since(
    talked: ChatClient, reader: Reader
) -> None:
    seqs = sorted(message["seq"] for message in talked.messages.values())
    after = seqs[-5]

    again = await reader(token=talked.token, after=after)
    await again.wait_for(lambda one: len(one.messages) == 4)
    await again.ask({"type": "ping"}, "pong")

    assert sorted(message["seq"] for message in again.messages.values()) == seqs[-4:]


@pytest.mark.parametrize("after", [10**6, 2**62])
async def test_an_after_from_before_a_restored_backup_is_answered_with_everything(
    talked: ChatClient, reader: Reader, after: int
) -> None:
    again = await reader(token=talked.token, after=after)

    await again.wait_for(lambda one: len(one.messages) == 24)
    assert again.messages == talked.messages


@pytest.mark.parametrize("after", ["-1", "x", "1" * 30, "1.5", "%00", "٣"])
async def test_an_after_that_is_none_is_ignored(
    talked: ChatClient, reader: Reader, after: str
) -> None:
    again = await reader(token=talked.token, after=after)

    assert (await again.ask({"type": "ping"}, "pong"))["type"] == "pong"


async def test_resume_in_an_open_socket_shows_the_same(talked: ChatClient, reader: Reader) -> None:
    again = await reader(token=talked.token)

    await again.send_frame({"type": "resume", "after": 0})

    await again.wait_for(lambda one: len(one.messages) == 24)
    assert again.messages == talked.messages


async def test_a_reader_cut_off_within_a_reply_ends_with_the_whole_of_it(
    client: ChatClient, reader: Reader
) -> None:
    await client.say("words=12 every=0.1", "a")
    await client.wait_for(lambda one: any(f["type"] == "delta" for f in one.frames))
    await client.drop()

    again = await reader(token=client.token, after=client.seq)
    await again.wait_for(lambda one: any(m["state"] == "done" for m in one.messages.values()))

    [reply] = [m for m in again.messages.values() if m["role"] == "assistant"]
    assert reply["content"].endswith("w11 end of words=12 every=0.1")


async def test_a_change_nobody_was_told_of_is_shown_within_two_seconds(
    served: Site, talked: ChatClient
) -> None:
    await asyncio.to_thread(served.run, STORE_SILENTLY, talked.conversation)

    await talked.answered("silent", seconds=5)

    assert json.dumps(talked.messages).count("silent words=0") >= 2


async def test_welcome_is_the_first_frame_also_in_the_midst_of_a_reply(
    client: ChatClient, reader: Reader
) -> None:
    await client.say("words=200 every=0.005", "a")
    await client.wait_for(lambda one: any(f["type"] == "delta" for f in one.frames))

    connects = 0
    while client.state_of("a") != "answered":
        # `connect` fails when another frame comes first.
        batch = await asyncio.gather(*(reader(token=client.token) for _ in range(8)))
        connects += len(batch)
        for again in batch:
            await again.close()

    assert connects >= 16
