"""The access token: fetched once, shared, renewed in time, and not asked for in vain for ever."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from scheduling.group_commit import group_commit
from tests.conversations.working import read
from tests.wechat.fake_api import SECRET, Answer, FakeApi, refusing_address
from tests.wechat.fake_api import api as api
from tests.wechat.fake_api import store as store
from wechat import calling, client, tokens
from wechat.account import load_account
from wechat.client import WeChatClient
from wechat.errors import ApiError
from wechat.models import Account
from wechat.tokens import TokenUnavailable, distrust, reset_breaker, token

pytestmark = pytest.mark.usefixtures("store")
PATH = "stable_token"
NOON = timezone.now().replace(microsecond=0)


@pytest.fixture
async def wechat(api: FakeApi) -> AsyncIterator[WeChatClient]:
    yield client.client()


async def row() -> Account:
    return await read(load_account)


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
    assert ((await row()).failures, (await row()).access_token) == (0, "B")


async def test_without_a_secret_nothing_is_asked(
    api: FakeApi, wechat: WeChatClient, settings: Any
) -> None:
    settings.WECHAT_APP_SECRET = ""

    with pytest.raises(TokenUnavailable, match="WECHAT_APP_SECRET"):
        await token(wechat)

    assert not api.calls


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


# -- the circuit breaker ------------------------------------------------------------------------


def page(status: int) -> Answer:
    return Answer("<html>502 Bad Gateway</html>", status=status)


FAILURES: dict[str, Any] = {
    "500": Answer("", status=500),
    "a page": page(200),
    "a page with an error": page(502),
    "an error code": -1,
    "nothing": "",
    "a list": [],
    "no token": {},
    "a token that is none": {"access_token": ["T"], "expires_in": 7200},
    "an empty token": {"access_token": "", "expires_in": 7200},
    "a token with a line break": {"access_token": "a\r\nb", "expires_in": 7200},
    "a life that is none": {"access_token": "T", "expires_in": "soon"},
    "no life": {"access_token": "T"},
    "an error code that is none": {"errcode": None, "access_token": "T", "expires_in": 7200},
    "hung up": Answer(drop=True),
    "a redirect": Answer("", status=302, headers={"Location": "http://127.0.0.1:1/"}),
}


async def hour(wechat: WeChatClient) -> None:
    """Ask every ten seconds for the first hour of NOON."""
    for step in range(360):
        await refused(wechat, NOON + timedelta(seconds=10 * step))


@pytest.mark.parametrize("kind", FAILURES)
async def test_an_endpoint_that_fails_costs_five_calls_in_the_first_hour(
    api: FakeApi, wechat: WeChatClient, kind: str
) -> None:
    api.script(PATH, FAILURES[kind])

    await hour(wechat)

    assert api.count(PATH) == 5
    assert (await row()).failures == 5
    assert (await row()).token_error


async def test_an_endpoint_that_does_not_answer_costs_five_calls_too(
    api: FakeApi, wechat: WeChatClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    api.script(PATH, Answer(delay=60))
    monkeypatch.setattr(client, "TOKEN_SECONDS", 0.2)

    await hour(wechat)

    assert api.count(PATH) == 5
    assert "no answer within 0.2 seconds" in (await row()).token_error


async def test_a_refused_connection_costs_five_tries(
    wechat: WeChatClient, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.WECHAT_API_BASE_URL = refusing_address()
    tried: list[str] = []
    real = calling.Exchange.__call__

    async def counted(self: Any, address: str, body: Any, seconds: float) -> Any:
        tried.append(address)
        return await real(self, address, body, seconds)

    monkeypatch.setattr(calling.Exchange, "__call__", counted)

    await hour(client.client())

    assert len(tried) == 5
    assert "could not be reached" in (await row()).token_error


async def test_the_pauses_grow_to_an_hour_and_stay_there(
    api: FakeApi, wechat: WeChatClient
) -> None:
    api.script(PATH, -1)
    now, pauses = NOON, []

    for _ in range(7):
        error = await refused(wechat, now)
        assert error.retry_at
        pauses.append((error.retry_at - now) // timedelta(minutes=1))
        now = error.retry_at

    assert pauses == [1, 5, 15, 30, 60, 60, 60]


async def test_a_thousand_callers_cost_nothing_while_the_breaker_is_open(
    api: FakeApi, wechat: WeChatClient
) -> None:
    api.script(PATH, -1)
    first = await refused(wechat, NOON)

    calls = [refused(wechat, NOON + timedelta(seconds=n % 59)) for n in range(1000)]
    errors = await asyncio.gather(*calls)

    assert api.count(PATH) == 1
    assert {(str(error), error.retry_at) for error in errors} == {(str(first), first.retry_at)}


async def test_a_thousand_callers_at_once_with_a_failing_endpoint_cost_one_call(
    api: FakeApi, wechat: WeChatClient
) -> None:
    api.script(PATH, Answer("", status=500, delay=0.2))

    await asyncio.gather(*[refused(wechat, NOON) for _ in range(1000)])

    assert api.count(PATH) == 1


async def test_a_success_closes_the_breaker(api: FakeApi, wechat: WeChatClient) -> None:
    api.script(PATH, -1, -1, {"access_token": "T", "expires_in": 7200})
    await refused(wechat, NOON)
    await refused(wechat, NOON + timedelta(minutes=1))

    assert await token(wechat, now=NOON + timedelta(minutes=6)) == "T"

    account = await row()
    assert (account.failures, account.retry_at, account.token_error) == (0, None, "")


async def test_it_can_be_reset(api: FakeApi, wechat: WeChatClient) -> None:
    api.script(PATH, 40164, {"access_token": "T", "expires_in": 7200})
    await refused(wechat, NOON)

    await group_commit().read(reset_breaker)

    assert await token(wechat, now=NOON) == "T"


# -- what only the owner can mend ---------------------------------------------------------------

IP_TEXT = "invalid ip 203.0.113.7 ipv6 ::ffff:203.0.113.7, not in whitelist rid: 65e1-1-2"


@pytest.mark.parametrize(
    ("code", "text", "sentence"),
    [
        (40013, "invalid appid rid: 1-2", "check WECHAT_APP_ID"),
        (40125, "invalid appsecret rid: 1-2", "WECHAT_APP_SECRET again"),
        (40001, "invalid credential rid: 1-2", "WECHAT_APP_SECRET again"),
        (40243, "AppSecret is frozen rid: 1-2", "unfreeze it"),
        (40164, IP_TEXT, "Add 203.0.113.7, this server's address, to the IP whitelist"),
        (40164, "invalid ip 2001:db8::7, not in whitelist", "Add 2001:db8::7, this"),
        (40164, "invalid ip .... not in whitelist", "Add this server's address"),
        (40164, "", "Add this server's address"),
        (89503, "", "administrator must confirm"),
    ],
)
async def test_a_wrong_configuration_is_asked_for_once_an_hour_and_explained(
    api: FakeApi, wechat: WeChatClient, code: int, text: str, sentence: str
) -> None:
    api.script(PATH, {"errcode": code, "errmsg": text})

    error = await refused(wechat, NOON)

    for minute in range(60):
        await refused(wechat, NOON + timedelta(minutes=minute))
    assert api.count(PATH) == 1
    assert error.retry_at == NOON + timedelta(hours=1)
    account = await row()
    assert sentence in account.token_error == str(error)
    assert str(code) in account.token_error
    assert SECRET not in account.token_error
