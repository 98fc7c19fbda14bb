"""A failing agent: what its user reads, what is kept, and whether the turn is tried again."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

import pytest

from conversations.agents import AgentError, Turn
from conversations.models import Message
from conversations.replies import failure_text
from scheduling.models import Run
from scheduling.states import RunState
from tests.conversations.working import fresh, read, reply_to, say

SECRET = "secret inner reason"


def failing(*errors: BaseException | str) -> Callable[[Turn], AsyncIterator[str]]:
    """Return an agent that says `half` and then raises or says each of `errors`, a turn each."""
    left = list(errors)

    async def agent(turn: Turn) -> AsyncIterator[str]:
        outcome = left.pop(0)
        yield "half "
        if isinstance(outcome, BaseException):
            raise outcome
        yield outcome

    return agent


async def test_the_sentence_of_an_agent_error_reaches_the_user(worker, use_agent, web):
    use_agent(failing(AgentError("The model is asleep.")))
    [message] = await say("hi")

    [ending] = await worker.work()

    message = await fresh(message)
    assert (message.state, message.detail) == ("failed", "The model is asleep.")
    assert web.frames[-1] == {
        "type": "status",
        "id": str(message.uuid),
        "state": "failed",
        "seq": message.seq,
        "detail": "The model is asleep.",
    }
    assert ending.state == RunState.FAILED


async def test_the_partial_reply_is_kept_as_failed_and_shown(worker, use_agent, web):
    use_agent(failing(AgentError("No.")))
    [message] = await say("hi")

    await worker.work()

    reply = await reply_to(message)
    assert (reply.content, reply.state) == ("half ", "failed")
    assert [frame["state"] for frame in web.of_type("message")] == ["failed"]


async def test_an_agent_that_fails_before_its_first_word_leaves_no_reply(worker, use_agent):
    def agent(turn: Turn) -> str:
        raise AgentError("Nothing today.")

    use_agent(agent)
    [message] = await say("hi")

    await worker.work()

    assert (await fresh(message)).detail == "Nothing today."
    assert await reply_to(message) is None


@pytest.mark.parametrize(
    "kind", [RuntimeError, ValueError, KeyError, RecursionError, StopIteration]
)
async def test_any_other_error_is_one_sentence_that_tells_nothing(worker, use_agent, web, kind):
    use_agent(failing(kind(SECRET)))
    [message] = await say("hi")

    await worker.work()

    message = await fresh(message)
    assert (message.state, message.detail) == ("failed", failure_text())
    assert SECRET not in json.dumps(web.frames)
    assert SECRET not in str(await read(lambda: list(Message.objects.values())))
    assert SECRET not in (await read(Run.objects.get)).error


async def test_an_unexpected_error_is_logged_once_with_its_reason(worker, use_agent, caplog):
    use_agent(failing(RuntimeError(SECRET)))
    await say("hi")

    await worker.work()

    told = [record for record in caplog.records if SECRET in (record.exc_text or "")]
    assert [record.getMessage() for record in told] == ["The agent failed."]


@pytest.mark.parametrize("error", [AgentError("no"), RuntimeError(), ValueError()])
async def test_a_permanent_failure_is_not_tried_again(worker, use_agent, error):
    use_agent(failing(error))
    await say("hi")

    assert [ending.state for ending in await worker.work()] == [RunState.FAILED]


@pytest.mark.parametrize(
    "error",
    [
        ConnectionError(),
        ConnectionResetError(),
        TimeoutError(),
        AgentError("busy", permanent=False),
    ],
)
async def test_a_transient_failure_is_tried_again(worker, use_agent, error):
    use_agent(failing(error, "whole"))
    [message] = await say("hi")

    endings = await worker.work()

    message = await fresh(message)
    assert [ending.state for ending in endings] == [RunState.PENDING, RunState.SUCCEEDED]
    assert (message.state, message.detail, message.reply.content) == ("answered", "", "half whole")


async def test_an_agent_may_say_when_to_try_again(worker, use_agent):
    later = timedelta(minutes=5)
    use_agent(failing(AgentError("busy", permanent=False, retry_after=later), "whole"))
    await say("hi")

    first, _ = await worker.work()

    assert first.retry_at - first.at == later


async def test_a_transient_failure_that_stays_is_given_up(worker, use_agent):
    use_agent(failing(*[ConnectionError(SECRET)] * 10))
    [message] = await say("hi")

    endings = await worker.work()

    assert [ending.state for ending in endings] == [RunState.PENDING] * 3 + [RunState.FAILED]
    message = await fresh(message)
    assert (message.state, message.detail) == ("failed", failure_text())
    assert message.reply.content == "half "


async def test_the_sentence_of_the_last_attempt_is_the_one_that_is_read(worker, use_agent):
    use_agent(failing(AgentError("busy", permanent=False), RuntimeError(SECRET)))
    [message] = await say("hi")

    await worker.work()

    assert (await fresh(message)).detail == failure_text()


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b", "x" * 5000])
async def test_any_sentence_of_an_agent_can_be_stored(worker, use_agent, text):
    use_agent(failing(AgentError(text)))
    [message] = await say("hi")

    endings = await worker.work()

    message = await fresh(message)
    assert [ending.state for ending in endings] == [RunState.FAILED]
    assert message.state == "failed"
    assert message.detail == (text[:500] if len(text) > 3 else "ab")


async def test_an_agent_that_cancels_itself_has_failed(worker, use_agent):
    """Nobody asked for it: left to itself its run would never end."""
    use_agent(failing(asyncio.CancelledError()))
    [message] = await say("hi")

    await worker.work()

    message = await fresh(message)
    assert (message.state, message.detail) == ("failed", failure_text())


async def exits(turn: Turn) -> AsyncIterator[str]:
    yield "half "
    sys.exit(SECRET)


def exits_in_thread(turn: Turn) -> str:
    sys.exit(SECRET)


@pytest.mark.parametrize("agent", [exits, exits_in_thread])
async def test_an_agent_that_exits_does_not_take_its_worker_along(worker, use_agent, agent):
    use_agent(agent)
    [message] = await say("hi")

    endings = await worker.work()

    assert [ending.state for ending in endings] == [RunState.FAILED]
    assert (await fresh(message)).detail == failure_text()


async def test_an_agent_that_takes_too_long_fails_with_what_it_said(worker, use_agent, settings):
    settings.BOTFLOW_RUN_TIMEOUT = 0.2

    async def endless(turn: Turn) -> AsyncIterator[str]:
        yield "half "
        await asyncio.Event().wait()

    use_agent(endless)
    [message] = await say("hi")

    endings = await worker.work()

    message = await fresh(message)
    assert [ending.state for ending in endings] == [RunState.FAILED]
    assert (message.state, message.detail) == ("failed", "The answer took too long.")
    assert (message.reply.state, message.reply.content) == ("failed", "half ")


async def test_an_agent_that_is_not_there_fails_the_turn_and_ends_it(worker, settings):
    settings.BOTFLOW_AGENT = "no.such.agent"
    [message] = await say("hi")

    await worker.work()

    assert (await fresh(message)).detail == failure_text()


async def test_a_channel_that_was_taken_away_does_not_keep_its_messages_from_ending(
    worker, settings
):
    [message] = await say("hi", channel="gone")

    endings: list[Any] = await worker.work()

    assert endings[-1].state == RunState.FAILED
    assert (await fresh(message)).state == "failed"


async def test_a_failure_does_not_hold_up_the_next_message(worker, use_agent):
    use_agent(failing(RuntimeError(), "whole"))
    first, second = await say("1", "2")

    await worker.work()

    assert [(await fresh(m)).state for m in (first, second)] == ["failed", "answered"]


async def test_the_general_sentence_is_in_the_language_of_the_conversation(worker, use_agent, web):
    use_agent(failing(LookupError(SECRET)))
    [message] = await say("你好", locale="zh-hans")

    await worker.work()

    assert (await fresh(message)).detail == "回答时出了点问题，请重试。"
