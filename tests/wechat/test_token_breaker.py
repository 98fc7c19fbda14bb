"""The circuit breaker of the token endpoint: what fails is not asked for again and again."""

import asyncio
from datetime import datetime, timedelta
from typing import Any

import pytest

from scheduling.group_commit import group_commit
from tests.wechat.fake_api import SECRET, Answer, FakeApi, refusing_address
from tests.wechat.fake_api import api as api
from tests.wechat.fake_api import store as store
from tests.wechat.token_parts import NOON, PATH, row
from tests.wechat.token_parts import wechat as wechat
from wechat import calling, client
from wechat.client import WeChatClient
from wechat.tokens import TokenUnavailable, reset_breaker, token

pytestmark = pytest.mark.usefixtures("store")


async def refused(wechat: WeChatClient, now: datetime, **more: Any) -> TokenUnavailable:
    with pytest.raises(TokenUnavailable) as raised:
        await token(wechat, now=now, **more)
    return raised.value


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


# What only the owner can mend.
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
