"""The simulator signs, encrypts, waits, repeats and judges answers as WeChat does."""

from __future__ import annotations

import ast
import time
import xml.etree.ElementTree as Tree
from pathlib import Path

import pytest
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import check_signature

from tests.wechat_site.conftest import Asked, Webhook
from wechat import simulator
from wechat.simulator import SERVICE_FAULT, NotLoopback, OfficialAccount, Simulator, secrecy
from wechat.simulator.sender import require_loopback

# From developers.weixin.qq.com/doc/service/guide/dev/push/encryption.html.
PUBLISHED = {
    "timestamp": "1714112445",
    "nonce": "415670741",
    "signature": "6c5c811b55cc85e0e1b54100749188c20beb3f5d",
    "msg_signature": "046e02f8204d34f8ba5fa3b1db94908f3df2e9b3",
    "encrypt": (
        "+qdx1OKCy+5JPCBFWw70tm0fJGb2Jmeia4FCB7kao+/Q5c/ohsOzQHi8khUOb05JCpj0JB4RvQMkUyus8TPxLKJGQqcv"
        "ZqzDpVzazhZv6JsXUnnR8XGT740XgXZUXQ7vJVnAG+tE8NUd4yFyjPy7GgiaviNrlCTj+l5kdfMuFUPpRSrfMZuMcp3F"
        "n2Pede2IuQrKEYwKSqFIZoNqJ4M8EajAsjLY2km32IIjdf8YL/P50F7mStwntrA2cPDrM1kb6mOcfBgRtWygb3VIYnSe"
        "OBrebufAlr7F9mFUPAJGj04="
    ),
}
ANY_MODE = [OfficialAccount(mode="plain"), OfficialAccount("compatible"), OfficialAccount("secure")]


@pytest.fixture(autouse=True)
def is_impatient(wechat: Simulator, webhook: Webhook) -> None:
    """Hang up after half a second, and be connected to the bare webhook."""
    wechat.sender.hangs_up_after = 0.5
    wechat.connect(webhook.url)


def reply(wechat: Simulator, openid: str, text: str, **other: str) -> bytes:
    """Return a passive reply as a site writes it, with some of its elements replaced."""
    fields = {
        "ToUserName": openid,
        "FromUserName": wechat.account.original_id,
        "CreateTime": "1760000000",
        "MsgType": "text",
        "Content": f"<![CDATA[{text}]]>",
    } | other
    xml = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f"<xml>{xml}</xml>".encode()


def sealed(wechat: Simulator, xml: bytes) -> bytes:
    """Return the reply as wechatpy encrypts it."""
    account = wechat.account
    crypto = WeChatCrypto(account.token, account.aes_key, account.app_id)
    return crypto.encrypt_message(xml.decode(), "1234567", "1760000000").encode()


def test_it_shares_no_code_with_the_site_that_it_checks() -> None:
    imports = {
        name
        for path in Path(simulator.__file__).parent.glob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and (name := node.module or "")
    }

    own = {name for name in imports if name.startswith("wechat")}
    assert "wechat.simulator.secrecy" in own
    assert all(name.startswith("wechat.simulator") for name in own)
    assert not any(name.startswith(("conversations", "scheduling", "django")) for name in imports)


# -- signatures and encryption ---------------------------------------------------------------------


def test_its_signatures_are_the_published_ones() -> None:
    moment = ("AAAAA", PUBLISHED["timestamp"], PUBLISHED["nonce"])

    assert secrecy.sign(*moment) == PUBLISHED["signature"]
    assert secrecy.sign(*moment, PUBLISHED["encrypt"]) == PUBLISHED["msg_signature"]


def test_it_reads_the_published_ciphertext_and_no_other_account_does() -> None:
    text = secrecy.decrypt(PUBLISHED["encrypt"], "A" * 43, "wxba5fad812f8e6fb9")

    assert '"debug_str":"hello world"' in text
    with pytest.raises(secrecy.BadCiphertext, match="for the app id"):
        secrecy.decrypt(PUBLISHED["encrypt"], "A" * 43, "wx0000000000000000")
    with pytest.raises(secrecy.BadCiphertext, match="cannot be decrypted"):
        secrecy.decrypt(PUBLISHED["encrypt"], "B" * 43, "wxba5fad812f8e6fb9")


