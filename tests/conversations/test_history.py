"""What an agent is shown of earlier messages: which of them, and in what order."""

from __future__ import annotations

from django.utils import timezone

from conversations.agents import Turn
from conversations.models import Conversation, Message
from tests.conversations.working import MiniWorker, read, say


def shown(turn: Turn) -> list[tuple[str, str]]:
    return [(message.role, message.content) for message in turn.history]


def pairs(*texts: str) -> list[tuple[str, str]]:
    return [line for text in texts for line in (("user", text), ("assistant", f"re: {text}"))]


async def say_all(worker: MiniWorker, *texts: str) -> None:
    for text in texts:
        await say(text)
        await worker.work()


async def test_the_first_turn_has_no_history(worker, turns):
    await say_all(worker, "1")

    assert turns[0].history == []


async def test_earlier_messages_come_with_their_replies_the_oldest_first(worker, turns):
    await say_all(worker, "1", "2", "3")

    assert shown(turns[2]) == pairs("1", "2")


async def test_quick_messages_are_shown_each_with_its_reply(worker, turns):
    await say("1", "2", "3")
    await worker.work()
    await say_all(worker, "4")

    assert [shown(turn) for turn in turns] == [
        [],
        pairs("1"),
        pairs("1", "2"),
        pairs("1", "2", "3"),
    ]


async def test_what_is_said_later_is_not_known_yet(worker, turns):
    await say("1", "2")
    await worker.work()

    assert ("user", "2") not in shown(turns[0])


async def test_the_window_holds_the_latest_messages(worker, turns, settings):
    settings.BOTFLOW_HISTORY_MESSAGES = 4
    await say_all(worker, "1", "2", "3", "4")

    assert shown(turns[3]) == pairs("2", "3")


async def test_a_window_of_none_is_empty(worker, turns, settings):
    settings.BOTFLOW_HISTORY_MESSAGES = 0
    await say_all(worker, "1", "2")

    assert turns[1].history == []


async def test_a_failed_turn_is_left_out(worker, turns):
    await say_all(worker, "1", "fail", "3")

    assert shown(turns[2]) == pairs("1")


async def test_a_stopped_turn_is_shown_as_far_as_it_went(worker, turns):
    await say_all(worker, "1")
    await read(lambda: Message.objects.update(state=Message.State.STOPPED))
    await say_all(worker, "2")

    assert shown(turns[1]) == pairs("1")


async def test_another_conversation_is_not_shown(worker, turns):
    await say("other", address="b")
    await worker.work()
    await say_all(worker, "1")

    assert turns[1].history == []


async def test_attachments_are_shown_also_without_words(worker, turns):
    await say("", attachment="a.png")
    await worker.work()
    await say_all(worker, "what was it?")

    first = turns[1].history[0]
    assert (first.role, first.content, first.attachments) == ("user", "", ("a.png",))


async def test_what_the_assistant_said_of_itself_stands_where_it_was_said(worker, turns):
    await say_all(worker, "1")

    def remind() -> None:
        conversation = Conversation.objects.get()
        Conversation.objects.filter(pk=conversation.pk).update(seq=conversation.seq + 1)
        Message.objects.create(
            conversation=conversation,
            role="assistant",
            state="done",
            content="Drink!",
            seq=conversation.seq + 1,
            created_at=timezone.now(),
        )

    await read(remind)
    await say_all(worker, "2", "3")

    assert shown(turns[2]) == [*pairs("1"), ("assistant", "Drink!"), *pairs("2")]
