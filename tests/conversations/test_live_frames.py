"""What readers are shown while a reply is written: in order, without gap, and whole at the end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from conversations import live
from conversations.agents import AgentError, Turn
from conversations.channels.testing import RecordingChannel
from conversations.models import Message
from tests.conversations.working import fresh, say
from tests.harness.polling import eventually

Frames = list[dict[str, Any]]


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have deltas follow each other closely, so that a short test sees many."""
    monkeypatch.setattr(live, "DELTA_EVERY", 0.001)


def saying(*pieces: str, every: float = 0.003) -> Callable[[Turn], AsyncIterator[str]]:
    async def agent(turn: Turn) -> AsyncIterator[str]:
        for piece in pieces:
            yield piece
            await asyncio.sleep(every)

    return agent


def kinds(frames: Frames) -> list[str]:
    """Return what frames are, of deltas in a row only one."""
    names = [
        f"{frame['type']} {frame['state']}" if "state" in frame else frame["type"]
        for frame in frames
    ]
    return [name for before, name in zip(["", *names], names, strict=False) if name != before]


def read_deltas(frames: Frames) -> str:
    """Return the text that deltas make together; fail at a gap or an overlap."""
    text = ""
    for frame in frames:
        if frame["type"] == "delta":
            assert frame["offset"] == len(text), frame
            assert frame["text"]
            text += frame["text"]
    return text


async def test_a_streamed_reply_is_announced_written_shown_whole_and_settled(
    worker, use_agent, web, quick
):
    use_agent(saying("one ", "two ", "three"))
    [message] = await say("hi")

    await worker.work()

    assert kinds(web.frames) == ["status answering", "delta", "message done", "status answered"]
    assert len(web.of_type("delta")) > 1
    message = await fresh(message)
    statuses = web.of_type("status")
    assert {frame["id"] for frame in statuses} == {str(message.uuid)}
    assert statuses[-1]["seq"] == message.seq
    [whole] = web.of_type("message")
    assert (whole["id"], whole["role"]) == (str(message.reply_uuid), "assistant")
    assert (whole["reply_to"], whole["content"]) == (str(message.uuid), "one two three")
    assert whole["seq"] == message.reply.seq
    assert {frame["id"] for frame in web.of_type("delta")} == {whole["id"]}


@pytest.mark.parametrize(
    "pieces",
    [
        ["one ", "two ", "three "] * 5,
        ["😀", "👩‍👩‍👧", "好", "e\u0301", "😀😀"] * 4,
        ["\ud83d", "\ude00", "a\0b", "\ud800", "c"] * 3,
        ["", "a", "", "", "b", ""],
        ["at once"],
    ],
)
async def test_deltas_join_without_gap_to_the_stored_text(worker, use_agent, web, quick, pieces):
    use_agent(saying(*pieces))
    [message] = await say("hi")

    await worker.work()

    [whole] = web.of_type("message")
    assert read_deltas(web.frames) == whole["content"] == (await fresh(message)).reply.content
    assert whole["content"]


async def test_offsets_count_code_points(worker, use_agent, web, quick):
    use_agent(saying("😀", "b", every=0.05))
    await say("hi")

    await worker.work()

    deltas = [(frame["offset"], frame["text"]) for frame in web.of_type("delta")]
    assert deltas == [(0, "😀"), (1, "b")]


async def test_the_first_word_is_shown_at_once(worker, use_agent, web, monkeypatch):
    """However long the pause between two deltas is."""
    monkeypatch.setattr(live, "DELTA_EVERY", 3600)
    go_on = asyncio.Event()

    async def agent(turn: Turn) -> AsyncIterator[str]:
        yield "first"
        yield " second"
        await go_on.wait()

    use_agent(agent)
    await say("hi")
    carrying = asyncio.create_task(worker.work())

    await eventually(lambda: len(web.frames) == 2, "the announcement and the first delta", 5)
    shown = list(web.frames)
    go_on.set()
    await carrying

    assert kinds(shown) == ["status answering", "delta"]
    assert shown[1]["text"] == "first"


