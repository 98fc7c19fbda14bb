"""The account: whether it may send is set, or learned once for all processes."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from tests.conversations.working import read
from tests.wechat.fake_api import APP_ID
from tests.wechat.fake_api import api as api
from tests.wechat.fake_api import store as store
from wechat import account
from wechat.models import Account

pytestmark = pytest.mark.usefixtures("api", "store")


async def row() -> Account:
    return await read(account.load_account)


async def test_nothing_is_known_before_wechat_was_asked() -> None:
    assert await account.can_send() is None
    assert await read(account.can_send_now) is None
    assert (await row()).pk is None


@pytest.mark.parametrize(
    ("reply", "secret", "expected"),
    [
        ("passive", "secret", False),
        ("customer_service", "secret", True),
        ("auto", "", False),
        ("customer_service", "", False),
    ],
)
async def test_the_settings_come_before_what_was_learned(
    settings: Any, reply: str, secret: str, expected: bool
) -> None:
    settings.WECHAT_REPLY, settings.WECHAT_APP_SECRET = reply, secret
    await account.learn(not expected, "learned")

    assert await account.can_send() is expected
    assert await read(account.can_send_now) is expected


async def test_what_was_learned_is_known_at_once_and_to_all() -> None:
    assert await account.can_send() is None

    await account.learn(False, "WeChat answered 48001")

    assert await account.can_send() is False
    assert await read(account.can_send_now) is False
    assert (await row()).can_send_detail == "WeChat answered 48001"


async def test_what_was_learned_can_be_forgotten() -> None:
    await account.learn(False, "WeChat answered 48001")
    await account.learn(None)

    assert await account.can_send() is None
    assert (await row()).can_send_detail == ""


async def test_what_is_known_is_not_written_again(monkeypatch: pytest.MonkeyPatch) -> None:
    await account.learn(True)
    await account.can_send()
    monkeypatch.setattr(account, "_write", None)

    await account.learn(True)

    assert await account.can_send() is True


async def test_what_another_process_learned_is_seen_after_a_second(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await account.learn(True)
    assert await account.can_send() is True
    await read(lambda: Account.objects.update(can_send=False))

    assert await account.can_send() is True
    monkeypatch.setattr(account, "FRESH_SECONDS", 0)
    assert await account.can_send() is False


async def test_within_a_second_it_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    seen = await account.read_account()
    monkeypatch.setattr(account, "_read", None)

    assert await account.read_account() is seen


async def test_sending_is_stopped_and_let_go_on() -> None:
    until = timezone.now() + timedelta(hours=1)

    await account.stop_sending(until, "WeChat answered 45009")
    stopped = await account.read_account()
    await account.stop_sending(None)

    assert (stopped.stopped_until, stopped.stopped_detail) == (until, "WeChat answered 45009")
    assert ((await row()).stopped_until, (await row()).stopped_detail) == (None, "")


async def test_another_app_id_is_another_account(settings: Any) -> None:
    await account.learn(False)
    settings.WECHAT_APP_ID = "wxffffffffffffffff"

    assert await account.can_send() is None

    settings.WECHAT_APP_ID = APP_ID
    assert await account.can_send() is False


async def test_a_long_detail_is_cut() -> None:
    await account.learn(False, "x" * 9999)
    await account.stop_sending(timezone.now(), "y" * 9999)

    assert len((await row()).can_send_detail) == len((await row()).stopped_detail) == 500
