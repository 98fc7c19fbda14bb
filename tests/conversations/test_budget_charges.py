"""Charges: each attempt that asked the agent is charged once, however it ended."""

from __future__ import annotations

import asyncio

import pytest

from conversations import budgets
from conversations.agents import AgentError, Chunk, HistoryMessage
from conversations.agents.tokens import estimate, estimate_messages
from conversations.models import Conversation
from scheduling.models import Run
from tests.conversations.budgeting import Metered, used
from tests.conversations.working import fresh, read, reply_to, say

REPORTED = [Chunk("said", input_tokens=11), Chunk("", input_tokens=40, output_tokens=2)]


class Unmetered:
    def __init__(self, *pieces: Chunk) -> None:
        self.pieces = pieces

    async def __call__(self, turn):
        for piece in self.pieces:
            yield piece


async def test_a_reply_is_charged_what_was_reported_exactly(worker, use_agent):
    use_agent(Metered(REPORTED))
    [message] = await say("a question of some length")

    await worker.work()

    reply = await reply_to(message)
    assert await used() == [(1, 40, 2)]
    assert (reply.input_tokens, reply.output_tokens) == (40, 2)


async def test_turns_of_a_day_are_added_up(worker, use_agent):
    use_agent(Metered(REPORTED))
    await say("1", "2")
    await say("3", address="b")

    await worker.work()

    assert await used() == [(2, 80, 4), (1, 40, 2)]


async def test_tokens_that_an_agent_without_meter_reports_are_charged(worker, use_agent):
    use_agent(Unmetered(*REPORTED))
    await say("hi")

    await worker.work()

    assert await used() == [(1, 40, 2)]


@pytest.mark.parametrize("reports", [(None, None), (0, 0), (None, 0)])
async def test_an_agent_that_uses_no_tokens_leaves_no_row(worker, use_agent, reports):
    use_agent(Unmetered(Chunk("said", *reports)))
    await say("hi")

    await worker.work()

    assert await used() == []


async def test_the_echo_leaves_no_row(worker, channels):
    await say("hi")

    await worker.work()

    assert await used() == []


async def test_what_is_not_reported_is_estimated_and_not_written_on_the_message(worker, use_agent):
    use_agent(Metered(["It is ", "so."], ["一二三四"]))
    await say("Is it so?")
    [second] = await say("And now?")

    await worker.work()

    history = [HistoryMessage("user", "Is it so?"), HistoryMessage("assistant", "It is so.")]
    read_tokens = estimate("Is it so?") + estimate_messages(history) + estimate("And now?")
    assert await used() == [(2, read_tokens, estimate("It is so.") + 4)]
    reply = await reply_to(second)
    assert (reply.input_tokens, reply.output_tokens) == (None, None)


async def test_half_a_report_is_made_whole_by_an_estimate(worker, use_agent):
    use_agent(Metered([Chunk("12345678", input_tokens=40)]))
    await say("hi")

    await worker.work()

    assert await used() == [(1, 40, 2)]


async def test_a_reply_that_was_cut_is_charged_what_it_said_at_least(worker, use_agent, settings):
    settings.BOTFLOW_MAX_REPLY_LENGTH = 400
    use_agent(Metered([Chunk("x" * 500, input_tokens=40, output_tokens=3)]))
    await say("hi")

    await worker.work()

    assert await used() == [(1, 40, 100)]


# -- attempts without a reply ----------------------------------------------------------------------


@pytest.mark.parametrize("error", [AgentError("No."), RuntimeError(), SystemExit()])
async def test_a_failure_is_charged_what_it_used(worker, use_agent, error):
    use_agent(Metered([Chunk("12345678", input_tokens=40), error]))
    await say("hi")

    await worker.work()

    assert await used() == [(1, 40, 2)]


@pytest.mark.parametrize("error", [AgentError("No."), RuntimeError()])
async def test_a_failure_before_the_first_word_is_charged_no_estimate(worker, use_agent, error):
    """A provider that is down would use up the budget of a day that it did not work on."""
    use_agent(Metered([error]))
    await say("a long question " * 100)

    await worker.work()

    assert await used() == [(1, 0, 0)]


async def test_every_attempt_is_charged_once(worker, use_agent):
    busy = AgentError("Busy.", permanent=False)
    use_agent(Metered([Chunk("12345678", input_tokens=40), busy], REPORTED))
    [message] = await say("hi")

    assert len(await worker.work()) == 2

    assert (await fresh(message)).state == "answered"
    assert await used() == [(2, 80, 4)]


async def test_an_answer_that_takes_too_long_is_charged(worker, use_agent, settings):
    settings.BOTFLOW_RUN_TIMEOUT = 0.1
    use_agent(Metered([asyncio.Event()], ["12345678", asyncio.Event()]))
    await say("1234")
    await worker.work()
    assert await used() == [(1, 1, 0)]

    await say("5678")
    await worker.work()

    assert await used() == [(2, 2, 2)]


async def test_a_report_of_an_answer_that_was_cut_short_is_the_least_it_is_charged(
    worker, use_agent, settings
):
    """It may be of the calls before the last: servers report at the end."""
    settings.BOTFLOW_RUN_TIMEOUT = 0.1
    use_agent(Metered([Chunk("12345678", input_tokens=30, output_tokens=1), asyncio.Event()]))
    await say("1234" * 100)
    await say("1234", address="b")

    await worker.work()

    assert await used() == [(1, 100, 2), (1, 30, 2)]


@pytest.mark.parametrize("reason", ["cancelled", "lost"])
async def test_an_attempt_that_is_interrupted_is_charged_once(worker, use_agent, reason):
    begun = asyncio.Event()
    use_agent(Metered(["12345678", begun], REPORTED))
    await say("1234")
    run = await worker.start()
    performing = asyncio.create_task(worker.perform(run))
    await begun.wait()

    await worker.interrupt(performing, run, reason)

    assert await used() == [(1, 1, 2)]
    if reason == "cancelled":
        await worker.end(run, performing.result())
        assert await used() == [(1, 1, 2)]
    else:
        assert performing.exception()
        await read(lambda: Run.objects.update(state="pending", lease_expires_at=None, losses=1))
        await worker.work()
        assert await used() == [(2, 41, 4)]


async def test_an_answer_that_was_stored_before_its_worker_died_is_charged_once(worker, use_agent):
    agent = Metered(REPORTED)
    use_agent(agent)
    await say("hi")
    await worker.work()

    states = {"state": "pending", "max_attempts": 9, "finished_at": None}
    await read(lambda: Run.objects.update(**states))
    await worker.work()

    assert len(agent.asked) == 1
    assert await used() == [(1, 40, 2)]


async def test_a_charge_that_cannot_be_stored_changes_no_failure(
    worker, use_agent, monkeypatch, caplog
):
    def refuse(charges):
        raise ValueError("no")

    monkeypatch.setattr(budgets, "charge", refuse)
    use_agent(Metered(["half", AgentError("Not today.")]))
    [message] = await say("hi")

    await worker.work()

    assert (await fresh(message)).detail == "Not today."
    assert "What a turn used could not be charged." in caplog.text


async def test_a_conversation_that_is_erased_during_its_answer_is_charged(worker, use_agent):
    class Erasing(Metered):
        async def __call__(self, turn):
            await read(Conversation.objects.filter(pk=turn.conversation.pk).delete)
            yield Chunk("too late", input_tokens=40, output_tokens=2)
            raise AgentError("No.")

    use_agent(Erasing())
    await say("hi")
    run = await worker.start()

    await worker.perform(run)

    assert await used() == [(1, 40, 2)]
