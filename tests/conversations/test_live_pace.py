"""How often a reply is shown and saved: the more are written at once, the less often each."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Any

import pytest

from conversations import live, replies
from conversations.agents import AgentError, Turn
from tests.conversations.test_live_frames import read_deltas, saying
from tests.conversations.working import say
from tests.harness.polling import eventually

#: So few a second that a single reply is shown, or saved, an hour later.
HARDLY_ANY = 1 / 3600


async def test_replies_that_are_written_at_once_share_what_is_shown_in_a_second(worker, use_agent):
    go_on = asyncio.Event()

    async def agent(turn: Turn) -> str:
        await go_on.wait()
        return "said"

    use_agent(agent)
    assert live.paced(0.04, 10) == 0.04
    for address in "abc":
        await say("hi", address=address)
    runs = [await worker.start() for _ in range(3)]
    carrying = [asyncio.create_task(worker.carry(run)) for run in runs]

    await eventually(lambda: live.paced(0.04, 10) == 0.3, "three replies to be written", 5)
    assert live.paced(0.5, 10) == 0.5

    go_on.set()
    await asyncio.gather(*carrying)
    assert live.paced(0.04, 10) == 0.04


async def test_a_reply_that_fails_or_is_interrupted_is_counted_no_longer(worker, use_agent):
    async def agent(turn: Turn) -> str:
        if turn.text == "fail":
            raise AgentError("No.")
        await asyncio.Event().wait()
        return ""

    use_agent(agent)
    await say("fail", address="a")
    await say("wait", address="b")
    await worker.carry(await worker.start())
    run = await worker.start()
    waiting = asyncio.create_task(worker.perform(run))
    await eventually(lambda: live.paced(0, 1) == 1, "the second one to be written", 5)

    await worker.interrupt(waiting, run, "stopping")

    assert live.paced(0, 1) == 0


async def test_where_no_more_may_be_shown_only_the_first_and_the_last_words_are(
    worker, use_agent, web, monkeypatch
):
    monkeypatch.setattr(live, "DELTA_EVERY", 0.001)
    monkeypatch.setattr(live, "DELTAS_PER_SECOND", HARDLY_ANY)
    use_agent(saying(*["word "] * 10))
    await say("hi")

    await worker.work()

    assert [frame["text"] for frame in web.of_type("delta")] == ["word ", "word " * 9]


async def test_where_no_more_may_be_saved_only_the_end_is(worker, use_agent, web, monkeypatch):
    monkeypatch.setattr(live, "DELTA_EVERY", 0.001)
    monkeypatch.setattr(live, "FIRST_SAVE", 0.001)
    monkeypatch.setattr(live, "SAVES_PER_SECOND", HARDLY_ANY)
    use_agent(saying(*["word "] * 10))
    [message] = await say("hi")

    await worker.work()

    assert [seq for seq in web.seqs if seq] == [message.seq + 1, message.seq + 2]


@pytest.fixture
def slow_saves(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have the first save of a part wait until it is let go; return two events: begun, let go."""
    begun, let_go = threading.Event(), threading.Event()
    save_parts = replies.save_parts

    def save(parts: Any) -> Any:
        begun.set()
        let_go.wait(10)
        return save_parts(parts)

    monkeypatch.setattr(replies, "save_parts", save)
    monkeypatch.setattr(live, "DELTA_EVERY", 0.001)
    monkeypatch.setattr(live, "FIRST_SAVE", 0.001)
    yield begun, let_go
    let_go.set()


async def test_words_are_shown_while_a_part_is_being_saved(worker, use_agent, web, slow_saves):
    begun, let_go = slow_saves

    async def agent(turn: Turn) -> AsyncIterator[str]:
        yield "before "
        await eventually(begun.is_set, "a part to be saved", 5)
        yield "meanwhile "
        await eventually(lambda: len(web.of_type("delta")) == 2, "what was said meanwhile", 5)
        let_go.set()
        yield "after"

    use_agent(agent)
    await say("hi")

    [ending] = await worker.work()

    assert ending.state == "succeeded"
    assert read_deltas(web.frames) == "before meanwhile after"
    assert web.of_type("message")[-1]["content"] == "before meanwhile after"


async def test_a_reply_that_says_nothing_for_a_while_waits_without_waking_up(
    worker, use_agent, web, monkeypatch
):
    pauses: list[float] = []

    def paced(seconds: float, most_per_second: float) -> float:
        if seconds != live.DELTA_EVERY:
            return 3600
        pauses.append(seconds)
        return 0

    async def agent(turn: Turn) -> AsyncIterator[str]:
        yield "before "
        for _ in range(1000):
            await asyncio.sleep(0)
        yield "after"
        await eventually(lambda: len(web.of_type("delta")) == 2, "what followed the silence", 5)

    monkeypatch.setattr(live, "paced", paced)
    use_agent(agent)
    await say("hi")

    await worker.work()

    assert read_deltas(web.frames) == "before after"
    assert len(pauses) < 5
