"""Sending: what the assistant says unasked is said once, wherever and however often it is tried."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import pytest
from django.utils import timezone

from conversations.agents import Turn
from conversations.erasing import erase
from conversations.models import Conversation, Message
from scheduling.actions import ActionError, submit
from scheduling.attempts import LostLease
from scheduling.models import Run
from scheduling.states import RunState
from tests.conversations.working import read, receive, say

SEND, MANY = "conversations.send_text", "conversations.send_to_many"


async def put(action: str, **args: Any) -> Run:
    return await read(lambda: submit(action, args))


async def texts() -> list[str]:
    said = Message.objects.filter(role="assistant", reply_to=None).order_by("pk")
    return await read(lambda: list(said.values_list("content", flat=True)))


async def place(**more: Any) -> Conversation:
    """Return a conversation in which a user has said something."""
    [message] = await say("hi", **more)
    return message.conversation


async def after_a_kill(run: Run) -> None:
    """Have a run that was begun wait again, as a rescue does."""
    await read(
        lambda: Run.objects.filter(pk=run.pk).update(
            state=RunState.PENDING, max_attempts=9, lease_expires_at=None
        )
    )


# -- one text --------------------------------------------------------------------------------------


async def test_a_text_is_said_without_an_agent(worker, web, use_agent):
    use_agent(None)
    conversation = await place()
    await read(Run.objects.all().delete)
    run = await put(SEND, conversation=str(conversation.uuid), text="Drink!")

    await worker.work()

    message = await read(lambda: Message.objects.get(role="assistant"))
    assert (message.content, message.state, message.reply_to_id) == ("Drink!", "done", None)
    assert message.seq == 2
    run = await read(lambda: Run.objects.get(pk=run.pk))
    assert run.result == {"messages": [str(message.uuid)]}
    [shown] = web.of_type("message")
    assert (shown["id"], shown["seq"], shown["reply_to"]) == (str(message.uuid), 2, None)


@pytest.mark.parametrize("name", [lambda c: c.pk, lambda c: str(c.pk), lambda c: c.uuid.hex])
async def test_a_conversation_is_named_by_either_id(worker, name):
    conversation = await place()

    await put(SEND, conversation=name(conversation), text="Drink!")
    await worker.work()

    assert await texts() == ["Drink!"]


@pytest.mark.parametrize(
    "name", [str(uuid.UUID(int=1)), 4711, "4711", "9" * 5000, "x", "", True, None, {}, -1, 10**30]
)
@pytest.mark.parametrize("action", [SEND, "conversations.ask"])
async def test_an_unknown_conversation_fails_for_good(worker, action, name):
    say_what = "prompt" if action == "conversations.ask" else "text"
    run = await put(action, conversation=name, **{say_what: "x"})
    await read(lambda: Run.objects.update(max_attempts=5))

    await worker.work()

    run = await read(lambda: Run.objects.get(pk=run.pk))
    assert (run.state, run.attempt) == (RunState.FAILED, 1)
    assert run.error == "There is no such conversation, or it was erased."


async def test_a_channel_that_was_taken_away_fails_for_good(worker, settings):
    conversation = await place()
    await worker.work()
    run = await put(SEND, conversation=conversation.pk, text="x")
    many = await put(MANY, channel="gone", days=1, text="x")
    settings.BOTFLOW_CHANNELS = {"post": settings.BOTFLOW_CHANNELS["post"]}

    await worker.work()

    errors = [await read(lambda r=r: Run.objects.get(pk=r.pk).error) for r in (run, many)]
    assert errors == ["The site has no channel “web”.", "The site has no channel “gone”."]


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", "The text is empty."),
        (" \n", "The text is empty."),
        ("\x85", "The text is empty."),
        (5, "The text is empty."),
        ("x" * 11, "The text may have 10 characters; this one has 11."),
    ],
)
@pytest.mark.parametrize("action", [SEND, MANY, "conversations.ask"])
async def test_what_cannot_be_said_is_refused_with_the_reason(
    worker, settings, action, text, error
):
    settings.BOTFLOW_MAX_MESSAGE_LENGTH = 10
    conversation = await place()
    await worker.work()
    args = {
        SEND: {"conversation": conversation.pk, "text": text},
        MANY: {"channel": "web", "days": 1, "text": text},
    }
    asking = {"conversation": conversation.pk, "prompt": text}
    run = await put(action, **args.get(action, asking))
    await read(lambda: Run.objects.filter(pk=run.pk).update(max_attempts=5))

    await worker.work()

    run = await read(lambda: Run.objects.get(pk=run.pk))
    assert (run.state, run.error, run.attempt) == (RunState.FAILED, error, 1)
    assert await texts() == []


async def test_a_conversation_that_is_erased_in_that_moment_fails_for_good(worker):
    conversation = await place()
    await worker.work()
    run = await put(SEND, conversation=conversation.pk, text="Drink!")
    await read(lambda: Run.objects.filter(pk=run.pk).update(max_attempts=5))
    started = await worker.start()
    ending = await worker.perform(started)
    await read(lambda: erase([conversation], now=timezone.now()))

    with pytest.raises(ActionError, match="There is no such conversation") as raised:
        await worker.end(started, ending)

    assert raised.value.permanent


async def test_one_erased_conversation_does_not_keep_others_from_being_told(worker, web):
    """Their ends are written in one transaction."""
    places = [await place(address=address) for address in "abc"]
    await worker.work()
    for one in places:
        await put(SEND, conversation=one.pk, text=f"to {one.address}")
    started = [await worker.start() for _ in places]
    endings = [await worker.perform(run) for run in started]
    await read(places[1].delete)

    ended = zip(started, endings, strict=True)
    outcomes = await asyncio.gather(
        *(worker.end(run, ending) for run, ending in ended), return_exceptions=True
    )

    assert [outcome is None for outcome in outcomes] == [True, False, True]
    assert sorted(await texts()) == ["to a", "to c"]


async def test_a_run_that_was_lost_before_its_end_is_said_once(worker, web):
    conversation = await place()
    await worker.work()
    run = await put(SEND, conversation=conversation.pk, text="Drink!")
    lost = await worker.start()
    late = await worker.perform(lost)
    await after_a_kill(run)

    await worker.work()
    with pytest.raises(LostLease):
        await worker.end(lost, late)

    assert await texts() == ["Drink!"]


async def test_what_cannot_be_shown_is_said_all_the_same(worker, web, monkeypatch):
    async def fail(*args: Any) -> None:
        raise OSError("away")

    conversation = await place()
    await worker.work()
    monkeypatch.setattr(web, "show", fail)
    await put(SEND, conversation=conversation.pk, text="Drink!")
    await put(MANY, channel="web", days=1, text="Eat!")

    endings = await worker.work()

    assert {ending.state for ending in endings} == {RunState.SUCCEEDED}
    assert await texts() == ["Drink!", "Eat!"]


async def test_where_rows_are_not_read_it_is_delivered(worker, post):
    conversation = await place(channel="post")
    await worker.work()
    await put(SEND, conversation=conversation.pk, text="Drink!")

    await worker.work()

    assert post.delivered == ["hi", "Drink!"]
    message = await read(lambda: Message.objects.get(content="Drink!"))
    assert message.delivery_state == "sent"


async def test_many_texts_at_once_and_answers_number_their_changes_without_a_gap(worker, web):
    conversation = await place()
    await say("2", "3")
    for number in range(3):
        await put(SEND, conversation=conversation.pk, text=f"text {number}")
    started = []
    while run := await worker.start():
        started.append(run)
    endings = [await worker.perform(run) for run in started]

    ended = zip(started, endings, strict=True)
    await asyncio.gather(*(worker.end(run, ending) for run, ending in ended))
    await worker.work()

    seqs = await read(lambda: list(Message.objects.order_by("seq").values_list("seq", flat=True)))
    last = await read(lambda: Conversation.objects.get().seq)
    assert len(set(seqs)) == len(seqs) == 9
    # Three messages, three texts, and two changes for each of three answers.
    assert (seqs[-1], last) == (12, 12)


async def test_later_turns_see_what_was_said_unasked(worker, use_agent):
    turns: list[Turn] = []
    use_agent(lambda turn: turns.append(turn) or "ok")
    conversation = await place()
    await worker.work()
    await put(SEND, conversation=conversation.pk, text="Drink!")
    await worker.work()

    await say("I did")
    await worker.work()

    assert [(m.role, m.content) for m in turns[1].history] == [
        ("user", "hi"),
        ("assistant", "ok"),
        ("assistant", "Drink!"),
    ]


# -- keys ------------------------------------------------------------------------------------------


@pytest.mark.django_db
def test_what_is_asked_waits_for_the_answers_of_its_conversation():
    [message] = receive("hi")
    conversation = message.conversation
    names = (str(conversation.uuid), conversation.pk)

    runs = [submit("conversations.ask", {"conversation": name, "prompt": "?"}) for name in names]

    assert [run.key for run in runs] == [conversation.key] * 2
    assert submit("conversations.ask", {"conversation": "x", "prompt": "?"}).key == ""


@pytest.mark.django_db
def test_a_text_waits_for_no_answer():
    [message] = receive("hi")

    run = submit(SEND, {"conversation": str(message.conversation.uuid), "text": "Drink!"})

    assert run.key == ""
