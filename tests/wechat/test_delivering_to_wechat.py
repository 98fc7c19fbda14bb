"""Delivering: a message goes out in parts, each once, as far as the follower's window allows."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from django.db import transaction
from django.utils import timezone, translation

from conversations.channels import get_channel
from conversations.delivering import DELIVER
from conversations.models import Message
from conversations.receiving import Incoming, receive_messages
from scheduling.group_commit import group_commit
from scheduling.models import Run
from scheduling.states import RunState
from tests.conversations.working import read
from tests.wechat.fake_api import Answer
from tests.wechat.fake_api import api as api
from tests.wechat.service import OPENID, SEND, Service, make_follower
from tests.wechat.service import service as service
from wechat import claiming
from wechat.claiming import Claim, Step
from wechat.models import Follower, Inbound, Progress
from wechat.splitting import split_text
from wechat.texts import more_hint

LINE = "一二三四五六七八九十" * 6 + "。"  # 183 bytes


def lines(number: int) -> str:
    return "\n\n".join(f"{place}. {LINE}" for place in range(1, number + 1))


async def test_a_message_goes_out_as_text(service: Service):
    await service.follow()

    message = await service.deliver("**Drink** a glass of 水")

    assert service.sent == ["Drink a glass of 水"]
    (call,) = service.api.of(SEND)
    assert call.json["touser"] == OPENID
    assert (message.delivery_state, message.delivery_error) == ("sent", "")
    assert (await service.follower()).message_left == 4


async def test_an_account_that_was_not_asked_before_may_send_from_then_on(service: Service):
    await service.follow()

    await service.deliver("hi")

    assert (await service.account()).can_send is True


async def test_a_long_message_goes_out_in_parts(service: Service):
    await service.follow()

    message = await service.deliver(lines(20))

    assert len(service.sent) == 2
    assert all(len(part.encode()) <= 2000 for part in service.sent)
    assert "\n\n".join(service.sent) == lines(20)
    assert message.delivery_state == "sent"
    assert (await service.follower()).message_left == 3


async def test_what_exceeds_the_parts_is_kept_and_the_last_says_so(service: Service, settings):
    settings.WECHAT_MAX_PARTS = 2
    await service.follow()

    message = await service.deliver(lines(40))

    assert len(service.sent) == 2
    assert service.sent[1].endswith(f"\n\n{more_hint()}")
    assert more_hint() not in service.sent[0]
    assert all(len(part.encode()) <= 2000 for part in service.sent)
    assert message.delivery_state == "held"
    said = service.sent[0] + "\n\n" + service.sent[1].removesuffix(f"\n\n{more_hint()}")
    assert said == lines(40)[: len(said)]
    assert lines(40)[await service.position(message) :].lstrip().startswith("21. ")
    assert said.endswith("。")


async def test_the_hint_is_in_the_followers_language(service: Service, settings):
    settings.WECHAT_MAX_PARTS = 1
    follower = await service.follow()
    follower.conversation.settings = {"locale": "zh-hans"}
    await read(follower.conversation.save)

    await service.deliver(lines(20))

    with translation.override("zh-hans"):
        hint = more_hint()
    assert service.sent[0].endswith(hint)


async def test_no_more_parts_are_begun_than_the_window_has_left(service: Service):
    await service.follow(message_left=1)

    message = await service.deliver(lines(20))

    assert len(service.sent) == 1
    assert service.sent[0].endswith(more_hint())
    assert message.delivery_state == "held"


async def test_a_blank_message_sends_nothing(service: Service):
    await service.follow()

    message = await service.deliver(" \n ")

    assert service.sent == []
    assert message.delivery_state == "sent"


# -- the ladder ------------------------------------------------------------------------------------


async def test_an_account_that_may_only_reply_keeps_the_message(service: Service, settings):
    settings.WECHAT_REPLY = "passive"
    await service.follow()

    message = await service.deliver("hi")

    assert service.api.calls == []
    assert message.delivery_state == "held"
    assert (await service.run()).state == RunState.SUCCEEDED


async def test_outside_the_window_the_message_is_kept(service: Service):
    await service.follow(message_until=timezone.now() - timedelta(seconds=1))

    message = await service.deliver("hi")

    assert service.api.calls == []
    assert message.delivery_state == "held"
    assert "48" in message.delivery_error


async def test_with_the_windows_messages_used_up_it_is_kept(service: Service):
    await service.follow(message_left=0)

    message = await service.deliver("hi")

    assert service.api.calls == []
    assert message.delivery_state == "held"
    assert "48" not in message.delivery_error


async def test_a_tap_a_moment_ago_is_enough(service: Service):
    soon = timezone.now() + timedelta(seconds=50)
    await service.follow(message_until=None, action_until=soon, action_left=3)

    message = await service.deliver("hi")

    assert message.delivery_state == "sent"
    assert (await service.follower()).action_left == 2


async def test_who_left_gets_nothing(service: Service):
    await service.follow(is_subscribed=False)

    message = await service.deliver("hi")

    assert service.api.calls == []
    assert message.delivery_state == "failed"
    assert (await service.run()).attempt == 1


async def test_who_cannot_be_written_to_gets_nothing(service: Service):
    await service.follow(refusal="WeChat answered 43019")

    message = await service.deliver("hi")

    assert service.api.calls == []
    assert (message.delivery_state, message.delivery_error) == ("failed", "WeChat answered 43019")


async def test_who_never_wrote_is_not_written_to(service: Service):
    follower = await service.follow()
    await read(follower.delete)

    message = await service.deliver("hi")

    assert service.api.calls == []
    assert message.delivery_state == "held"


# -- the reply to a request ------------------------------------------------------------------------


def answered(**inbound: datetime) -> tuple[Message, Run]:
    """Store a question with its answer; return the answer and the run that delivers it."""
    make_follower()
    incoming = Incoming(channel="wechat", address=OPENID, content="?", reply="an answer")
    with transaction.atomic():
        (received,) = receive_messages([incoming])
    if inbound:
        Inbound.objects.create(message=received.message, **inbound)
    return Message.objects.get(reply_to=received.message), Run.objects.get(action=DELIVER)


@pytest.mark.django_db
def test_a_reply_is_left_to_the_request_that_is_just_being_noted(wechat_on):
    wechat_on.WECHAT_REPLY_DEADLINE = 4.3

    reply, run = answered()

    assert reply.reply_to is not None
    assert run.fire_at == reply.reply_to.created_at + timedelta(seconds=4.3)


@pytest.mark.django_db
def test_a_reply_is_left_to_the_request_that_came_last(wechat_on):
    until = timezone.now() + timedelta(seconds=9)

    reply, _run = answered(held_until=until)

    assert get_channel("wechat").deliver_after([reply]) == {reply.pk: until}


@pytest.mark.django_db
def test_a_reply_whose_request_is_over_goes_out_at_once(wechat_on):
    reply, _run = answered(held_until=timezone.now() - timedelta(seconds=1))

    assert get_channel("wechat").deliver_after([reply]) == {}


async def test_what_answers_nothing_goes_out_at_once(service: Service):
    await service.follow()

    message = await service.say("hi")

    assert await read(lambda: get_channel("wechat").deliver_after([message])) == {}
    assert (await service.run()).fire_at <= timezone.now()


# -- nothing twice ---------------------------------------------------------------------------------


async def test_a_part_whose_worker_was_killed_is_not_sent_again(service: Service):
    await service.follow()
    message = await service.say(lines(20))
    first = await killed_after_part_1(service, message)

    await service.deliver_once()

    message = await service.fresh(message)
    assert message.delivery_state == "unknown"
    assert "killed" in message.delivery_error
    assert len(service.sent) == 1
    assert f"{first}\n\n{service.sent[0]}" == lines(20)
    assert (await service.run()).state == RunState.SUCCEEDED


async def killed_after_part_1(service: Service, message: Message) -> str:
    """Leave a message as a worker does that is killed while it sends the first of two parts."""
    first = split_text(lines(20), 2000)[0]
    step = Step(message.pk, OPENID, "waiting", 0, len(first), timezone.now())
    begun = await group_commit()(claiming.begin, step)
    assert begun.claim is Claim.MINE
    return first.rstrip()


async def test_after_the_last_part_nothing_is_left_to_send(service: Service):
    await service.follow()
    message = await service.say("hi")
    await service.change(message, delivery_state="sending")
    await read(lambda: Progress.objects.create(message=message, position=2))

    await service.deliver_once()

    assert service.api.calls == []
    assert (await service.fresh(message)).delivery_state == "unknown"


async def test_the_rest_is_kept_when_it_cannot_be_sent_any_more(service: Service):
    await service.follow()
    message = await service.say(lines(20))
    first = await killed_after_part_1(service, message)
    await read(lambda: Follower.objects.update(message_left=0))

    await service.deliver_once()

    message = await service.fresh(message)
    assert service.sent == []
    assert message.delivery_state == "held"
    assert "killed" in message.delivery_error
    assert await service.position(message) >= len(first)


async def test_a_cancelled_delivery_is_not_made_again(service: Service):
    service.api.script(SEND, Answer(delay=30))
    await service.follow()
    message = await service.say("hi")
    task = asyncio.create_task(get_channel("wechat").deliver(await loaded(message)))
    async with asyncio.timeout(10):
        while not service.api.count(SEND):
            await asyncio.sleep(0.01)

    task.cancel()
    await asyncio.wait([task])
    service.api.script(SEND, 0)
    await service.deliver_once()

    assert service.api.count(SEND) == 1
    assert (await service.fresh(message)).delivery_state == "unknown"


async def test_a_reply_that_was_handed_over_meanwhile_is_not_sent(service: Service, monkeypatch):
    await service.follow()
    message = await service.say("hi")
    meanwhile(monkeypatch, lambda: set_state(message, "sent"))

    await service.deliver_once()

    assert service.api.calls == []
    assert (await service.fresh(message)).delivery_state == "sent"
    assert (await service.follower()).message_left == 5


async def test_after_a_reply_with_its_beginning_only_the_rest_is_sent(
    service: Service, monkeypatch
):
    await service.follow()
    message = await service.say("beginning and end")
    meanwhile(monkeypatch, lambda: Progress.objects.create(message=message, position=13))

    await service.deliver_once()

    assert service.sent == [" end"]
    assert (await service.fresh(message)).delivery_state == "sent"


def set_state(message: Message, state: str) -> None:
    Message.objects.filter(pk=message.pk).update(delivery_state=state)


def meanwhile(monkeypatch: pytest.MonkeyPatch, change: Callable[[], object]) -> None:
    """Have something else change the message just before it is claimed, once."""
    changes = [change]
    begin = claiming.begin

    def changed(steps: list[Step]) -> list[claiming.Begun]:
        while changes:
            changes.pop()()
        return begin(steps)

    monkeypatch.setattr(claiming, "begin", changed)


async def test_only_one_of_two_gets_the_last_message_of_the_window(service: Service):
    await service.follow(message_left=1)
    one, other = await service.say("one"), await service.say("other")

    both = [await loaded(one), await loaded(other)]

    await asyncio.gather(*map(get_channel("wechat").deliver, both), return_exceptions=True)

    assert service.api.count(SEND) == 1
    assert (await service.follower()).message_left == 0


async def loaded(message: Message) -> Message:
    rows = Message.objects.select_related("conversation")
    return await read(lambda: rows.get(pk=message.pk))


async def test_what_an_operator_has_sent_again_goes_out_whole(service: Service):
    await service.follow()
    message = await service.deliver("hi")
    await service.change(message, delivery_state="waiting")

    await get_channel("wechat").deliver(await loaded(message))

    assert service.sent == ["hi", "hi"]


async def test_a_message_that_is_gone_is_no_failure(service: Service):
    await service.follow()
    message = await loaded(await service.say("hi"))
    await read(Message.objects.all().delete)

    await get_channel("wechat").deliver(message)

    assert service.api.calls == []
