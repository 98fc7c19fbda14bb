"""Branching: what was said may be said anew; each version has its own continuation."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from conversations import reading, receiving
from conversations.arriving import arrive, receive
from conversations.branching import MessageNotFound, choose_versions, path_of
from conversations.history import load_history
from conversations.models import Conversation, Message
from conversations.receiving import receive_messages
from conversations.sayings import Saying, store
from conversations.steering import Steering
from scheduling.group_commit import group_commit
from tests.conversations.summing_up import BEGINS, calls, shown, stored, talk, use_summarizer
from tests.conversations.working import MiniWorker, fresh, incoming, read, say

__all__ = ["calls", "use_summarizer"]


async def revise(message: Message, content: str, **more: Any) -> Message:
    return (await arrive(incoming(content, replaces=message.uuid, **more))).message


async def choose(message: Message) -> list[dict[str, Any]]:
    frames: Any = await group_commit()(
        choose_versions, Steering(message.conversation_id, message.uuid)
    )
    return [json.loads(frame.text) for frame in frames]


async def said(text: str) -> Message:
    return await read(lambda: Message.objects.get(content=text, role="user"))


def thread() -> list[str]:
    """Return the texts of the shown thread, without those of replies."""
    path = path_of(Conversation.objects.get())
    rows = Message.objects.select_related("reply_to").exclude(reply_to__isnull=False)
    return [row.content for row in rows.order_by("pk") if path is None or path.shows(row)]


async def test_a_version_takes_the_place_of_what_was_said_and_of_all_after_it(worker, turns):
    await talk(worker, "1", "2", "3")

    await revise(await said("2"), "2b")
    await talk(worker, "4b")

    assert await read(thread) == ["1", "2b", "4b"]
    assert shown(turns[-1]) == ["1", "re: 1", "2b", "re: 2b"]
    first, version, later = [await said(text) for text in ("2", "2b", "4b")]
    assert (version.replaces_id, version.branch_id) == (first.pk, None)
    assert version.chosen > first.chosen
    assert later.branch_id == version.pk


async def test_the_earlier_thread_comes_back_with_its_version_and_goes_on(worker, turns):
    await talk(worker, "1", "2", "3")
    await revise(await said("2"), "2b")
    await talk(worker, "4b")

    [frame] = await choose(await said("2"))
    await talk(worker, "4")

    assert await read(thread) == ["1", "2", "3", "4"]
    assert shown(turns[-1]) == ["1", "re: 1", "2", "re: 2", "3", "re: 3"]
    assert (frame["content"], frame["chosen"]) == ("2", frame["seq"])
    await choose(await said("2b"))
    assert await read(thread) == ["1", "2b", "4b"]


async def test_versions_within_versions_are_found_again(worker, turns):
    await talk(worker, "1", "2")
    await revise(await said("2"), "2b")
    await talk(worker, "3b")
    await revise(await said("3b"), "3c")
    await worker.work()
    await revise(await said("1"), "1d")
    await worker.work()

    assert await read(thread) == ["1d"]
    assert shown(turns[-1]) == []
    await choose(await said("1"))
    assert await read(thread) == ["1", "2b", "3c"]
    await talk(worker, "4")
    assert shown(turns[-1]) == ["1", "re: 1", "2b", "re: 2b", "3c", "re: 3c"]


async def test_a_version_of_a_version_is_one_of_the_first(worker, turns):
    await talk(worker, "1")
    second = await revise(await said("1"), "1b")
    third = await revise(second, "1c")

    first = await said("1")
    assert (second.replaces_id, third.replaces_id) == (first.pk, first.pk)
    assert await read(thread) == ["1c"]


async def test_the_same_words_again_are_answered_anew(worker, turns):
    await talk(worker, "1")
    again = await revise(await said("1"), "1")
    await worker.work()

    assert len(turns) == 2
    assert shown(turns[-1]) == []
    assert (await fresh(again)).reply.content == "re: 1"
    assert await read(Message.objects.filter(role="assistant").count) == 2


async def test_what_came_unasked_is_on_every_thread(worker, turns):
    await talk(worker, "1", "2")

    def remind() -> None:
        with transaction.atomic():
            store([Saying(Conversation.objects.get(), uuid.uuid4(), "Drink!")])

    await read(remind)
    await revise(await said("2"), "2b")
    await talk(worker, "3b")

    assert shown(turns[-1]) == ["1", "re: 1", "Drink!", "2b", "re: 2b"]


async def test_a_message_is_answered_with_its_own_thread_whichever_is_shown(worker, turns):
    await talk(worker, "1", "2")
    await revise(await said("2"), "2b")
    await worker.work()
    waiting = await say("3b")
    await choose(await said("2"))
    await worker.work()

    assert turns[-1].text == waiting[0].content
    assert shown(turns[-1]) == ["1", "re: 1", "2b", "re: 2b"]


async def test_a_version_stops_the_answers_to_what_it_hides_and_no_others(worker, turns):
    first, second, third = await say("1", "2", "3")

    version = await revise(second, "2b")
    await worker.work()

    states = [(await fresh(one)).state for one in (first, second, third, version)]
    assert states == ["answered", "stopped", "stopped", "answered"]
    assert [turn.text for turn in turns] == ["1", "2b"]


async def test_a_version_that_is_sent_twice_is_stored_once(worker):
    [first] = await say("1")

    one = await revise(first, "1b", external_id="x")
    await choose(first)
    two = await revise(first, "1b", external_id="x")

    assert one.pk == two.pk
    assert await read(thread) == ["1"]


async def test_two_versions_at_once_are_both_kept(worker):
    [first] = await say("1")

    await asyncio.gather(revise(first, "1b"), revise(first, "1c"), arrive(incoming("2")))

    assert await read(Message.objects.filter(replaces=first.pk).count) == 2
    latest = max([await said("1b"), await said("1c")], key=lambda version: version.chosen)
    assert (await read(thread))[0] == latest.content


async def test_to_choose_what_is_shown_changes_nothing(worker):
    [first] = await say("1")
    version = await revise(first, "1b")

    assert await choose(version) == []

    assert (await fresh(version)).seq == version.seq


async def test_only_ones_own_words_of_here_can_be_said_anew_or_chosen(worker):
    [mine] = await say("1")
    [other] = await say("2", address="b")
    await worker.work()
    reply = (await fresh(mine)).reply

    for wrong in (other, reply):
        with pytest.raises(MessageNotFound):
            await revise(wrong, "x")
    wishes = [Steering(mine.conversation_id, wrong.uuid) for wrong in (other, reply)]
    for wish in wishes:
        with pytest.raises(MessageNotFound):
            await group_commit()(choose_versions, wish)
    with pytest.raises(MessageNotFound):
        await arrive(incoming("x", address="new", replaces=uuid.uuid4()))
    assert await read(Conversation.objects.count) == 2
    assert await read(Message.objects.filter(content="x").count) == 0


async def test_a_version_that_cannot_be_harms_no_other_message(worker):
    [first] = await say("1")

    def both() -> list[Any]:
        items = [incoming("a"), incoming("b", replaces=uuid.uuid4())]
        items += [incoming("c", replaces=first.uuid), incoming("d")]
        with transaction.atomic():
            return receive_messages(items)

    results = await read(both)

    assert isinstance(results[1], MessageNotFound)
    assert await read(thread) == ["c", "d"]


async def test_a_version_keeps_the_files_of_the_message_unless_it_has_its_own(worker):
    [first] = await say("look", attachment="https://x.example/a.png", content_type="image")

    kept = await revise(first, "")
    other = await revise(first, "", attachment="https://x.example/b.png", content_type="image")

    assert (kept.attachment, kept.content_type) == (first.attachment, "image")
    assert other.attachment == "https://x.example/b.png"
    [empty] = await say("words")
    with pytest.raises(MessageNotFound):
        await revise(empty, " ")


async def test_messages_of_two_threads_are_not_merged(worker, turns, settings):
    settings.BOTFLOW_MERGE_PAUSE = 5
    first, _second = await say("1", "2")
    await revise(first, "1b")
    await say("2b")
    await worker.work()

    assert [turn.text for turn in turns] == ["1b\n2b"]


async def test_readers_are_told_of_versions_that_no_page_shows(worker):
    first, *_ = await say("1", "2")
    version = await revise(first, "1b")
    [last] = await say("3b")

    def page(before: int, limit: int) -> dict[str, Any]:
        pk = first.conversation_id
        loaded: dict[str, Any] = json.loads(reading.history(pk, before, limit))
        return loaded

    latest = await read(lambda: page(2**63 - 1, 1))
    earlier = await read(lambda: page(last.seq, 10))

    assert [message["branch"] for message in latest["messages"]] == [str(version.uuid)]
    told = {one["id"]: one for one in latest["versions"]}
    assert told.keys() == {str(first.uuid), str(version.uuid)}
    assert told[str(version.uuid)]["replaces"] == str(first.uuid)
    assert told[str(version.uuid)]["chosen"] == version.chosen
    assert "content" not in told[str(first.uuid)]
    assert "versions" not in earlier


def test_a_conversation_without_versions_asks_nothing_more(db, turns):
    with transaction.atomic():
        message = receive(incoming("1")).message
    message = Message.objects.select_related("conversation").get(pk=message.pk)

    with CaptureQueriesContext(connection) as captured:
        load_history(message)
    assert len(captured) == 1
    with CaptureQueriesContext(connection) as captured:
        reading.history(message.conversation_id, 2**63 - 1, 10)
    assert len(captured) == 2


async def test_long_ways_back_are_one_query_and_fit_the_window(worker, settings, turns):
    settings.BOTFLOW_HISTORY_MESSAGES = 4
    [first] = await say("0")
    await worker.work()
    for number in range(1, 8):
        await revise(first, f"{number}a")
        [first] = await say(str(number))
        await worker.work()

    message = await fresh(first)

    def ask() -> tuple[int, list[str]]:
        with CaptureQueriesContext(connection) as captured:
            history = load_history(message)
        return len(captured), [one.content for one in history]

    assert await read(ask) == (2, ["6a", "re: 6a", "7a", "re: 7a"])


# -- summaries -------------------------------------------------------------------------------------


async def test_a_summary_of_what_is_no_longer_shown_is_forgotten(worker, turns, calls):
    await talk(worker, *(str(number) for number in range(1, 9)))
    assert (await stored())["text"]

    await revise(await said("2"), "2b")

    assert await stored() is None
    await talk(worker, "3b")
    assert shown(turns[-1]) == ["1", "re: 1", "2b", "re: 2b"]


async def test_a_summary_of_what_is_before_a_version_is_kept(worker, turns, calls):
    await talk(worker, *(str(number) for number in range(1, 9)))
    text = (await stored())["text"]

    await revise(await said("8"), "8b")
    await worker.work()

    assert shown(turns[-1])[0] == BEGINS + text


async def test_a_summary_is_of_the_shown_thread_alone(worker, turns, calls):
    await talk(worker, "1", "2")
    await revise(await said("2"), "2b")
    await talk(worker, *(f"{number}b" for number in range(3, 9)))

    assert (await stored())["text"].split()[:2] == ["1", "2b"]


async def test_a_summary_that_was_begun_before_a_version_is_dropped(
    worker: MiniWorker, turns: Any, use_summarizer: Callable[[Any], None]
) -> None:
    async def sum_up(previous: str, messages: list[Any]) -> str:
        await revise(await said("1"), "1b")
        return "outdated"

    use_summarizer(sum_up)
    await talk(worker, *(str(number) for number in range(1, 5)))

    assert await stored() is None


@pytest.mark.django_db(transaction=True)
def test_a_message_that_an_edit_overtakes_belongs_to_the_edit(monkeypatch):
    """It had found its conversation before another process had that go on behind the edit."""
    first = receive(incoming("1"))
    found, edits = receiving._open_conversations, []

    def overtaken(items: Any) -> Any:
        places = found(items)
        if items[0].content == "next":
            edits.extend(receive_messages([incoming("1b", replaces=first.message.uuid)]))
        return places

    monkeypatch.setattr(receiving, "_open_conversations", overtaken)
    later = receive(incoming("next"))

    assert later.message.branch_id == edits[0].message.pk
    later.message.refresh_from_db()
    assert later.message.branch_id == edits[0].message.pk
