"""Reach: who sets up a reminder learns at once what becomes of it when WeChat lets none through."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone, translation

from conversations.channels import get_channel
from tests.conversations.working import MiniWorker, fresh, read, say
from tests.wechat.service import OPENID, make_follower
from wechat.models import Account

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("wechat_on")]
HOUR = timedelta(hours=1)


@pytest.fixture(autouse=True)
def sending(wechat_on) -> Iterator[None]:
    """Have an account that may send, as was learned."""
    wechat_on.WECHAT_APP_SECRET = "secret"
    wechat_on.WECHAT_REPLY = "auto"
    yield


def note(*hours: float, can_send: bool | None = True, **follower: object) -> str:
    """Return what somebody is told who has just written, of reminders in so many hours."""
    Account.objects.create(app_id="wx0123456789abcdef", can_send=can_send)
    now = timezone.now()
    ledger = {"message_until": now + 48 * HOUR, "message_left": 5}
    one = make_follower(**(ledger | follower))
    return get_channel("wechat").reach_note(one.conversation, [now + each * HOUR for each in hours])


def test_inside_the_window_there_is_nothing_to_say():
    assert note(47) == ""


def test_outside_the_window_it_is_kept():
    assert "48 hours" in note(49)


def test_with_a_template_a_short_notice_comes(wechat_on):
    wechat_on.WECHAT_TEMPLATE_ID = "T"
    wechat_on.WECHAT_TEMPLATE_FIELDS = {"thing1": "text"}

    assert "short notice" in note(49)


def test_with_the_messages_used_up_it_is_kept():
    assert "five times" in note(1, message_left=0)


def test_what_comes_again_and_again_leaves_the_window_some_time():
    assert "five times" in note(1, 2, 3)


def test_an_account_that_may_only_reply_cannot_write_first():
    assert "cannot write first" in note(1, can_send=False)


def test_so_it_is_where_the_settings_say_so(wechat_on):
    wechat_on.WECHAT_REPLY = "passive"

    assert "cannot write first" in note(1)


def test_before_wechat_was_asked_it_is_said_with_care():
    assert note(1, can_send=None).startswith("If WeChat")


def test_a_task_that_never_fires_needs_no_note():
    assert note() == ""


def test_it_is_said_in_the_language_that_is_active():
    with translation.override("zh-hans"):
        assert not note(49).isascii()


@pytest.mark.django_db(transaction=True)
async def test_the_command_tells_it(worker: MiniWorker, wechat_on):
    wechat_on.WECHAT_REPLY = "passive"
    await read(make_follower)

    (message,) = await say("/remind in 10m tea", channel="wechat", address=OPENID)
    await worker.carry(await worker.start())

    assert "cannot write first" in (await fresh(message)).reply.content
