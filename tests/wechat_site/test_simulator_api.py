"""The simulator's API takes and refuses calls as WeChat's does, and plays faults on demand."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest

from tests.wechat_site.conftest import Webhook
from wechat.simulator import OfficialAccount, Simulator

Call = Callable[..., Awaitable[dict[str, Any]]]
PERSONAL = OfficialAccount(is_verified=False)
PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)


@pytest.fixture
async def http(wechat: Simulator, webhook: Webhook) -> AsyncIterator[httpx.AsyncClient]:
    wechat.connect(webhook.url)
    async with httpx.AsyncClient(base_url=f"{wechat.url}/cgi-bin/", trust_env=False) as client:
        yield client


async def fetch_token(http: httpx.AsyncClient, wechat: Simulator, **other: object) -> Any:
    account = wechat.account
    credentials = {"appid": account.app_id, "secret": account.secret}
    body = {"grant_type": "client_credential", **credentials, **other}
    return (await http.post("stable_token", json=body)).json()


@pytest.fixture
async def call(http: httpx.AsyncClient, wechat: Simulator) -> Call:
    """Call an operation with a valid token: `await call("menu/create", {...})`."""
    token = (await fetch_token(http, wechat))["access_token"]

    async def call(path: str, payload: Any = None, **request: Any) -> dict[str, Any]:
        query = {"access_token": token, **request.pop("query", {})}
        if payload is not None:
            request["content"] = json.dumps(payload, ensure_ascii=False).encode()
        answer = await http.post(path, params=query, **request)
        return dict(answer.json())

    return call


def text(openid: str, content: str = "你好") -> dict[str, Any]:
    return {"touser": openid, "msgtype": "text", "text": {"content": content}}


# -- tokens ----------------------------------------------------------------------------------------


async def test_a_stable_token_stays_until_it_is_forced(
    http: httpx.AsyncClient, wechat: Simulator
) -> None:
    first, second = [await fetch_token(http, wechat) for _ in range(2)]
    forced = await fetch_token(http, wechat, force_refresh=True)

    assert first["access_token"] == second["access_token"] != forced["access_token"]
    assert 7190 < second["expires_in"] <= 7200
    assert len(wechat.calls("stable_token")) == 3


@pytest.mark.parametrize(
    ("other", "code"),
    [({"secret": "x"}, 40125), ({"appid": "x"}, 40013), ({"grant_type": "x"}, 40002)],
)
async def test_wrong_credentials_get_no_token(
    http: httpx.AsyncClient, wechat: Simulator, other: dict[str, str], code: int
) -> None:
    assert (await fetch_token(http, wechat, **other))["errcode"] == code


async def test_a_call_needs_a_token_that_is_valid(
    http: httpx.AsyncClient, call: Call, wechat: Simulator
) -> None:
    async def code(token: str) -> Any:
        answer = await http.get("getcallbackip", params={"access_token": token})
        return answer.json().get("errcode", 0)

    token = (await fetch_token(http, wechat))["access_token"]
    assert [await code(token), await code(""), await code("made up")] == [0, 41001, 40001]

    wechat.expire_tokens()
    assert await code(token) == 42001
    assert (await fetch_token(http, wechat))["access_token"] != token

    wechat.revoke_tokens()
    assert await code(token) == 40001


async def test_an_address_that_is_none_is_refused(call: Call) -> None:
    assert (await call("message/custom/sent"))["errcode"] == 40066


# -- messages --------------------------------------------------------------------------------------


async def test_five_messages_go_out_to_who_wrote(call: Call, wechat: Simulator) -> None:
    alice = wechat.follower()
    await alice.says("hi")

    codes = [(await call("message/custom/send", text(alice.openid)))["errcode"] for _ in range(6)]

    assert codes == [0, 0, 0, 0, 0, 45047]
    assert [shown.how for shown in alice.shown] == ["message"] * 5


async def test_two_windows_do_not_add_up(call: Call, wechat: Simulator) -> None:
    alice = wechat.follower()
    await alice.says("hi")
    await alice.clicks("HELP")

    codes = [(await call("message/custom/send", text(alice.openid)))["errcode"] for _ in range(6)]

    assert codes == [0, 0, 0, 0, 0, 45047]


@pytest.mark.parametrize(
    ("act", "minutes", "code"),
    [
        ("says", 48 * 60 - 1, 0),
        ("says", 48 * 60 + 1, 45015),
        ("clicks", 0.9, 0),
        ("clicks", 1.1, 45015),
        ("scans", 1.1, 45015),
        ("follows", 0.9, 0),
        ("follows", 1.1, 45015),
    ],
)
async def test_a_window_closes(
    call: Call, wechat: Simulator, act: str, minutes: float, code: int
) -> None:
    alice = wechat.follower(is_following=False)
    await alice.follows()
    wechat.advance(hours=1)
    await getattr(alice, act)("word")
    wechat.advance(minutes=minutes)

    assert (await call("message/custom/send", text(alice.openid)))["errcode"] == code


async def test_nothing_reaches_who_left_never_came_or_never_wrote(
    call: Call, wechat: Simulator
) -> None:
    left, silent = wechat.follower(), wechat.follower()
    await left.says("hi")
    await left.unfollows()

    codes = [
        (await call("message/custom/send", text(openid)))["errcode"]
        for openid in (left.openid, silent.openid, "oNobody")
    ]

    assert codes == [45015, 45015, 40003]


@pytest.mark.parametrize(
    ("message", "code"),
    [
        ({"msgtype": "text", "text": {"content": "一" * 682 + "ab"}}, 0),
        ({"msgtype": "text", "text": {"content": "一" * 683}}, 45002),
        ({"msgtype": "text", "text": {"content": ""}}, 44004),
        ({"msgtype": "text"}, 44004),
        ({"msgtype": "markdown"}, 40008),
        ({"msgtype": "image", "image": {"media_id": "none"}}, 40007),
    ],
)
async def test_what_is_sent_is_looked_at(
    call: Call, wechat: Simulator, message: dict[str, Any], code: int
) -> None:
    alice = wechat.follower()
    await alice.says("hi")

    answer = await call("message/custom/send", {"touser": alice.openid, **message})

    assert answer["errcode"] == code


async def test_escaped_characters_are_refused_but_not_what_json_must_escape(
    call: Call, wechat: Simulator
) -> None:
    alice = wechat.follower()
    await alice.says("hi")

    escaped = await call("message/custom/send", content=json.dumps(text(alice.openid)).encode())
    needed = await call("message/custom/send", text(alice.openid, 'a\x0b"\\u4f60\\'))
    broken = await call("message/custom/send", content=b"{")

    assert [answer["errcode"] for answer in (escaped, needed, broken)] == [40033, 0, 47001]


async def test_typing_is_shown_for_a_while_to_who_wrote_lately(
    call: Call, wechat: Simulator
) -> None:
    alice = wechat.follower()
    typing = {"touser": alice.openid, "command": "Typing"}

    early = await call("message/custom/typing", typing)
    await alice.says("hi")
    first, second = [await call("message/custom/typing", typing) for _ in range(2)]
    wrong = await call("message/custom/typing", typing | {"command": "Writing"})

    assert [one["errcode"] for one in (early, first, second, wrong)] == [45080, 0, 45081, 45072]
    assert alice.is_typed_to


async def test_a_template_message_is_reported_on_afterwards(
    call: Call, wechat: Simulator, webhook: Webhook
) -> None:
    alice = wechat.follower()
    wechat.template_reported_after = 0
    data = {"thing1": {"value": "喝水"}, "time2": {"value": "09:00"}}

    sent = await call(
        "message/template/send", {"touser": alice.openid, "template_id": "T1", "data": data}
    )

    async with asyncio.timeout(10):
        while not webhook.asked:
            await asyncio.sleep(0.01)
    assert sent["errcode"] == 0
    assert sent["msgid"] > 0
    assert [(shown.how, shown.text) for shown in alice.shown] == [
        ("template", "thing1: 喝水\ntime2: 09:00")
    ]
    assert webhook.asked[0].query["openid"] == alice.openid


async def test_template_messages_have_rules_of_their_own(call: Call, wechat: Simulator) -> None:
    stranger, alice = wechat.follower(is_following=False), wechat.follower()
    wechat.platform.templates.add("T1")

    async def code(openid: str, template: str = "T1", value: str = "x") -> Any:
        data = {"thing1": {"value": value}}
        sent = {"touser": openid, "template_id": template, "data": data}
        return (await call("message/template/send", sent))["errcode"]

    assert await code(stranger.openid) == 43004
    assert await code(alice.openid, template="T2") == 40037
    assert await code(alice.openid, value="x" * 21) == 47003


@pytest.mark.parametrize("wechat_account", [PERSONAL], ids=["personal"])
async def test_a_personal_account_may_ask_for_a_token_and_little_else(
    call: Call, wechat: Simulator
) -> None:
    alice = wechat.follower()
    await alice.says("hi")
    refused = (
        *("message/custom/send", "message/custom/typing", "message/template/send"),
        *("media/upload", "media/get", "menu/create", "menu/get", "menu/delete"),
    )

    codes = [(await call(path, text(alice.openid)))["errcode"] for path in refused]

    assert codes == [48001] * 8
    assert "127.0.0.1" in (await call("getcallbackip"))["ip_list"]


# -- media and menu --------------------------------------------------------------------------------


async def test_an_uploaded_image_can_be_sent_and_fetched(
    call: Call, wechat: Simulator, http: httpx.AsyncClient
) -> None:
    alice = wechat.follower()
    await alice.says("hi")
    files = {"media": ("图.png", PNG, "image/png")}

    media_id = (await call("media/upload", files=files, query={"type": "image"}))["media_id"]
    image = {"touser": alice.openid, "msgtype": "image", "image": {"media_id": media_id}}
    sent = await call("message/custom/send", image)
    token = (await fetch_token(http, wechat))["access_token"]
    fetched = await http.get("media/get", params={"access_token": token, "media_id": media_id})

    assert sent["errcode"] == 0
    assert (alice.shown[0].text, alice.shown[0].media_id) == ("[image]", media_id)
    assert (fetched.content, fetched.headers["content-type"]) == (PNG, "image/png")


@pytest.mark.parametrize(
    ("kind", "files", "code"),
    [
        ("image", {"media": ("a.png", b"plain text")}, 40004),
        ("image", {"media": ("a.png", PNG + bytes(10_485_760))}, 40006),
        ("image", {"file": ("a.png", PNG)}, 41005),
        ("picture", {"media": ("a.png", PNG)}, 40004),
    ],
)
async def test_an_upload_is_looked_at(
    call: Call, kind: str, files: dict[str, tuple[str, bytes]], code: int
) -> None:
    answer = await call("media/upload", files=files, query={"type": kind})

    assert answer["errcode"] == code


async def test_a_picture_of_a_follower_is_found_at_its_address(
    call: Call, wechat: Simulator, http: httpx.AsyncClient
) -> None:
    exchange = await wechat.follower().sends_image(PNG)

    picture = await http.get(str(exchange.fields["PicUrl"]))

    assert picture.content == PNG


async def test_a_menu_is_kept_until_it_is_deleted(call: Call) -> None:
    menu = {"button": [{"type": "click", "name": "帮助", "key": "HELP"}]}

    assert (await call("menu/get"))["errcode"] == 46003
    assert (await call("menu/create", menu))["errcode"] == 0
    assert (await call("menu/get"))["menu"] == menu
    assert (await call("menu/create", {"button": menu["button"] * 4}))["errcode"] == 40016
    assert (await call("menu/delete"))["errcode"] == 0
    assert (await call("menu/get"))["errcode"] == 46003


# -- faults ----------------------------------------------------------------------------------------


async def test_a_code_is_played_as_often_as_asked(call: Call, wechat: Simulator) -> None:
    alice = wechat.follower()
    await alice.says("hi")
    wechat.fail("message/custom/send", errcode=45047, times=2)
    wechat.fail("message/custom/send", errcode=-1)

    codes = [(await call("message/custom/send", text(alice.openid)))["errcode"] for _ in range(4)]

    assert codes == [45047, 45047, -1, 0]
    assert alice.texts == ["你好"]


async def test_other_things_than_json_are_played(
    http: httpx.AsyncClient, wechat: Simulator
) -> None:
    wechat.fail("stable_token", status=502)
    wechat.fail("stable_token", body=b"[]")
    wechat.fail("stable_token", body=b"")

    answers = [await http.post("stable_token", json={}) for _ in range(3)]

    assert [(one.status_code, one.content[:6]) for one in answers] == [
        (502, b"<html>"),
        (200, b"[]"),
        (200, b""),
    ]


@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_connection_drops_before_or_after_the_call_is_carried_out(
    call: Call, wechat: Simulator, carried_out: bool
) -> None:
    alice = wechat.follower()
    await alice.says("hi")
    wechat.fail("message/custom/send", drops=True, carried_out=carried_out)

    with pytest.raises(httpx.RemoteProtocolError):
        await call("message/custom/send", text(alice.openid))

    assert alice.texts == (["你好"] if carried_out else [])
    assert [made.answer for made in wechat.calls("message/custom/send")] == [None]


async def test_an_answer_is_late_and_then_right(http: httpx.AsyncClient, wechat: Simulator) -> None:
    wechat.fail("stable_token", delay_seconds=30)

    with pytest.raises(httpx.ReadTimeout):
        await http.post("stable_token", json={}, timeout=0.2)

    assert "access_token" in await fetch_token(http, wechat)


async def test_every_call_is_recorded_with_what_was_answered(call: Call, wechat: Simulator) -> None:
    payload = {"touser": "oNobody", "msgtype": "text", "text": {"content": "x"}}

    await call("message/custom/send", payload)

    [made] = wechat.calls("message/custom/send")
    assert made.payload == payload
    assert made.answer is not None
    assert made.answer["errcode"] == 40003
    assert "access_token" in made.query