async def test_an_agent_that_thinks_first_is_announced_meanwhile(worker, use_agent, web):
    go_on = asyncio.Event()

    async def agent(turn: Turn) -> str:
        await go_on.wait()
        return "thought"

    use_agent(agent)
    await say("hi")
    carrying = asyncio.create_task(worker.work())

    await eventually(lambda: web.frames, "the announcement", 5)
    assert kinds(web.frames) == ["status answering"]

    go_on.set()
    await carrying
    assert kinds(web.frames) == ["status answering", "delta", "message done", "status answered"]


async def test_a_fast_agent_costs_few_deltas(worker, use_agent, web):
    use_agent(saying(*["word "] * 500, every=0))
    await say("hi")

    await worker.work()

    assert len(web.of_type("delta")) < 50
    assert read_deltas(web.frames) == "word " * 500


async def test_a_second_attempt_takes_the_first_ones_words_back(worker, use_agent, web, quick):
    left = [ConnectionError(), None]

    async def agent(turn: Turn) -> AsyncIterator[str]:
        error = left.pop(0)
        yield "old words " if error else "new"
        if error:
            raise error

    use_agent(agent)
    [message] = await say("hi")
    await worker.carry(await worker.start())
    first = len(web.frames)
    assert read_deltas(web.frames) == "old words "

    await worker.work()

    second = web.frames[first:]
    reset = second[1]
    assert kinds(second[:3]) == ["status answering", "message streaming", "delta"]
    assert (reset["id"], reset["content"]) == (str(message.reply_uuid), "")
    assert read_deltas(second) == "new"
    assert kinds(second)[-2:] == ["message done", "status answered"]


async def test_a_failed_reply_is_shown_as_far_as_it_went_then_the_failure(
    worker, use_agent, web, quick
):
    async def agent(turn: Turn) -> AsyncIterator[str]:
        yield "half"
        raise AgentError("No.")

    use_agent(agent)
    await say("hi")

    await worker.work()

    assert kinds(web.frames) == ["status answering", "delta", "message failed", "status failed"]
    assert web.of_type("message")[0]["content"] == "half"
    assert web.frames[-1]["detail"] == "No."


async def test_readers_are_told_of_each_stored_change(worker, use_agent, web, monkeypatch):
    """Also of those no frame shows: else they would ask for what they have seen as deltas."""
    monkeypatch.setattr(live, "DELTA_EVERY", 0.005)
    monkeypatch.setattr(live, "FIRST_SAVE", 0.02)
    monkeypatch.setattr(live, "SAVE_EVERY", 0.02)
    use_agent(saying(*["word "] * 10, every=0.02))
    [message] = await say("hi")

    await worker.work()

    message = await fresh(message)
    told = [seq for seq in web.seqs if seq]
    assert told == sorted(set(told))
    assert len(told) > 3
    assert told[-2:] == [message.reply.seq, message.seq]


async def test_no_delta_follows_the_whole_reply(worker, use_agent, web, quick):
    use_agent(saying(*["word "] * 20, every=0.001))
    await say("hi")
    await worker.work()
    shown = len(web.frames)

    await asyncio.sleep(0.05)  # many times as long as deltas are apart

    assert len(web.frames) == shown


class DeafChannel(RecordingChannel):
    """Cannot show anything: its network is away."""

    async def show(self, conversation: Any, frames: Any) -> None:
        raise OSError("away")


async def test_a_surface_without_streaming_is_shown_nothing_meanwhile(worker, post):
    [message] = await say("hi", channel="post")

    await worker.work()

    assert (await fresh(message)).state == "answered"
    assert post.delivered == ["hi"]


async def test_a_reply_is_stored_though_nobody_can_be_shown_anything(worker, settings):
    settings.BOTFLOW_CHANNELS = {"web": f"{__name__}.DeafChannel"}
    [message] = await say("hi")

    await worker.work()

    message = await fresh(message)
    assert (message.state, message.reply.content) == (Message.State.ANSWERED, "hi")
