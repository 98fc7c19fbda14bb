"""Sending to many: each conversation is told once, in batches that can be stopped and resumed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import Count
from django.utils import timezone

from conversations import sending
from conversations.models import Conversation, Message
from scheduling.actions import submit
from scheduling.ending import retry
from scheduling.models import Run
from scheduling.states import RunState
from tests.conversations.working import MiniWorker, read, receive

MANY = "conversations.send_to_many"


async def put(action: str, **args: Any) -> Run:
    return await read(lambda: submit(action, args))


async def texts() -> list[str]:
    said = Message.objects.filter(role="assistant", reply_to=None).order_by("pk")
    return await read(lambda: list(said.values_list("content", flat=True)))


async def after_a_kill(run: Run) -> None:
    """Have a run that was begun wait again, as a rescue does."""
    await read(
        lambda: Run.objects.filter(pk=run.pk).update(
            state=RunState.PENDING, max_attempts=9, lease_expires_at=None
        )
    )


def users_of(*addresses: str, **more: Any) -> None:
    for address in addresses:
        receive("hi", address=address, **more)
    Run.objects.all().delete()


async def test_each_conversation_of_the_channel_is_told_once(worker, web, monkeypatch):
    monkeypatch.setattr(sending, "BATCH", 2)
    await read(lambda: users_of(*"abcde"))
    await read(lambda: users_of("f", channel="post"))
    run = await put(MANY, channel="web", days=1, text="*News*")

    await worker.work()

    run = await read(lambda: Run.objects.get(pk=run.pk))
    assert run.result == {"sent": 5}
    assert await texts() == ["*News*"] * 5
    shown = web.of_type("message")
    rows = await read(lambda: list(Message.objects.filter(role="assistant")))
    assert {(f["id"], f["seq"]) for f in shown} == {(str(m.uuid), m.seq) for m in rows}
    assert {frame["html"] for frame in shown} == {"<p><em>News</em></p>\n"}


async def test_only_where_a_user_said_something_lately(worker, web):
    def old(address: str, *, days: float) -> None:
        [message] = receive("hi", address=address)
        moment = timezone.now() - timedelta(days=days)
        Message.objects.filter(pk=message.pk).update(created_at=moment)

    def prepare() -> None:
        old("long ago", days=3.1)
        old("lately", days=2.9)
        # The assistant's own words are no activity.
        late = Conversation.objects.get(address="long ago")
        Message.objects.create(conversation=late, role="assistant", state="done", seq=9)
        Run.objects.all().delete()

    await read(prepare)
    await put(MANY, channel="web", days=3, text="News")

    await worker.work()

    told = await read(lambda: Message.objects.get(content="News").conversation.address)
    assert told == "lately"


async def test_nobody_to_tell_is_no_failure(worker, web):
    run = await put(MANY, channel="web", days=1, text="News")

    await worker.work()

    assert (await read(lambda: Run.objects.get(pk=run.pk))).result == {"sent": 0}


@pytest.mark.parametrize("days", [0, 3651, -1, "7", 1.5, True, None])
async def test_days_out_of_range_are_refused(worker, days):
    run = await put(MANY, channel="web", days=days, text="News")

    await worker.work()

    run = await read(lambda: Run.objects.get(pk=run.pk))
    assert run.error == "The days must be a whole number from 1 to 3650."


async def told_twice() -> list[int]:
    """Return how often each was told that was told more than once."""
    told = Message.objects.filter(content="News").values("conversation").annotate(n=Count("pk"))
    return await read(lambda: [row["n"] for row in told if row["n"] > 1])


async def stop_after_the_first_batch(
    worker: MiniWorker, reason: str, monkeypatch: pytest.MonkeyPatch
) -> Run:
    """Interrupt a run to six conversations, two in a batch, once two of them are told."""
    monkeypatch.setattr(sending, "BATCH", 2)
    is_held = asyncio.Event()
    show = sending._show_copies

    async def hold(*args: Any) -> None:
        await show(*args)
        is_held.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(sending, "_show_copies", hold)
    await read(lambda: users_of(*"abcdef"))
    await put(MANY, channel="web", days=1, text="News")
    run = await worker.start()
    task = asyncio.create_task(worker.perform(run))
    await is_held.wait()
    await worker.interrupt(task, run, reason)
    monkeypatch.setattr(sending, "_show_copies", show)
    if reason == "cancelled":
        await worker.end(run, task.result())
    else:
        task.exception()
    return run


async def test_a_run_that_died_half_way_tells_the_others_only(worker, web, monkeypatch):
    run = await stop_after_the_first_batch(worker, "lost", monkeypatch)
    assert len(await texts()) == 2
    await after_a_kill(run)
    # Those told already are told nothing again, even if they were active since.
    await read(lambda: receive("thanks", address="a"))

    await worker.work()

    run = await read(lambda: Run.objects.get(pk=run.pk))
    assert (run.result, run.attempt) == ({"sent": 6}, 2)
    assert await told_twice() == []
    news = await read(lambda: Message.objects.filter(content="News").count())
    seqs = await read(lambda: list(Conversation.objects.order_by("pk").values_list("seq")))
    assert (news, seqs[1:]) == (6, [(2,)] * 5)


async def test_a_cancelled_run_stops_after_a_batch(worker, web, monkeypatch):
    run = await stop_after_the_first_batch(worker, "cancelled", monkeypatch)

    run = await read(lambda: Run.objects.get(pk=run.pk))
    assert run.state == RunState.CANCELLED
    assert len(await texts()) == 2


async def test_a_run_tried_again_by_hand_tells_the_others(worker, web, monkeypatch):
    run = await stop_after_the_first_batch(worker, "cancelled", monkeypatch)
    run = await read(lambda: Run.objects.get(pk=run.pk))

    await read(lambda: retry(run, now=timezone.now()))
    await worker.work()

    assert await texts() == ["News"] * 6
    assert await told_twice() == []


async def test_a_worker_that_lost_the_run_tells_nobody(worker, web):
    await read(lambda: users_of(*"ab"))
    run = await put(MANY, channel="web", days=1, text="News")
    lost = await worker.start()
    await after_a_kill(run)

    ending = await worker.perform(lost)

    assert (ending.result, await texts()) == (None, [])


async def test_every_delivery_is_queued_with_its_text(worker, post):
    await read(lambda: users_of(*"abc", channel="post"))
    await put(MANY, channel="post", days=1, text="News")

    await worker.work()

    assert post.delivered == ["News"] * 3


async def test_one_that_is_erased_meanwhile_is_left_out(worker, web, monkeypatch):
    def page(*args: Any) -> Any:
        found = next_page(*args)
        Conversation.objects.filter(address="b").delete()
        return found

    next_page = sending._next_page
    monkeypatch.setattr(sending, "_next_page", page)
    await read(lambda: users_of(*"abc"))
    run = await put(MANY, channel="web", days=1, text="News")

    await worker.work()

    assert (await read(lambda: Run.objects.get(pk=run.pk))).result == {"sent": 2}
