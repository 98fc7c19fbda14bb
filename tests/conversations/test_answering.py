"""Answering stores one reply for each message, whatever happens to the worker on the way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

from conversations.agents import Chunk, Turn
from conversations.live import LiveReply
from conversations.models import Conversation, Message
from conversations.replies import save_parts
from scheduling.attempts import LostLease
from scheduling.group_commit import group_commit
from scheduling.models import Run
from scheduling.states import RunState
from tests.conversations.working import MiniWorker, fresh, read, reply_to, say
from tests.harness.polling import eventually


async def test_the_echo_is_stored_once_and_its_message_answered(worker, web):
    [message] = await say("hello  world ")

    endings = await worker.work()

    message = await fresh(message)
    assert [ending.state for ending in endings] == [RunState.SUCCEEDED]
    assert (message.state, message.detail) == ("answered", "")
    reply = message.reply
    assert (reply.role, reply.content, reply.state) == ("assistant", "hello  world ", "done")
    assert reply.uuid == message.reply_uuid
    assert reply.delivery_state == "sent"
    assert await read(Message.objects.count) == 2


async def test_the_reply_changes_right_before_its_message(worker):
    [message] = await say("hi")

    await worker.work()

    message = await fresh(message)
    assert (message.reply.seq, message.seq) == (2, 3)
    assert await read(lambda: Conversation.objects.get().seq) == 3


async def test_tokens_and_time_are_on_the_reply(worker, use_agent):
    async def agent(turn: Turn) -> AsyncIterator[Any]:
        yield Chunk("a", input_tokens=3, output_tokens=1)
        await asyncio.sleep(0.03)
        yield "b"
        yield Chunk(output_tokens=7)

    use_agent(agent)
    [message] = await say("hi")

    await worker.work()

    reply = await reply_to(message)
    assert (reply.content, reply.input_tokens, reply.output_tokens) == ("ab", 3, 7)
    assert 30 <= reply.process_time_ms < 5000


async def test_without_usage_the_tokens_are_unknown(worker):
    [message] = await say("hi")

    await worker.work()

    reply = await reply_to(message)
    assert (reply.input_tokens, reply.output_tokens) == (None, None)


async def test_an_empty_reply_is_a_reply(worker, use_agent):
    use_agent(lambda turn: "")
    [message] = await say("hi")

    await worker.work()

    message = await fresh(message)
    assert (message.state, message.reply.state, message.reply.content) == ("answered", "done", "")


async def test_the_turn_tells_all_there_is_to_know(worker, use_agent):
    turns = []
    use_agent(lambda turn: turns.append(turn) or "ok")
    [message] = await say("look", attachment="a.png")

    def prefer() -> None:
        Conversation.objects.update(settings={"locale": "zh-hans", "timezone": "Asia/Shanghai"})

    await read(prefer)

    await worker.work()

    [turn] = turns
    assert (turn.text, turn.attachments, turn.channel) == ("look", ("a.png",), "web")
    assert (turn.locale, turn.timezone) == ("zh-hans", "Asia/Shanghai")
    assert turn.conversation.pk == message.conversation_id


async def test_the_turn_has_the_defaults_of_the_site(worker, use_agent):
    turns = []
    use_agent(lambda turn: turns.append(turn) or "ok")
    await say("hi")

    await worker.work()

    assert (turns[0].locale, turns[0].timezone) == ("en", "UTC")


async def test_messages_of_one_conversation_are_answered_in_order(worker, use_agent):
    heard = []
    use_agent(lambda turn: heard.append(turn.text) or "ok")
    await say("1", "2", "3")

    await worker.work()

    assert heard == ["1", "2", "3"]


async def test_a_second_run_of_an_answered_message_does_nothing(worker, use_agent, web):
    [message] = await say("hi")
    await worker.work()
    before, shown = await fresh(message), len(web.frames)
    use_agent(lambda turn: "another")

    def answer_again() -> None:
        Run.objects.create(
            action="conversations.answer", args={"message": message.pk}, fire_at=before.created_at
        )

    await read(answer_again)
    [ending] = await worker.work()

    after = await fresh(message)
    assert ending.state == RunState.SUCCEEDED
    assert (after.seq, after.reply.seq, after.reply.content) == (before.seq, 2, "hi")
    assert len(web.frames) == shown


async def test_the_run_of_a_deleted_message_does_nothing(worker):
    await say("hi")
    await read(Conversation.objects.all().delete)

    [ending] = await worker.work()

    assert ending.state == RunState.SUCCEEDED


class Halting:
    """Yields its parts, and waits after each until the test lets it go on."""

    def __init__(self, *parts: str) -> None:
        self.parts = parts
        self.go_on = asyncio.Event()

    async def __call__(self, turn: Turn) -> AsyncIterator[str]:
        for part in self.parts:
            yield part
            await self.go_on.wait()


async def a_part_is_stored(message: Message) -> Message:
    """Return the unfinished reply once it is stored."""
    for _ in range(500):
        if part := await reply_to(message):
            return part
        await asyncio.sleep(0.01)
    raise AssertionError("No part of the reply was stored.")


async def test_the_text_so_far_is_stored_while_the_agent_goes_on(worker, use_agent):
    agent = Halting("half ", "whole")
    use_agent(agent)
    [message] = await say("hi")
    carrying = asyncio.create_task(worker.work())

    part = await a_part_is_stored(message)
    during = await fresh(message)
    agent.go_on.set()
    await carrying

    whole = await reply_to(message)
    assert (part.content, part.state, during.state) == ("half ", "streaming", "answering")
    assert part.delivery_state == ""
    assert (whole.pk, whole.content, whole.state) == (part.pk, "half whole", "done")
    assert whole.seq > part.seq


async def test_a_silent_agent_is_seen_to_be_answering(worker, use_agent):
    agent = Halting("", "done")
    use_agent(agent)
    [message] = await say("hi")
    carrying = asyncio.create_task(worker.work())

    async def is_answering() -> bool:
        return (await fresh(message)).state == "answering"

    async with asyncio.timeout(10):
        while not await is_answering():
            await asyncio.sleep(0.02)
    assert await reply_to(message) is None

    agent.go_on.set()
    await carrying
    assert (await reply_to(message)).content == "done"


async def test_a_rescued_reply_goes_on_in_the_same_row(worker, use_agent):
    use_agent(Halting("of a worker that dies"))
    [message] = await say("hi")
    run = await worker.start()
    dying = asyncio.create_task(worker.perform(run))
    part = await a_part_is_stored(message)
    await worker.interrupt(dying, run, "lost")

    await read(lambda: Run.objects.update(state="pending", lease_expires_at=None, losses=1))
    use_agent(lambda turn: "new")
    endings = await worker.work()

    whole = await reply_to(message)
    assert [ending.attempt for ending in endings] == [2]
    assert (whole.pk, whole.uuid) == (part.pk, part.uuid)
    assert (whole.content, whole.state) == ("new", "done")
    assert await read(Message.objects.count) == 2


async def test_a_worker_that_lost_its_run_writes_nothing_more(worker, use_agent):
    """Else it would undo the end that another worker has stored meanwhile."""
    use_agent(Halting("of a worker that sleeps"))
    [message] = await say("hi")
    run = await worker.start()
    sleeping = asyncio.create_task(worker.perform(run))
    await a_part_is_stored(message)
    await read(lambda: Run.objects.update(state="pending", lease_expires_at=None, losses=1))
    use_agent(lambda turn: "whole")
    await worker.work()
    before = await fresh(message)

    await worker.interrupt(sleeping, run, "lost")

    after = await fresh(message)
    assert (after.state, after.seq) == ("answered", before.seq)
    assert (after.reply.state, after.reply.content) == ("done", "whole")


async def test_parts_that_are_stored_together_are_fenced_one_by_one(worker):

    await say("one", address="a")
    await say("two", address="b")
    runs = [await worker.start(), await worker.start()]

    def lives() -> list[LiveReply]:
        rows = Message.objects.select_related("conversation")
        return [LiveReply(rows.get(pk=run.args["message"]), run) for run in runs]

    parts = await read(lives)
    for live in parts:
        await live.add(Chunk("part"))
    await read(lambda: Run.objects.filter(pk=runs[0].pk).update(attempt=2))

    results = await asyncio.gather(
        *(group_commit()(save_parts, live.text()) for live in parts), return_exceptions=True
    )

    assert isinstance(results[0], LostLease)
    assert isinstance(results[1], Message)
    stored = await read(lambda: list(Message.objects.filter(role="assistant")))
    assert [reply.reply_to_id for reply in stored] == [runs[1].args["message"]]


async def test_a_reply_beyond_the_limit_is_cut_there_and_says_so(worker, use_agent, settings):
    settings.BOTFLOW_MAX_REPLY_LENGTH = 10
    closed = []

    async def endless(turn: Turn) -> AsyncIterator[str]:
        try:
            while True:
                yield "1234"
        finally:
            closed.append(True)

    use_agent(endless)
    [message] = await say("hi")

    await worker.work()

    reply = await reply_to(message)
    message = await fresh(message)
    assert (reply.content, reply.state) == ("1234123412", "stopped")
    assert message.state == "stopped"
    assert "cut" in reply.detail
    assert message.detail == reply.detail
    assert closed == [True]


async def test_a_reply_of_just_the_limit_is_whole(worker, use_agent, settings):
    settings.BOTFLOW_MAX_REPLY_LENGTH = 10
    use_agent(lambda turn: "😀" * 10)
    [message] = await say("hi")

    await worker.work()

    reply = await reply_to(message)
    assert (reply.content, reply.detail) == ("😀" * 10, "")


async def answer_in(worker: MiniWorker, use_agent: Callable[[Any], None], *pieces: str) -> str:
    async def agent(turn: Turn) -> AsyncIterator[str]:
        for piece in pieces:
            yield piece

    use_agent(agent)
    [message] = await say("hi")
    await worker.work()
    reply = await reply_to(message)
    assert reply.state == "done"
    return str(reply.content)


async def test_what_cannot_be_stored_is_left_out(worker, use_agent):
    assert await answer_in(worker, use_agent, "a\0b", "\udc00c", "d\ud800e", "f\ud800") == "abcdef"


async def test_a_pair_of_surrogates_is_joined_also_across_chunks(worker, use_agent):
    text = await answer_in(worker, use_agent, "a\ud83d", "\ude00b", "\ud83d\ude00", "\ud83d", "x")

    assert text == "a😀b😀x"


async def test_a_burst_is_answered_one_by_one_by_many_workers(worker, web):
    messages = [(await say(f"m{n}", address=str(n)))[0] for n in range(10)]

    await asyncio.gather(*(worker.work() for _ in range(4)))

    await eventually(lambda: len(web.of_type("message")) == 10, "ten replies")
    for n, message in enumerate(messages):
        assert (await reply_to(message)).content == f"m{n}"
