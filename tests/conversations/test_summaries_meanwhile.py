"""When summaries are made: beside answers, one at a time, and never across `/new`."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.agents import HistoryMessage
from conversations.erasing import erase
from conversations.models import Conversation, Message, Usage
from conversations.summarizing import SUMMARIZE, key_of, submit_summaries
from scheduling.actions import submit
from scheduling.models import Run
from scheduling.states import RunState
from tests.conversations.summing_up import BEGINS, shown, stored, summaries, talk
from tests.conversations.summing_up import calls as calls
from tests.conversations.summing_up import use_summarizer as use_summarizer
from tests.conversations.working import MiniWorker, read, say

# -- meanwhile -------------------------------------------------------------------------------------


class Held:
    """A summarizer that says when it is asked and waits until it may answer."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.may_answer = asyncio.Event()

    async def sum_up(self, previous: str, messages: list[HistoryMessage]) -> str:
        self.asked.set()
        await self.may_answer.wait()
        return "What was said."


async def begin(worker: MiniWorker, held: Held) -> tuple[Run, asyncio.Task[Any]]:
    """Have four turns answered and their summary begun."""
    for text in "1234":
        await say(text)
        run = await worker.start()
        assert run
        await worker.carry(run)
    run = await worker.start()
    assert run
    assert run.action == SUMMARIZE
    task = asyncio.create_task(worker.perform(run))
    await asyncio.wait_for(held.asked.wait(), 5)
    return run, task


async def test_an_answer_does_not_wait_for_a_summary(worker, turns, use_summarizer):
    held = Held()
    use_summarizer(held.sum_up)
    run, task = await begin(worker, held)

    await talk(worker, "5")

    assert turns[-1].text == "5"
    assert len(await summaries()) == 1
    held.may_answer.set()
    await worker.end(run, await task)
    assert (await stored())["text"] == "What was said."


async def test_new_forgets_the_summary(worker, turns, calls):
    await talk(worker, *"1234", "/new", "5")

    assert shown(turns[-1]) == []


async def test_a_summary_that_new_overtook_is_dropped(worker, turns, use_summarizer):
    held = Held()
    use_summarizer(held.sum_up)
    run, task = await begin(worker, held)

    await talk(worker, "/new")
    held.may_answer.set()
    await worker.end(run, await task)
    await talk(worker, "5")

    assert await stored() is None
    assert shown(turns[-1]) == []


async def test_a_new_conversation_gets_a_summary_of_its_own(worker, turns, calls):
    await talk(worker, *"1234", "/new", *"56789")

    assert shown(turns[-1])[0] == f"{BEGINS}5 6 7"


async def test_a_conversation_that_is_erased_meanwhile_ends_it_quietly(
    worker, turns, use_summarizer
):
    held = Held()
    use_summarizer(held.sum_up)
    run, task = await begin(worker, held)

    await read(lambda: erase([Conversation.objects.get()], now=timezone.now()))
    held.may_answer.set()
    await worker.end(run, await task)

    assert [run.state for run in await summaries()] == ["succeeded"]


async def test_an_attempt_that_was_lost_stores_nothing(worker, turns, use_summarizer):
    held = Held()
    use_summarizer(held.sum_up)
    run, task = await begin(worker, held)

    await read(lambda: Run.objects.filter(pk=run.pk).update(attempt=2))
    held.may_answer.set()
    await task

    assert await stored() is None
    assert not await read(Usage.objects.exists)


# -- what it costs ---------------------------------------------------------------------------------


@pytest.fixture
def conversation(db: None) -> Conversation:
    return Conversation.objects.create(channel="web", address="long", seq=100)


def fill(conversation: Conversation, number: int) -> None:
    Message.objects.bulk_create(
        Message(conversation=conversation, role="user", content="x", state="answered", seq=seq)
        for seq in range(1, number + 1)
    )


def test_without_a_summarizer_the_end_of_a_reply_asks_the_database_nothing(conversation):
    fill(conversation, 100)

    with CaptureQueriesContext(connection) as captured:
        submit_summaries([conversation], now=timezone.now())

    assert len(captured) == 0


def test_with_one_it_asks_once_while_all_of_it_fits(conversation, calls):
    fill(conversation, 6)

    with CaptureQueriesContext(connection) as captured:
        submit_summaries([conversation, conversation], now=timezone.now())

    assert len(captured) == 1
    assert not Run.objects.exists()


def test_a_summary_is_queued_once_it_does_not(conversation, calls):
    fill(conversation, 7)

    submit_summaries([conversation, conversation], now=timezone.now())

    [run] = Run.objects.all()
    assert (run.action, run.args) == (SUMMARIZE, {"conversation": conversation.pk})
    assert (run.key, run.max_attempts) == (f"summary:{conversation.pk}", 3)


@pytest.mark.parametrize("state", [RunState.PENDING, RunState.RUNNING])
def test_while_one_is_under_way_no_other_is_begun(conversation, calls, state):
    fill(conversation, 7)
    run = submit(SUMMARIZE, {"conversation": conversation.pk}, key=key_of(conversation.pk))
    Run.objects.filter(pk=run.pk).update(state=state, lease_expires_at=timezone.now())

    submit_summaries([conversation], now=timezone.now())

    assert Run.objects.count() == 1
