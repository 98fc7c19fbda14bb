"""Delivering: each reply is handed to its channel, again while that makes sense."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from typing import Any

from conversations.agents import AgentError, Turn
from conversations.channels import DeliveryError
from conversations.delivering import DELIVER, deliver_again
from conversations.models import Message
from scheduling.ending import cancel
from scheduling.models import Run
from scheduling.states import RunState
from tests.conversations.working import MiniWorker, fresh, read, reply_to, say


def busy(**more: timedelta) -> DeliveryError:
    return DeliveryError("The provider is busy.", permanent=False, **more)


async def deliveries() -> list[Run]:
    return await read(lambda: list(Run.objects.filter(action=DELIVER).order_by("pk")))


async def test_a_reply_is_delivered_once_and_recorded(worker, post):
    [message] = await say("hi", channel="post")

    await worker.work()

    reply = await reply_to(message)
    assert post.delivered == ["hi"]
    assert (reply.delivery_state, reply.provider_id) == ("sent", "posted-1")
    [run] = await deliveries()
    assert run.state == RunState.SUCCEEDED


async def test_a_reply_waits_for_its_delivery(worker, post):
    [message] = await say("hi", channel="post")

    await worker.carry(await worker.start())

    message = await fresh(message)
    assert (message.state, message.reply.state) == ("answered", "done")
    assert message.reply.delivery_state == "waiting"
    assert post.delivered == []


async def test_a_channel_whose_readers_read_rows_needs_no_delivery(worker, web):
    [message] = await say("hi")

    await worker.work()

    assert await deliveries() == []
    assert (await reply_to(message)).delivery_state == "sent"


async def test_a_delivery_that_ran_already_is_not_made_again(worker, post):
    [message] = await say("hi", channel="post")
    await worker.work()
    reply = await reply_to(message)

    def deliver_again() -> None:
        now = reply.created_at
        Run.objects.create(action=DELIVER, args={"message": reply.pk}, fire_at=now)

    await read(deliver_again)
    await worker.work()

    assert post.delivered == ["hi"]


async def test_a_temporary_failure_is_tried_again(worker, post):
    post.failures = [busy()]
    [message] = await say("hi", channel="post")

    endings = await worker.work()

    assert [e.state for e in endings] == [
        RunState.SUCCEEDED,
        RunState.PENDING,
        RunState.SUCCEEDED,
    ]
    reply = await reply_to(message)
    assert (reply.delivery_state, reply.delivery_error) == ("sent", "")


async def test_a_provider_says_when_to_try_again(worker, post):
    post.failures = [busy(retry_after=timedelta(minutes=7))]
    await say("hi", channel="post")

    _, first, _ = await worker.work()

    assert first.retry_at - first.at == timedelta(minutes=7)


async def test_a_permanent_failure_is_recorded_on_the_message(worker, post):
    post.failures = [DeliveryError("They do not want to hear from us.", permanent=True)]
    [message] = await say("hi", channel="post")

    await worker.work()

    message = await fresh(message)
    assert message.reply.delivery_state == "failed"
    assert message.reply.delivery_error == "They do not want to hear from us."
    assert post.delivered == []
    [run] = await deliveries()
    assert (run.state, run.attempt) == (RunState.FAILED, 1)


async def test_a_failed_delivery_changes_nothing_of_the_answer(worker, post):
    post.failures = [DeliveryError("No.", permanent=True)]
    [message] = await say("hi", channel="post")

    await worker.work()

    message = await fresh(message)
    assert (message.state, message.reply.state, message.reply.content) == ("answered", "done", "hi")


async def test_after_the_channels_attempts_a_delivery_has_failed(worker, post):
    post.failures = [busy()] * 10
    [message] = await say("hi", channel="post")

    await worker.work()

    [run] = await deliveries()
    assert (run.state, run.attempt) == (RunState.FAILED, post.max_attempts)
    reply = await reply_to(message)
    assert (reply.delivery_state, reply.delivery_error) == ("failed", "The provider is busy.")


async def test_between_two_attempts_the_reply_goes_on_waiting(worker, post):
    post.failures = [busy()]
    [message] = await say("hi", channel="post")
    await worker.carry(await worker.start())

    await worker.carry(await worker.start())

    [run] = await deliveries()
    assert (run.state, run.error) == (RunState.PENDING, "The provider is busy.")
    assert (await reply_to(message)).delivery_state == "waiting"


async def test_a_failure_nobody_expected_is_tried_again_too(worker, post):
    post.failures = [RuntimeError("bug")]
    [message] = await say("hi", channel="post")

    await worker.work()

    assert (await reply_to(message)).delivery_state == "sent"


async def test_a_cancelled_delivery_is_recorded(worker, post):
    [message] = await say("hi", channel="post")
    ending = await worker.carry(await worker.start())
    [run] = await deliveries()

    await read(lambda: cancel(run, now=ending.at))

    reply = await reply_to(message)
    assert reply.delivery_state == "failed"
    assert reply.delivery_error


async def test_replies_of_one_conversation_are_delivered_in_their_order(worker, post):
    await say("1", "2", "3", channel="post")
    for _ in range(3):
        await worker.carry(await worker.start())
    post.failures = [busy()]

    await worker.work()

    assert post.delivered == ["1", "2", "3"]


async def test_the_delivery_of_a_deleted_reply_does_nothing(worker, post):
    await say("hi", channel="post")
    await worker.carry(await worker.start())
    await read(Message.objects.all().delete)

    [ending] = await worker.work()

    assert ending.state == RunState.SUCCEEDED
    assert post.delivered == []


async def fail_with(error: Exception, worker: MiniWorker, use_agent: Callable[[Any], None]) -> Any:
    async def agent(turn: Turn) -> AsyncIterator[str]:
        yield "half"
        raise error

    use_agent(agent)
    [message] = await say("hi", channel="post", locale="zh-hans")
    await worker.work()
    return await fresh(message)


async def test_half_a_reply_is_not_delivered_but_why_there_is_none(worker, post, use_agent):
    message = await fail_with(AgentError("Not today."), worker, use_agent)

    assert (message.reply.content, message.reply.delivery_state) == ("half", "")
    assert post.delivered == ["Not today."]


async def test_a_failure_nobody_expected_is_told_in_the_readers_language(worker, post, use_agent):
    message = await fail_with(RuntimeError("secret"), worker, use_agent)

    assert post.delivered == [message.detail]
    assert not message.detail.isascii()


async def test_why_there_is_no_reply_is_no_part_of_the_history(worker, post, use_agent):
    message = await fail_with(AgentError("Not today."), worker, use_agent)
    seen: list[Turn] = []
    use_agent(lambda turn: seen.append(turn) or "ok")

    await say("again", channel="post")
    await worker.work()

    assert [earlier.content for earlier in seen[0].history] == []
    assert post.delivered == ["Not today.", "ok"]
    notice = await read(lambda: Message.objects.get(content="Not today."))
    assert (notice.delivery_state, notice.reply_to_id) == ("sent", None)
    assert notice.pk != message.reply.pk


async def test_where_readers_see_the_state_a_failure_is_no_message(worker, web, use_agent):
    async def agent(turn: Turn) -> str:
        raise AgentError("Not today.")

    use_agent(agent)
    await say("hi")

    await worker.work()

    assert await read(Message.objects.count) == 1


async def test_a_stopped_message_is_told_nothing(worker, post):
    [message] = await say("hi", channel="post")
    [run] = await read(lambda: list(Run.objects.all()))

    await read(lambda: cancel(run, now=message.created_at))
    await worker.work()

    assert post.delivered == []


async def test_what_failed_is_delivered_again_when_an_operator_says_so(worker, post):
    post.failures = [DeliveryError("Refused.", permanent=True)]
    [message] = await say("hi", channel="post")
    await worker.work()
    reply = await reply_to(message)
    assert (reply.delivery_state, reply.delivery_error) == ("failed", "Refused.")

    again = await read(lambda: deliver_again([reply.pk]))
    assert [one.pk for one in again] == [reply.pk]
    assert await read(lambda: deliver_again([reply.pk])) == [], "It waits already."
    await worker.work()

    assert post.delivered == ["hi"]
    assert (await reply_to(message)).delivery_state == "sent"


async def test_what_was_sent_is_not_delivered_again(worker, post):
    [message] = await say("hi", channel="post")
    await worker.work()
    reply = await reply_to(message)
    assert await read(lambda: deliver_again([reply.pk])) == []
