"""An account that may send, a fake of WeChat's interface, and a follower whose window is open."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone

from conversations import sayings
from conversations.delivering import DELIVER
from conversations.models import Conversation, Message
from conversations.receiving import Incoming, receive_messages
from conversations.sayings import Saying
from scheduling.models import Run
from scheduling.performing import Ending
from tests.conversations.working import MiniWorker, read
from tests.wechat.fake_api import FakeApi
from wechat import account
from wechat.account import load_account
from wechat.models import Account, Follower, Progress

OPENID = "oTestsFollower0123456789abcd"
SEND = "message/custom/send"
TEMPLATE = "message/template/send"
UPLOAD = "media/upload"


class Service:
    """A follower of an account, what is said to them, and what reaches WeChat."""

    def __init__(self, api: FakeApi, worker: MiniWorker) -> None:
        self.api = api
        self.worker = worker

    async def follow(self, openid: str = OPENID, **values: Any) -> Follower:
        return await read(lambda: make_follower(openid, **values))

    async def say(self, text: str, openid: str = OPENID, **values: Any) -> Message:
        """Store a message that answers nothing, and queue its delivery."""
        return await read(lambda: _say(text, openid, values))

    async def reply(self, text: str, openid: str = OPENID) -> Message:
        """Store a question with its answer, whose request is over, and queue the delivery."""
        return await read(lambda: _reply(text, openid))

    async def deliver_once(self) -> Ending:
        """Carry out what is due first, once; a retry's pause needs no waiting."""
        run = await self.worker.start()
        assert run is not None, "Nothing is due."
        return await self.worker.carry(run)

    async def deliver(self, text: str, **values: Any) -> Message:
        """Say a text, deliver it once; return the message as it is then."""
        message = await self.say(text, **values)
        await self.deliver_once()
        return await self.fresh(message)

    async def deliver_reply(self, text: str) -> Message:
        message = await self.reply(text)
        await self.deliver_once()
        return await self.fresh(message)

    async def fresh(self, message: Message) -> Message:
        return await read(lambda: Message.objects.get(pk=message.pk))

    async def change(self, message: Message, **values: Any) -> None:
        await read(lambda: Message.objects.filter(pk=message.pk).update(**values))

    async def follower(self, openid: str = OPENID) -> Follower:
        return await read(lambda: Follower.objects.get(openid=openid))

    async def account(self) -> Account:
        return await read(load_account)

    def forget_account(self) -> None:
        """Have the account read anew, which an event loop does once a second."""
        account._seen.clear()

    async def run(self) -> Run:
        return await read(lambda: Run.objects.filter(action=DELIVER).latest("pk"))

    async def position(self, message: Message) -> int:
        found = Progress.objects.filter(message=message).values_list("position", flat=True)
        return await read(found.first) or 0

    @property
    def sent(self) -> list[str]:
        """The texts and pictures that went to WeChat, refused ones included."""
        return [_content(call.json) for call in self.api.of(SEND)]


def _content(payload: dict[str, Any]) -> str:
    kind = payload["msgtype"]
    return str(payload[kind]["content" if kind == "text" else "media_id"])


def make_follower(openid: str = OPENID, **values: Any) -> Follower:
    """Store a follower who has just written, unless the values say otherwise."""
    now = timezone.now()
    conversation = Conversation.objects.create(
        channel="wechat", address=openid, settings={"timezone": "Asia/Shanghai", "locale": "en"}
    )
    ledger = {
        "last_inbound_at": now - timedelta(minutes=1),
        "message_until": now + timedelta(hours=47),
        "message_left": 5,
    }
    return Follower.objects.create(openid=openid, conversation=conversation, **(ledger | values))


def _say(text: str, openid: str, values: dict[str, Any]) -> Message:
    conversation = Conversation.objects.get(address=openid)
    with transaction.atomic():
        (message,) = sayings.store([Saying(conversation, uuid.uuid4(), text)])
    assert message is not None
    if values:
        Message.objects.filter(pk=message.pk).update(**values)
    return message


def _reply(text: str, openid: str) -> Message:
    """Store both long enough ago that no request waits for the answer."""
    incoming = Incoming(channel="wechat", address=openid, content="?", reply=text)
    with transaction.atomic():
        (received,) = receive_messages([incoming])
    Run.objects.filter(action=DELIVER).update(fire_at=timezone.now() - timedelta(seconds=1))
    return Message.objects.get(reply_to=received.message)


@pytest.fixture
def service(wechat_on: Any, api: FakeApi, worker: MiniWorker) -> Service:
    return Service(api, worker)


def nearly(found: datetime | timedelta, expected: datetime | timedelta) -> bool:
    return abs(found - expected) < timedelta(seconds=5)  # type: ignore[operator]
