"""What nobody reads goes away."""

import asyncio
import time
from typing import Any

import pytest
from layer_process import make_layer

from conversations.local_layer.mailboxes import Mailboxes

HOUR = 3600


@pytest.fixture
async def mailboxes() -> Mailboxes:
    return Mailboxes(capacity_of=lambda channel: 10, expiry=60, group_expiry=24 * HOUR)


async def test_an_unread_message_expires(mailboxes: Mailboxes) -> None:
    mailboxes.deliver("channel", b"old")

    mailboxes.expire(time.monotonic() + 61)
    mailboxes.deliver("channel", b"new")

    assert await mailboxes.open("channel").take() == b"new"


async def test_a_message_stays_until_it_expires(mailboxes: Mailboxes) -> None:
    mailboxes.deliver("channel", b"young")

    mailboxes.expire(time.monotonic() + 59)

    assert await mailboxes.open("channel").take() == b"young"


async def test_a_member_whose_messages_expire_leaves_its_groups(mailboxes: Mailboxes) -> None:
    mailboxes.join("room", "gone")
    mailboxes.deliver_to_group("room", b"unread")

    mailboxes.expire(time.monotonic() + 61)
    mailboxes.deliver_to_group("room", b"later")

    assert not mailboxes.deliver("gone", b"direct")
    assert await mailboxes.open("gone").take() == b"direct"


async def test_a_member_that_waits_stays_for_longer_than_the_group_expiry(
    mailboxes: Mailboxes,
) -> None:
    mailboxes.join("room", "patient")
    waiting = asyncio.create_task(mailboxes.open("patient").take())
    await asyncio.sleep(0)

    mailboxes.expire(time.monotonic() + 48 * HOUR)
    mailboxes.deliver_to_group("room", b"still here")

    assert await waiting == b"still here"


async def test_a_quiet_member_nobody_reads_leaves_after_the_group_expiry(
    mailboxes: Mailboxes,
) -> None:
    mailboxes.join("room", "gone")

    mailboxes.expire(time.monotonic() + 25 * HOUR)
    mailboxes.deliver_to_group("room", b"to nobody")
    mailboxes.deliver("gone", b"direct")

    assert await mailboxes.open("gone").take() == b"direct"


async def test_the_layer_looks_after_this_by_itself(local_settings: dict[str, Any]) -> None:
    local_settings["CONFIG"]["expiry"] = 0.05
    layer = make_layer(local_settings)
    channel = await layer.new_channel()
    await layer.group_add("room", channel)
    await layer.group_send("room", {"type": "note"})
    here = layer._loops[asyncio.get_running_loop()]

    async with asyncio.timeout(5):
        while here.mailboxes._mailboxes:
            await asyncio.sleep(0.01)

    assert not here.mailboxes._groups