@pytest.mark.parametrize("wechat_account", ANY_MODE, ids=lambda account: account.mode)
async def test_another_library_reads_what_it_sends(wechat: Simulator, webhook: Webhook) -> None:
    account = wechat.account

    await wechat.follower("oAlice").says("你好 ]]> & <b>")

    [asked] = webhook.asked
    query = asked.query
    check_signature(account.token, query["signature"], query["timestamp"], query["nonce"])
    xml, shown = asked.body.decode(), Tree.fromstring(asked.body)
    assert (shown.find("Content") is None) == (account.mode == "secure")
    assert (
        (shown.find("Encrypt") is None)
        == (account.mode == "plain")
        == ("msg_signature" not in query)
    )
    if account.encrypts:
        crypto = WeChatCrypto(account.token, account.aes_key, account.app_id)
        xml = crypto.decrypt_message(
            xml, query["msg_signature"], query["timestamp"], query["nonce"]
        )
    message = Tree.fromstring(xml)
    assert message.findtext("Content") == "你好 ]]> & <b>"
    assert message.findtext("FromUserName") == query["openid"] == "oAlice"
    assert message.findtext("ToUserName") == account.original_id
    assert abs(int(message.findtext("CreateTime") or 0) - time.time()) < 5


async def test_it_verifies_an_address_as_the_console_does(
    wechat: Simulator, webhook: Webhook
) -> None:
    assert await wechat.verify()

    wechat.connect("http://127.0.0.1:9/wechat")  # the discard port: nobody listens
    assert not await wechat.verify()


# -- requests --------------------------------------------------------------------------------------


async def test_it_hangs_up_and_sends_the_same_message_three_times_signed_anew(
    wechat: Simulator, webhook: Webhook
) -> None:
    webhook.answer = lambda _asked: webhook.hold(9)
    alice = wechat.follower()

    exchange = await alice.says("hello?")

    assert [attempt.problem for attempt in exchange.attempts] == ["hung up"] * 3
    assert all(0.5 <= attempt.seconds < 3 for attempt in exchange.attempts)
    assert len({asked.query["signature"] for asked in webhook.asked}) == 3
    assert alice.texts == [SERVICE_FAULT]


@pytest.mark.parametrize("wechat_account", [OfficialAccount(mode="plain")], ids=["plain"])
async def test_a_repeated_request_can_keep_its_signature(
    wechat: Simulator, webhook: Webhook
) -> None:
    webhook.answer = lambda asked: webhook.hold(9) if asked.number == 1 else b""
    wechat.sender.signs_again = False

    exchange = await wechat.follower().says("hello?")

    first, second = webhook.asked
    assert (first.query, first.body) == (second.query, second.body)
    assert (exchange.reply, exchange.fault) == (None, "")


@pytest.mark.parametrize("wechat_account", [OfficialAccount(mode="plain")], ids=["plain"])
async def test_the_second_request_is_answered(wechat: Simulator, webhook: Webhook) -> None:
    alice = wechat.follower()
    answer = reply(wechat, alice.openid, "here")
    webhook.answer = lambda asked: webhook.hold(9) if asked.number == 1 else answer

    exchange = await alice.says("hello?")

    assert (exchange.text, len(webhook.asked)) == ("here", 2)
    assert [(shown.how, shown.text) for shown in alice.shown] == [("reply", "here")]


@pytest.mark.parametrize("wechat_account", [OfficialAccount(mode="plain")], ids=["plain"])
async def test_two_events_of_a_follower_never_share_a_second(
    wechat: Simulator, webhook: Webhook
) -> None:
    alice = wechat.follower()

    for _ in range(2):
        await alice.clicks("HELP")

    moments = {Tree.fromstring(asked.body).findtext("CreateTime") for asked in webhook.asked}
    assert len(moments) == 2


@pytest.mark.parametrize("wechat_account", [OfficialAccount(mode="plain")], ids=["plain"])
async def test_a_message_can_be_sent_again_after_its_answer(
    wechat: Simulator, webhook: Webhook
) -> None:
    exchange = await wechat.follower().says("hello?")

    await wechat.sender.deliver_again(exchange)

    first, second = (Tree.fromstring(asked.body) for asked in webhook.asked)
    assert first.findtext("MsgId") == second.findtext("MsgId") != ""
    assert len(exchange.attempts) == 2


