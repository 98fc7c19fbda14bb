"""Limits of turns: of what arrives within a minute the agent answers so much and no more."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.utils import timezone

from conversations.agents import AgentError
from conversations.models import Message
from conversations.steering import Steering, retry_answers
from scheduling.actions import submit
from scheduling.ending import retry as retry_run
from scheduling.group_commit import group_commit
from scheduling.models import Run
from tests.conversations.budgeting import Metered, let_pass
from tests.conversations.working import fresh, read, say

FAST = "You are asking faster than the assistant may answer. Please try again in a minute."
BUSY = "The assistant is asked too much at the moment. Please try again in a minute."


@pytest.fixture
def own_limit(settings, channels):
    settings.BOTFLOW_CONVERSATION_TURNS_PER_MINUTE = 3


@pytest.fixture
def site_limit(settings, channels):
    settings.BOTFLOW_SITE_TURNS_PER_MINUTE = 3


async def states(messages: list[Message]) -> list[str]:
    return [(await fresh(message)).state for message in messages]


async def test_of_a_burst_the_first_are_answered(worker, own_limit):
    said = await say("1", "2", "3", "4", "5")

    await worker.work()

    assert await states(said) == ["answered"] * 3 + ["failed"] * 2
    assert (await fresh(said[4])).detail == FAST
    errors = await read(lambda: list(Run.objects.filter(state="failed").values_list("error")))
    assert errors == 2 * [
        (
            "More than 3 turns of a conversation within a minute:"
            " BOTFLOW_CONVERSATION_TURNS_PER_MINUTE is 3.",
        )
    ]


async def test_a_minute_after_the_first_of_a_burst_there_is_room_for_one(worker, own_limit):
    await say("1")
    await worker.work()
    await read(lambda: let_pass(seconds=31))
    await say("2", "3")
    await worker.work()
    await read(lambda: let_pass(seconds=30))

    said = await say("4", "5")
    await worker.work()

    assert await states(said) == ["answered", "failed"]


async def test_what_was_refused_takes_nobody_s_place(worker, own_limit):
    """Whoever goes on and on is answered as much as the limit says, not less."""
    await say("1", "2", "3")
    await worker.work()
    await read(lambda: let_pass(seconds=59))
    await say("4", "5", "6", "7")
    await worker.work()
    await read(lambda: let_pass(seconds=2))

    said = await say("8", "9", "10", "11")
    await worker.work()

    assert await states(said) == ["answered"] * 3 + ["failed"]


async def test_another_conversation_has_turns_of_its_own(worker, own_limit):
    await say("1", "2", "3")
    other = await say("4", address="b")

    await worker.work()

    assert await states(other) == ["answered"]


async def test_commands_and_replies_of_the_channel_are_no_turns(worker, own_limit):
    said = await say("1", "/help", "/tasks", "2")
    await say("told", "by", "the", "channel", reply="Thanks.")
    said += await say("/stop", "3", "4")

    await worker.work()

    assert await states(said) == ["answered"] * 6 + ["failed"]


async def test_what_only_looks_like_a_command_is_a_turn(worker, own_limit):
    said = await say("/usr/bin", "/etc/hosts is missing", "//", "hi")

    await worker.work()

    assert await states(said) == ["answered"] * 3 + ["failed"]


async def test_messages_that_are_merged_are_one_turn(worker, own_limit, settings, use_agent):
    settings.BOTFLOW_MERGE_PAUSE = 5
    agent = Metered(["said"])
    use_agent(agent)
    await say("1", "2", "3", "4", "5")

    await worker.work()

    assert agent.asked == ["1\n2\n3\n4\n5"]


async def test_a_turn_that_failed_is_none(worker, own_limit, use_agent):
    use_agent(Metered([AgentError("No.")], ["said"]))
    said = await say("1", "2", "3", "4", "5")

    await worker.work()

    assert await states(said) == ["failed", "answered", "answered", "answered", "failed"]


async def test_prompts_are_turns(worker, own_limit):
    [message] = await say("1")
    await worker.work()
    args = {"conversation": str(message.conversation.uuid), "prompt": "And?"}
    for _ in range(3):
        await read(lambda: submit("conversations.ask", args))

    await worker.work()

    prompts = await read(lambda: list(Message.objects.filter(role="system").order_by("pk")))
    assert await states(prompts) == ["answered", "answered", "failed"]


async def test_the_site_s_limit_counts_all_conversations(worker, site_limit):
    said = [(await say(name, address=name))[0] for name in "abcd"]

    await worker.work()

    assert await states(said) == ["answered"] * 3 + ["failed"]
    assert (await fresh(said[3])).detail == BUSY
    error = await read(lambda: Run.objects.get(state="failed").error)
    assert error == (
        "More than 3 turns of the site within a minute: BOTFLOW_SITE_TURNS_PER_MINUTE is 3."
    )


async def test_turns_that_run_at_once_are_decided_by_who_came_first(worker, site_limit):
    said = [(await say(name, address=name))[0] for name in "abcdef"]
    runs = [await worker.start() for _ in said]

    endings = await asyncio.gather(*[worker.perform(run) for run in reversed(runs)])
    for run, ending in zip(reversed(runs), endings, strict=True):
        await worker.end(run, ending)

    assert await states(said) == ["answered"] * 3 + ["failed"] * 3


# -- trying again ----------------------------------------------------------------------------------


@pytest.mark.parametrize("refused", [False, True])
async def test_an_attempt_after_a_worker_died_is_decided_the_same(worker, own_limit, refused):
    said = await say("1", "2", "3", "4")
    for _ in range(3 if refused else 2):
        await worker.carry(await worker.start())
    run = await worker.start()
    await worker.perform(run)  # and died before the end was written
    said += await say("5")

    lost = {"state": "pending", "lease_expires_at": None, "losses": 1}
    later = timezone.now() + timedelta(minutes=2)
    await read(lambda: Run.objects.filter(pk=run.pk).update(**lost, not_before=later))
    await worker.carry(run_again := await worker.start())

    assert run_again.pk == run.pk
    assert (await fresh(said[3 if refused else 2])).state == ("failed" if refused else "answered")


async def test_a_retry_is_refused_at_once_and_answered_a_minute_later(worker, own_limit):
    said = await say("1", "2", "3", "4")
    await worker.work()
    again = Steering(said[3].conversation_id, said[3].uuid)

    await group_commit()(retry_answers, again)
    await worker.work()
    assert await states(said[3:]) == ["failed"]
    await read(lambda: let_pass(seconds=61))
    await group_commit()(retry_answers, again)
    await worker.work()

    assert await states(said[3:]) == ["answered"]


async def test_an_owner_s_retry_of_the_run_is_answered_a_minute_later(worker, own_limit):
    said = await say("1", "2", "3", "4")
    await worker.work()
    await read(lambda: let_pass(seconds=61))

    await read(lambda: retry_run(Run.objects.get(state="failed"), now=timezone.now()))
    await worker.work()

    assert await states(said[3:]) == ["answered"]
