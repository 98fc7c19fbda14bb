"""Calls to WeChat's interface: what is sent, and the three ways in which they end."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from tests.conversations.working import read
from tests.wechat.fake_api import Answer, FakeApi, refusing_address
from tests.wechat.fake_api import api as api
from tests.wechat.fake_api import store as store
from wechat import calling
from wechat.account import load_account
from wechat.calling import MAX_ANSWER
from wechat.client import WeChatClient, client
from wechat.errors import ApiError, Reaction, Unknown, Unreachable
from wechat.tokens import TokenUnavailable

pytestmark = pytest.mark.usefixtures("store")
SEND = "message/custom/send"
TOKEN = "stable_token"
OPENID = "oBotF5xQ2Z8nYvLk3JtRwE7mPcAs"


@pytest.fixture
async def wechat(api: FakeApi) -> AsyncIterator[WeChatClient]:
    yield client()


# -- what is sent -------------------------------------------------------------------------------


async def test_a_text_goes_out_as_utf8_without_escapes(api: FakeApi, wechat: WeChatClient) -> None:
    await wechat.send_text(OPENID, "你好 “引号” 👩‍💻")

    (call,) = api.of(SEND)
    assert (call.method, call.query) == ("POST", {"access_token": "token-1"})
    assert call.headers["content-type"] == "application/json; charset=utf-8"
    assert "你好 “引号” 👩‍💻".encode()[:6] in call.body
    assert b"\\u" not in call.body
    text = {"content": "你好 “引号” 👩‍💻"}
    assert call.json == {"touser": OPENID, "msgtype": "text", "text": text}


async def test_a_lone_surrogate_does_not_stop_a_text(api: FakeApi, wechat: WeChatClient) -> None:
    await wechat.send_text(OPENID, "a\ud83db")

    assert api.of(SEND)[0].json["text"]["content"] == "a?b"


async def test_an_image_is_uploaded_and_sent(api: FakeApi, wechat: WeChatClient) -> None:
    api.script("media/upload", {"type": "image", "media_id": "M-1", "created_at": 1763800000})

    media_id = await wechat.upload_image("a.png", b"\x89PNG\r\n\x1a\n", "image/png")
    await wechat.send_image(OPENID, media_id)

    (upload,), (sent,) = api.of("media/upload"), api.of(SEND)
    assert upload.query == {"type": "image", "access_token": "token-1"}
    assert upload.headers["content-type"].startswith("multipart/form-data; boundary=")
    assert b'name="media"; filename="a.png"\r\nContent-Type: image/png' in upload.body
    assert b"\x89PNG\r\n\x1a\n" in upload.body
    assert sent.json == {"touser": OPENID, "msgtype": "image", "image": {"media_id": "M-1"}}


async def test_typing_is_shown(api: FakeApi, wechat: WeChatClient) -> None:
    await wechat.typing(OPENID)

    (call,) = api.of("message/custom/typing")
    assert call.json == {"touser": OPENID, "command": "Typing"}


@pytest.mark.parametrize("code", [45072, 45080, 45081])
async def test_typing_that_wechat_does_not_want_is_no_failure(
    api: FakeApi, wechat: WeChatClient, code: int
) -> None:
    api.script("message/custom/typing", code)

    await wechat.typing(OPENID)

    assert api.count("message/custom/typing") == 1


async def test_typing_that_is_not_allowed_is_told(api: FakeApi, wechat: WeChatClient) -> None:
    api.script("message/custom/typing", 48001)

    with pytest.raises(ApiError) as raised:
        await wechat.typing(OPENID)

    assert raised.value.reaction is Reaction.NOT_ALLOWED


async def test_a_template_message_has_an_id(api: FakeApi, wechat: WeChatClient) -> None:
    api.script("message/template/send", {"errcode": 0, "errmsg": "ok", "msgid": 200228332})

    found = await wechat.send_template(OPENID, "T1", {"thing1": "喝水"}, url="https://example.com")

    assert found == "200228332"
    (call,) = api.of("message/template/send")
    data = {"thing1": {"value": "喝水"}}
    url = "https://example.com"
    assert call.json == {"touser": OPENID, "template_id": "T1", "data": data, "url": url}


async def test_a_menu_is_created_read_and_deleted(api: FakeApi, wechat: WeChatClient) -> None:
    menu = {"button": [{"type": "click", "name": "帮助", "key": "/help"}]}
    api.script("menu/get", {"menu": menu}, {"errcode": 46003, "errmsg": "menu no exist"})

    await wechat.create_menu(menu)
    assert await wechat.get_menu() == menu
    await wechat.delete_menu()
    assert await wechat.get_menu() == {}

    assert api.of("menu/create")[0].json == menu
    assert [call.method for call in api.of("menu/get")] == ["GET", "GET"]
    assert [call.method for call in api.of("menu/delete")] == ["GET"]


async def test_the_addresses_of_wechat_are_asked_for(api: FakeApi, wechat: WeChatClient) -> None:
    api.script("getcallbackip", {"ip_list": ["101.226.62.77", "58.251.80.0/24"]})

    assert await wechat.callback_ips() == ["101.226.62.77", "58.251.80.0/24"]


# -- a token that WeChat refuses ----------------------------------------------------------------


@pytest.mark.parametrize("code", [40001, 40014, 42001, 41001])
async def test_a_refused_token_is_renewed_once_and_the_call_made_once_more(
    api: FakeApi, wechat: WeChatClient, code: int
) -> None:
    await wechat.send_text(OPENID, "first")
    api.revoke()
    api.script(SEND, code, 0)

    await wechat.send_text(OPENID, "second")

    tokens = [call.query["access_token"] for call in api.of(SEND)]
    assert tokens == ["token-1", "token-1", "token-2"]
    assert api.count(TOKEN) == 2


async def test_twenty_sends_with_one_stale_token_cost_one_fetch(
    api: FakeApi, wechat: WeChatClient
) -> None:
    await wechat.send_text(OPENID, "first")
    api.revoke()

    await asyncio.gather(*[wechat.send_text(OPENID, f"{n}") for n in range(20)])

    assert api.count(TOKEN) == 2
    # The first; twenty refused; twenty with the new token.
    assert api.count(SEND) <= 41
    succeeded = [c for c in api.of(SEND) if c.query["access_token"] == "token-2"]
    assert len({call.body for call in succeeded}) == len(succeeded) == 20


async def test_tokens_that_are_refused_again_and_again_stop_all_calls(
    api: FakeApi, wechat: WeChatClient
) -> None:
    api.script(SEND, 40001)

    with pytest.raises(ApiError, match="40001"):
        await wechat.send_text(OPENID, "a")
    for _ in range(100):
        with pytest.raises(TokenUnavailable):
            await wechat.send_text(OPENID, "a")

    assert api.count(SEND) == 2
    assert api.count(TOKEN) == 3  # cold, again, and forced
    assert "just given out" in (await read(load_account)).token_error


@pytest.mark.parametrize("code", [45015, 45047, 48001, -1, 45009, 43004, 47001])
async def test_other_refusals_are_told_and_nothing_is_repeated(
    api: FakeApi, wechat: WeChatClient, code: int
) -> None:
    api.script(SEND, {"errcode": code, "errmsg": "some words rid: 1-2-3"})

    with pytest.raises(ApiError) as raised:
        await wechat.send_text(OPENID, "a")

    assert (raised.value.code, raised.value.message) == (code, "some words")
    assert raised.value.rid == "1-2-3"
    assert (api.count(SEND), api.count(TOKEN)) == (1, 1)


async def test_without_a_token_nothing_is_sent(api: FakeApi, wechat: WeChatClient) -> None:
    api.script(TOKEN, 40164)

    with pytest.raises(TokenUnavailable, match="whitelist"):
        await wechat.send_text(OPENID, "a")

    assert not api.count(SEND)


# -- answers that are none ----------------------------------------------------------------------

UNCLEAR: dict[str, Any] = {
    "a page": Answer("<html>Please sign in</html>"),
    "a page with an error": Answer("<html>502 Bad Gateway</html>", status=502),
    "nothing": Answer(""),
    "a list": Answer([]),
    "a number": Answer("0"),
    "null": Answer("null"),
    "an empty object": Answer({}),
    "no error code": Answer({"errmsg": "ok"}),
    "null as error code": Answer({"errcode": None}),
    "a text as error code": Answer({"errcode": "0"}),
    "false as error code": Answer({"errcode": False}),
    "success with HTTP 500": Answer({"errcode": 0}, status=500),
    "cut off": Answer('{"errcode": 0'),
    "not UTF-8": Answer(b'{"errcode": 0, "errmsg": "\xff"}'),
    "a long number": Answer('{"errcode": ' + "9" * 5000 + "}"),
    "deep": Answer("[" * 200_000),
    "long": Answer(b'{"errcode": 0, "errmsg": "' + b"a" * MAX_ANSWER + b'"}'),
    "a redirect": Answer("", status=302, headers={"Location": "http://127.0.0.1:1/a"}),
    "a redirect to nowhere": Answer("", status=302, headers={"Location": "http://[::1"}),
    "compressed rubbish": Answer("{}", headers={"Content-Encoding": "gzip"}),
    "hung up": Answer(drop=True),
    "less than announced": Answer("{", headers={"Content-Length": "900"}),
    "a header that is none": Answer(b"", headers={"Bad\x00Header": "x"}),
}


@pytest.mark.parametrize("kind", UNCLEAR)
async def test_an_answer_that_is_none_leaves_the_outcome_unknown(
    api: FakeApi, wechat: WeChatClient, kind: str
) -> None:
    api.script(SEND, UNCLEAR[kind])

    with pytest.raises(Unknown):
        await wechat.send_text(OPENID, "a")

    assert api.count(SEND) == 1


async def test_no_answer_in_time_leaves_the_outcome_unknown(
    api: FakeApi, wechat: WeChatClient
) -> None:
    api.script(SEND, Answer(delay=60))

    with pytest.raises(Unknown, match=r"no answer within 0\.3 seconds"):
        await wechat.call(SEND, {"touser": OPENID}, seconds=0.3)

    assert api.count(SEND) == 1


@asynccontextmanager
async def trickling() -> AsyncIterator[str]:
    """Yield an address that answers a byte every 50 ms, for ever."""

    async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        try:
            while True:
                writer.write(b" ")
                await writer.drain()
                await asyncio.sleep(0.05)
        except OSError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(trickle, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def test_an_answer_that_trickles_in_does_not_hold_the_call() -> None:
    async with trickling() as address:
        with pytest.raises(Unknown, match="no answer within"):
            await calling.Exchange(address)(f"{address}/a", calling.json_body({}), 0.4)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("media/upload", {"errcode": 0}),
        ("media/upload", {"media_id": 5}),
        ("menu/get", {"errcode": 0}),
        ("menu/get", {"menu": []}),
        ("getcallbackip", {"ip_list": "1.2.3.4"}),
    ],
)
async def test_an_answer_without_what_was_asked_for_is_none(
    api: FakeApi, wechat: WeChatClient, path: str, body: dict[str, Any]
) -> None:
    calls = {
        "media/upload": lambda: wechat.upload_image("a.png", b"", "image/png"),
        "menu/get": wechat.get_menu,
        "getcallbackip": wechat.callback_ips,
    }
    api.script(path, body)

    with pytest.raises(Unknown):
        await calls[path]()


# -- what was never sent ------------------------------------------------------------------------


async def test_a_refused_connection_means_that_nothing_was_sent(
    api: FakeApi, wechat: WeChatClient, settings: Any
) -> None:
    await wechat.send_text(OPENID, "the token is known now")
    settings.WECHAT_API_BASE_URL = refusing_address()

    with pytest.raises(Unreachable, match="ConnectError"):
        await client().send_text(OPENID, "a")


@pytest.mark.parametrize(
    "address", ["http://nowhere.invalid", "http://[::1", "http://127.0.0.1:99999", "http:///a"]
)
async def test_a_wrong_address_means_that_nothing_was_sent(address: str) -> None:
    with pytest.raises(Unreachable):
        await calling.Exchange("http://127.0.0.1")(f"{address}/cgi-bin/x", {}, 10)


async def test_a_full_set_of_connections_means_that_nothing_was_sent(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calling, "CONNECTIONS", 1)
    api.script("slow", Answer(delay=60))
    exchange = calling.Exchange(api.url)

    async def ask(seconds: float) -> None:
        await exchange(f"{api.url}/cgi-bin/slow", calling.json_body({}), seconds)

    first = asyncio.create_task(ask(30))
    while not api.count("slow"):
        await asyncio.sleep(0.01)
    with pytest.raises(Unreachable):
        await ask(0.3)

    first.cancel()
    await asyncio.wait([first])
    assert api.count("slow") == 1


async def test_a_peer_that_does_not_speak_tls_has_been_sent_nothing(api: FakeApi) -> None:
    address = api.url.replace("http:", "https:")

    with pytest.raises(Unreachable):
        await calling.Exchange(address)(f"{address}/cgi-bin/x", calling.json_body({}), 10)

    assert not api.calls


# -- the way out --------------------------------------------------------------------------------


async def test_a_proxy_of_the_environment_is_not_used_for_this_machine(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, refusing_address())
    monkeypatch.delenv("REQUEST_METHOD", raising=False)

    await client().send_text(OPENID, "a")

    assert api.count(SEND) == 1


async def test_a_proxy_of_the_environment_is_used_for_other_machines(
    api: FakeApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", api.url)
    base = "http://relay.example"

    status, data = await calling.Exchange(base)(f"{base}/cgi-bin/{SEND}", {}, 10)

    assert (status, json.loads(data)["errcode"]) == (200, 40001)


async def test_each_call_has_a_connection_of_its_own(api: FakeApi, wechat: WeChatClient) -> None:
    """On a kept one that WeChat closes just then, the outcome of the next would be unknown."""
    for _ in range(5):
        await wechat.send_text(OPENID, "a")

    assert len({call.port for call in api.calls}) == len(api.calls) == 6


async def test_a_loop_has_one_client_until_the_settings_change(api: FakeApi, settings: Any) -> None:
    first = client()
    assert client() is first

    settings.WECHAT_APP_SECRET = "another"

    assert client() is not first