@pytest.mark.parametrize(
    "url", ["https://example.com/wechat", "http://10.0.0.1/", "ftp://127.0.0.1/", "localhost", ""]
)
def test_it_signs_for_no_other_machine(url: str) -> None:
    with pytest.raises(NotLoopback):
        require_loopback(url)


@pytest.mark.parametrize("url", ["http://localhost:1/x", "http://127.8.0.1/", "http://[::1]:2/"])
def test_it_signs_for_this_machine(url: str) -> None:
    assert require_loopback(url) == url


# -- answers ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("answer", [b"", b"success"])
async def test_silence_shows_nothing(wechat: Simulator, webhook: Webhook, answer: bytes) -> None:
    webhook.answer = lambda _asked: answer
    alice = wechat.follower()

    exchange = await alice.says("hello")

    assert (alice.shown, exchange.fault) == ([], "")


@pytest.mark.parametrize("wechat_account", ANY_MODE, ids=lambda account: account.mode)
@pytest.mark.parametrize("is_sealed", [True, False], ids=["encrypted", "open"])
async def test_each_mode_takes_its_own_replies(
    wechat: Simulator, webhook: Webhook, is_sealed: bool
) -> None:
    def answer(_asked: Asked) -> bytes:
        xml = reply(wechat, alice.openid, "早上好")
        return sealed(wechat, xml) if is_sealed else xml

    webhook.answer = answer
    alice = wechat.follower()

    await alice.says("hello")

    wrong = {"plain": is_sealed, "compatible": False, "secure": not is_sealed}
    expected = SERVICE_FAULT if wrong[wechat.account.mode] else "早上好"
    assert alice.texts == [expected]


async def test_a_reply_with_a_wrong_signature_is_a_fault(
    wechat: Simulator, webhook: Webhook
) -> None:
    alice = wechat.follower()
    xml = sealed(wechat, reply(wechat, alice.openid, "hi"))
    webhook.answer = lambda _asked: xml.replace(b"1760000000", b"1760000001")

    exchange = await alice.says("hello")

    assert exchange.fault == "MsgSignature does not fit the reply."


@pytest.mark.parametrize("wechat_account", [OfficialAccount(mode="plain")], ids=["plain"])
@pytest.mark.parametrize(
    ("other", "fault"),
    [
        ({"ToUserName": "oBob"}, "ToUserName is 'oBob'"),
        ({"FromUserName": "gh_other"}, "FromUserName is 'gh_other'"),
        ({"CreateTime": "soon"}, "CreateTime is 'soon'"),
        ({"MsgType": "markdown"}, "MsgType is 'markdown'"),
        ({"Content": "  "}, "Content is empty"),
        ({"Content": "一" * 682 + "ab"}, "Content has 2048 bytes"),
        ({"Content": "a[b[0]]>c"}, "It is not XML"),
        ({"Content": "a</Content><Content>b"}, "Content is not a single text"),
        ({"MsgType": "image", "Image": "<MediaId>none</MediaId>"}, "There is no medium 'none'"),
    ],
)
async def test_what_wechat_does_not_take_is_a_fault(
    wechat: Simulator, webhook: Webhook, other: dict[str, str], fault: str
) -> None:
    alice = wechat.follower()
    webhook.answer = lambda _asked: reply(wechat, alice.openid, "hi", **other)

    exchange = await alice.says("hello")

    assert exchange.fault.startswith(fault)
    assert alice.texts == [SERVICE_FAULT]
    assert len(webhook.asked) == 1


@pytest.mark.parametrize("wechat_account", [OfficialAccount(mode="plain")], ids=["plain"])
async def test_the_longest_text_is_taken(wechat: Simulator, webhook: Webhook) -> None:
    alice = wechat.follower()
    webhook.answer = lambda _asked: reply(wechat, alice.openid, "一" * 682 + "a")

    exchange = await alice.says("hello")

    assert len(exchange.text.encode()) == 2047


@pytest.mark.parametrize(
    "answer", [(500, b""), (404, b"success"), b'{"errcode": 0}', b"success\n", b"<html></html>"]
)
async def test_an_answer_that_is_none_is_a_fault_and_not_asked_for_again(
    wechat: Simulator, webhook: Webhook, answer: bytes
) -> None:
    webhook.answer = lambda _asked: answer
    alice = wechat.follower()

    await alice.says("hello")

    assert alice.texts == [SERVICE_FAULT]
    assert len(webhook.asked) == 1
