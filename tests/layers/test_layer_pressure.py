"""Whose full mailbox is worth waiting for: a reader's that keeps up, for a while."""

import asyncio
import time

import pytest

from conversations.local_layer.mailboxes import KEEPING_UP_SECONDS, PATIENCE_SECONDS, Mailbox

CAPACITY = 10


@pytest.fixture
async def half_full() -> Mailbox:
    mailbox = Mailbox(CAPACITY)
    for _ in range(CAPACITY // 2):
        mailbox.put(b"", deadline=0)
    return mailbox


async def test_a_reader_seen_a_moment_ago_is_waited_for(half_full: Mailbox) -> None:
    half_full.put(b"", deadline=0)
    await half_full.take()

    assert half_full.is_pressed(time.monotonic())


async def test_a_reader_not_seen_for_longer_is_not(half_full: Mailbox) -> None:
    assert not half_full.is_pressed(time.monotonic() + KEEPING_UP_SECONDS)


async def test_a_reader_that_waits_is_waited_for_however_long_its_process_slept() -> None:
    mailbox = Mailbox(CAPACITY)
    waiting = asyncio.create_task(mailbox.take())
    await asyncio.sleep(0)
    for _ in range(CAPACITY // 2):
        mailbox.put(b"", deadline=0)

    assert mailbox.is_pressed(time.monotonic() + 60)
    await waiting


async def test_patience_ends_with_a_reader_that_stays_behind(half_full: Mailbox) -> None:
    now = time.monotonic()
    assert half_full.is_pressed(now)

    half_full.active_at = now + PATIENCE_SECONDS  # it goes on reading, and never comes to the end

    assert not half_full.is_pressed(now + PATIENCE_SECONDS)


async def test_a_reader_that_caught_up_is_waited_for_again(half_full: Mailbox) -> None:
    half_full.is_pressed(time.monotonic() - PATIENCE_SECONDS)
    for _ in range(CAPACITY // 2):
        await half_full.take()

    for _ in range(CAPACITY // 2):
        half_full.put(b"", deadline=0)

    assert half_full.is_pressed(time.monotonic())


async def test_a_mailbox_less_than_half_full_is_not_pressed() -> None:
    mailbox = Mailbox(CAPACITY)
    mailbox.put(b"", deadline=0)

    assert not mailbox.is_pressed(time.monotonic())
