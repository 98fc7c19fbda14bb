"""Deleting: what was said is gone for agents and readers; an empty row tells who was away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from conversations import reading
from conversations.agents import Turn
from conversations.branching import MessageNotFound, path_of
from conversations.deleting import delete_messages
from conversations.models import Conversation, Message, Upload
from conversations.steering import Steering, retry_answers
from scheduling import attempts
from scheduling.group_commit import group_commit
from tests.conversations.summing_up import calls, shown, stored, talk, use_summarizer
from tests.conversations.test_branching import choose, revise, said
from tests.conversations.working import NAME, fresh, read, reply_to, say

__all__ = ["calls", "use_summarizer"]


async def delete(message: Message) -> list[dict[str, Any]]:
    wish = Steering(message.conversation_id, message.uuid)
    frames: Any = await group_commit()(delete_messages, wish)
    return [json.loads(frame.text) for frame in frames]


def shows(message: Message) -> bool:
    path = path_of(Conversation.objects.get())
    assert path
    return path.shows(Message.objects.select_related("reply_to").get(pk=message.pk))


async def test_a_message_is_emptied_with_its_reply_and_readers_are_told(worker, turns):
    await talk(worker, "secret", "2")
    message = await fresh(await said("secret"))
    seq = await read(lambda: Conversation.objects.get().seq)

    frames = await delete(message)

    message = await fresh(message)
    for row in (message, message.reply):
        assert (row.content, row.is_deleted) == ("", True)
    assert {frame["id"] for frame in frames} == {str(message.uuid), str(message.reply.uuid)}
    assert all(frame["deleted"] and "secret" not in json.dumps(frame) for frame in frames)
    later = await read(lambda: reading.changes(message.conversation_id, seq))
    assert len(later.frames) == 2
    await talk(worker, "3")
    assert shown(turns[-1]) == ["2", "re: 2"]
    assert await delete(message) == []


async def test_a_reply_alone_is_emptied(worker, turns):
    await talk(worker, "1", "2")
    message = await fresh(await said("1"))

    await delete(message.reply)
    await talk(worker, "3")

    assert (await fresh(message)).reply.is_deleted
    assert shown(turns[-1]) == ["1", "2", "re: 2"]


async def test_a_reply_that_was_deleted_can_be_given_again(worker, turns):
    await talk(worker, "1")
    message = await fresh(await said("1"))
    await delete(message.reply)

    await group_commit()(retry_answers, Steering(message.conversation_id, message.uuid))
    await worker.work()

    reply = (await fresh(message)).reply
    assert (reply.content, reply.is_deleted) == ("re: 1", False)


async def test_what_was_deleted_is_not_answered_again(worker, turns):
    await talk(worker, "1")
    message = await said("1")
    await delete(message)

    with pytest.raises(MessageNotFound):
        await group_commit()(retry_answers, Steering(message.conversation_id, message.uuid))
    with pytest.raises(MessageNotFound):
        await revise(message, "1b")


async def test_a_message_that_waits_is_stopped_first(worker, turns):
    message, other = await say("1", "2")

    await delete(message)
    await worker.work()

    assert (await fresh(message)).state == "stopped"
    assert [turn.text for turn in turns] == ["2"]
    assert await reply_to(message) is None
    assert (await fresh(other)).state == "answered"


@pytest.mark.parametrize("which", ["message", "reply"])
async def test_an_answer_that_is_being_written_leaves_nothing(worker, use_agent, which):
    begun = asyncio.Event()

    async def endless(turn: Turn) -> AsyncIterator[str]:
        yield "half "
        begun.set()
        await asyncio.Event().wait()

    use_agent(endless)
    [message] = await say("1")
    run = await worker.start()
    performing = asyncio.create_task(worker.perform(run))
    await begun.wait()
    while (reply := await reply_to(message)) is None:
        await asyncio.sleep(0.05)

    await delete(message if which == "message" else reply)
    assert await read(lambda: attempts.cancel_requests(NAME)) == {run.pk}
    await worker.interrupt(performing, run, "cancelled")
    await worker.end(run, performing.result())

    reply = await reply_to(message)
    assert (reply.content, reply.is_deleted, reply.state) == ("", True, "stopped")
    assert (await fresh(message)).is_deleted == (which == "message")


async def test_an_answer_that_ends_in_the_same_moment_leaves_nothing(worker, turns):
    [message] = await say("1")
    run = await worker.start()
    ending = await worker.perform(run)

    await delete(message)
    await worker.end(run, ending)

    reply = await reply_to(message)
    assert (reply.content, reply.is_deleted) == ("", True)


async def test_a_title_that_was_taken_from_it_goes_too(worker, turns):
    await talk(worker, "my secret")

    await delete(await said("my secret"))
    assert await read(lambda: Conversation.objects.get().title) == ""

    await say("harmless")
    assert await read(lambda: Conversation.objects.get().title) == "harmless"


async def test_a_summary_that_knows_it_is_forgotten(worker, turns, calls):
    await talk(worker, *(str(number) for number in range(1, 9)))
    assert (await stored())["text"]

    await delete(await said("8"))
    assert (await stored())["text"]
    await delete(await said("1"))

    assert await stored() is None


async def test_only_what_is_here_can_be_deleted(worker):
    [mine] = await say("1")
    [other] = await say("2", address="b")

    with pytest.raises(MessageNotFound):
        await group_commit()(delete_messages, Steering(mine.conversation_id, other.uuid))

    assert (await fresh(other)).content == "2"


# -- versions and files ----------------------------------------------------------------------------


async def test_another_version_is_shown_instead_unless_more_was_said(worker, turns):
    await talk(worker, "1")
    first = await said("1")
    second = await revise(first, "1b")

    frames = await delete(second)
    assert await read(lambda: shows(first))
    assert [frame["id"] for frame in frames if not frame.get("deleted")] == [str(first.uuid)]

    third = await revise(first, "1c")
    await talk(worker, "2c")
    await delete(third)
    assert await read(lambda: shows(third))
    assert await read(lambda: shows(Message.objects.get(content="2c")))
    assert not await read(lambda: shows(first))
    await choose(first)
    assert await read(lambda: shows(first))


async def test_files_go_with_the_last_version_that_shows_them(worker):
    def upload() -> Upload:
        return Upload.objects.create(
            participant="visitor:1",
            name="a.txt",
            content_type="text/plain",
            size=1,
            content=b"a",
        )

    file = await read(upload)
    [first] = await say("1", participant="visitor:1", files=(file.uuid,))
    second = await revise(first, "1b", participant="visitor:1")
    assert second.files == (await fresh(first)).files != []

    await delete(first)
    assert await read(lambda: Upload.objects.get().message_id) == second.pk
    await delete(second)

    assert await read(Upload.objects.count) == 0
    assert (await fresh(second)).files == []
