"""Typing: a follower sees that an answer is being written, where WeChat allows it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from conversations.models import Message
from scheduling.actions import submit
from scheduling.models import Run
from scheduling.performing import Ending
from scheduling.states import RunState
from tests.conversations.working import read, say
from tests.wechat.fake_api import Answer
from tests.wechat.fake_api import api as api
from tests.wechat.service import OPENID, Service
from tests.wechat.service import service as service
from wechat.actions import TYPING
from wechat.models import Account

PATH = "message/custom/typing"


async def ask(service: Service) -> Message:
    """Store a question that nobody answers."""
    await service.follow()
    (message,) = await say("?", channel="wechat", address=OPENID)
    await read(Run.objects.all().delete)
    return message


async def show_typing(service: Service, message: Message) -> Ending:
    await read(lambda: submit(TYPING, {"message": message.pk}))
    return await service.deliver_once()


async def test_who_waits_sees_it(service: Service):
    ending = await show_typing(service, await ask(service))

    (call,) = service.api.of(PATH)
    assert call.json == {"touser": OPENID, "command": "Typing"}
    assert ending.state == RunState.SUCCEEDED


async def test_it_tells_that_messages_may_be_sent(service: Service):
    await show_typing(service, await ask(service))

    assert (await service.account()).can_send is True


async def test_it_tells_that_the_account_may_only_reply(service: Service):
    service.api.script(PATH, 48001)

    ending = await show_typing(service, await ask(service))

    account = await service.account()
    assert account.can_send is False
    assert "48001" in account.can_send_detail
    assert ending.state == RunState.SUCCEEDED


@pytest.mark.parametrize("code", [45072, 45080, 45081])
async def test_what_does_not_matter_is_ignored(service: Service, code: int):
    service.api.script(PATH, code)

    ending = await show_typing(service, await ask(service))

    assert (ending.state, ending.result) == (RunState.SUCCEEDED, None)
    assert (await service.account()).can_send is True


@pytest.mark.parametrize("answer", [-1, 45009, 47001, Answer(drop=True), Answer("<html>")])
async def test_what_fails_is_neither_tried_again_nor_a_failure(service: Service, answer: object):
    service.api.script(PATH, answer)

    ending = await show_typing(service, await ask(service))

    assert ending.state == RunState.SUCCEEDED
    assert ending.result
    assert service.api.count(PATH) == 1
    assert (await service.account()).can_send is None


async def test_who_has_the_answer_sees_nothing(service: Service):
    message = await ask(service)
    await service.change(message, state="answered")

    await show_typing(service, message)

    assert service.api.calls == []


async def test_an_account_that_may_only_reply_shows_nothing(service: Service, settings):
    settings.WECHAT_REPLY = "passive"

    await show_typing(service, await ask(service))

    assert service.api.calls == []


async def test_an_owner_can_switch_it_off(service: Service, settings):
    settings.WECHAT_TYPING = False

    await show_typing(service, await ask(service))

    assert service.api.calls == []


async def test_while_nothing_may_be_sent_it_is_not_shown(service: Service):
    message = await ask(service)
    until = timezone.now() + timedelta(hours=1)
    await read(lambda: Account.objects.create(app_id="wx0123456789abcdef", stopped_until=until))

    await show_typing(service, message)

    assert service.api.calls == []
