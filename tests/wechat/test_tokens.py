"""The access token: fetched once, shared, and renewed in time or when WeChat refuses it."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from scheduling.group_commit import group_commit
from tests.conversations.working import read
from tests.wechat.fake_api import APP_ID, SECRET, Answer, FakeApi
from tests.wechat.fake_api import api as api
from tests.wechat.fake_api import store as store
from tests.wechat.token_parts import NOON, PATH, row
from tests.wechat.token_parts import wechat as wechat
from wechat import client, tokens
from wechat.client import WeChatClient
from wechat.errors import ApiError
from wechat.models import Account
from wechat.tokens import TokenUnavailable, distrust, token

pytestmark = pytest.mark.usefixtures("store")


async def change(**values: Any) -> None:
    await read(lambda: Account.objects.update(**values))


async def refused(wechat: WeChatClient, now: datetime, **more: Any) -> TokenUnavailable:
    with pytest.raises(TokenUnavailable) as raised:
        await token(wechat, now=now, **more)
    return raised.value


# -- fetching once ------------------------------------------------------------------------------


async def test_a_cold_token_is_fetched_once_for_a_hundred_callers(
    api: FakeApi, wechat: WeChatClient
) -> None:
    api.script(PATH, Answer({"access_token": "T", "expires_in": 7200}, delay=0.3))

    found = await asyncio.gather(*[token(wechat) for _ in range(100)])

    assert set(found) == {"T"}
    assert api.count(PATH) == 1


async def test_the_secret_goes_in_the_body_and_nothing_in_the_address(
    api: FakeApi, wechat: WeChatClient
) -> None:
    await token(wechat)

    (call,) = api.of(PATH)
    assert (call.method, call.query) == ("POST", {})
    assert call.json["secret"] == SECRET
    assert call.json["force_refresh"] is False


async def test_it_is_kept_until_shortly_before_its_end(api: FakeApi, wechat: WeChatClient) -> None:
    await token(wechat, now=NOON)

    await token(wechat, now=NOON + timedelta(seconds=7200 - 301))
    assert api.count(PATH) == 1
    await token(wechat, now=NOON + timedelta(seconds=7200 - 299))
    assert api.count(PATH) == 2


async def test_one_that_is_said_to_end_at_once_is_not_fetched_at_each_call(
    api: FakeApi, wechat: WeChatClient
) -> None:
    api.script(PATH, {"access_token": "T", "expires_in": 0})

    for second in range(59):
        await token(wechat, now=NOON + timedelta(seconds=second))

    assert api.count(PATH) == 1


async def test_while_another_renews_it_the_old_one_is_used(
    api: FakeApi, wechat: WeChatClient
) -> None:
    await token(wechat, now=NOON)
    late = NOON + timedelta(seconds=7200 - 200)
    await change(fetching_until=late + tokens.LEASE)

    assert await token(wechat, now=late) == "token-1"
    assert api.count(PATH) == 1


async def test_when_it_cannot_be_renewed_the_old_one_is_used_to_its_end(
    api: FakeApi, wechat: WeChatClient
) -> None:
    await token(wechat, now=NOON)
    api.script(PATH, -1)
    late = NOON + timedelta(seconds=7200 - 200)

    assert await token(wechat, now=late) == "token-1"
    assert await token(wechat, now=late + timedelta(seconds=30)) == "token-1"
    assert api.count(PATH) == 2
    assert (await row()).failures == 1
    await refused(wechat, NOON + timedelta(seconds=7195))


async def test_a_cancelled_caller_does_not_end_the_fetch_that_others_wait_for(
    api: FakeApi, wechat: WeChatClient
) -> None:
    api.script(PATH, Answer({"access_token": "T", "expires_in": 7200}, delay=0.3))
    first = asyncio.create_task(token(wechat))
    second = asyncio.create_task(token(wechat))
    while not api.count(PATH):
        await asyncio.sleep(0.01)

    first.cancel()
    second.cancel()

    assert await token(wechat) == "T"
    assert api.count(PATH) == 1


async def test_a_fetcher_that_died_is_replaced_after_its_lease(
    api: FakeApi, wechat: WeChatClient
) -> None:
    await token(wechat, now=NOON)
    await change(access_token="", fetching_until=NOON + tokens.LEASE)

    waiting = asyncio.create_task(token(wechat, now=NOON))
    await asyncio.sleep(3 * tokens.LOOK_EVERY)
    assert (waiting.done(), api.count(PATH)) == (False, 1)
    waiting.cancel()

    assert await token(wechat, now=NOON + tokens.LEASE) == "token-1"
    assert api.count(PATH) == 2


async def test_who_waits_too_long_is_told(
    api: FakeApi, wechat: WeChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    await token(wechat, now=NOON)
    await change(access_token="", fetching_until=NOON + tokens.LEASE)
    monkeypatch.setattr(tokens, "PATIENCE", 0.2)

    assert "Another process" in str(await refused(wechat, NOON))


async def test_a_fetcher_that_lost_its_lease_changes_nothing(
    api: FakeApi, wechat: WeChatClient
) -> None:
    api.script(PATH, Answer(-1, delay=0.3), {"access_token": "B", "expires_in": 7200})
    slow = asyncio.create_task(token(wechat, now=NOON))
    while not api.count(PATH):
        await asyncio.sleep(0.01)

    later = NOON + tokens.LEASE
    assert await token(wechat, now=later) == "B"

    assert await slow == "B"
    assert (await row()).failures == 0
    assert await token(wechat, now=later) == "B"


async def test_without_a_secret_nothing_is_asked(
    api: FakeApi, wechat: WeChatClient, settings: Any
) -> None:
    settings.WECHAT_APP_SECRET = ""

    with pytest.raises(TokenUnavailable, match="WECHAT_APP_SECRET"):
        await token(wechat)

    assert not api.calls


async def test_the_database_does_not_show_it(api: FakeApi, wechat: WeChatClient) -> None:
    await token(wechat, now=NOON)

    assert (await row()).access_token
    assert "token-1" not in (await row()).access_token


async def test_one_that_was_kept_under_another_secret_key_is_fetched_again(
    api: FakeApi, wechat: WeChatClient, settings: Any
) -> None:
    await token(wechat, now=NOON)

    settings.SECRET_KEY = "changed"

    assert await token(wechat, now=NOON) == "token-1"
    assert api.count(PATH) == 2


@pytest.mark.parametrize(
    "meanwhile",
    [
        {"fetching_until": NOON + tokens.LEASE},
        {"retry_at": NOON + timedelta(minutes=1)},
        {"access_token": "another"},
        {"token_expires_at": NOON + timedelta(hours=2)},
    ],
)
async def test_who_saw_a_free_turn_gets_it_only_if_nobody_was_faster(
    api: FakeApi,
    wechat: WeChatClient,
    monkeypatch: pytest.MonkeyPatch,
    meanwhile: dict[str, Any],
) -> None:
    """Between the look and the claim another process may act, even within a transaction."""
    await token(wechat, now=NOON)
    await change(access_token="", token_expires_at=None)
    wish = tokens._Wish(APP_ID, "", NOON)

    def act_between(*args: Any) -> tokens._Found:
        Account.objects.update(**meanwhile)
        return tokens._Found(is_free=True)

    monkeypatch.setattr(tokens, "_offer", act_between)

    assert await group_commit()(tokens._claim, wish) is None


def test_two_calls_fit_into_the_lease() -> None:
    """Else a slow fetcher is taken for dead, and the token fetched twice."""
    assert 2 * client.TOKEN_SECONDS < tokens.LEASE.total_seconds() < tokens.PATIENCE


# -- a token that WeChat refuses ----------------------------------------------------------------


async def test_many_callers_with_one_stale_token_cost_one_fetch(
    api: FakeApi, wechat: WeChatClient
) -> None:
    stale = await token(wechat)
    api.revoke()

    found = await asyncio.gather(*[token(wechat, failed=stale) for _ in range(20)])

    assert set(found) == {"token-2"}
    assert api.count(PATH) == 2


async def test_who_comes_late_with_a_stale_token_gets_the_new_one(
    api: FakeApi, wechat: WeChatClient
) -> None:
    stale = await token(wechat)
    api.revoke()
    await token(wechat, failed=stale)

    assert await token(wechat, failed=stale) == "token-2"
    assert api.count(PATH) == 2


async def test_a_new_one_is_forced_only_if_wechat_gives_the_refused_one_again(
    api: FakeApi, wechat: WeChatClient
) -> None:
    stale = await token(wechat)

    assert await token(wechat, failed=stale) == "token-2"

    assert [call.json["force_refresh"] for call in api.of(PATH)] == [False, False, True]


async def test_one_that_cannot_be_replaced_opens_the_breaker(
    api: FakeApi, wechat: WeChatClient
) -> None:
    api.script(PATH, {"access_token": "T", "expires_in": 7200})
    await token(wechat, now=NOON)

    for minute in range(59):
        await refused(wechat, NOON + timedelta(minutes=minute), failed="T")

    assert api.count(PATH) == 3


async def test_distrust_is_of_the_token_that_was_refused(
    api: FakeApi, wechat: WeChatClient
) -> None:
    await token(wechat, now=NOON)

    await distrust("token-0", ApiError(40001), now=NOON)
    assert await token(wechat, now=NOON) == "token-1"
    await distrust("token-1", ApiError(40001, "invalid credential"), now=NOON)

    error = await refused(wechat, NOON + timedelta(minutes=59))
    assert "40001" in str(error)
    assert error.retry_at == NOON + timedelta(hours=1)
