"""Hostile requests: each gets its 4xx at once, whatever its bytes, and nothing else is raised."""

from __future__ import annotations

import base64
import struct
import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.wechat.test_reading_xml import HOSTILE
from tests.wechat.vectors import (
    APP_ID,
    NOW,
    TOKEN,
    answered,
    config,
    encrypt,
    encrypt_raw,
    event,
    expanded,
    message,
    named,
    sealed,
    sealed_as,
    sign,
    signed,
)

NEGATIVE = {name: it for name, it in named("negative_requests").items() if it["method"] != "PUT"}
OTHER_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
LETTERS = "abcdefghij"

QUERIES: dict[str, tuple[int, dict[str, str]]] = {
    "nothing": (403, {}),
    "no signature": (403, {**signed(), "signature": ""}),
    "no timestamp": (400, {**signed(), "timestamp": ""}),
    "no nonce": (400, {**signed(), "nonce": ""}),
    "signed without a timestamp": (400, signed(timestamp="")),
    "signed without a nonce": (400, signed(nonce="")),
    "signature of nothing": (400, {"signature": sign(), "timestamp": "", "nonce": ""}),
    "upper-case signature": (403, {**signed(), "signature": signed()["signature"].upper()}),
    "long signature": (403, {**signed(), "signature": signed()["signature"] + "0"}),
    "signature with a newline": (403, {**signed(), "signature": signed()["signature"] + "\n"}),
    "signature of full-width digits": (403, {**signed(), "signature": "０" * 40}),
    "signature of a lone surrogate": (403, {**signed(), "signature": "\ud800" * 40}),
    "another token": (403, signed(token="guessed")),
    "no token": (403, signed(token="")),
    "zero": (403, {**signed(), "signature": "0" * 40}),
    "shifted digit": (400, {**signed(), "timestamp": signed()["timestamp"] + "4", "nonce": "86"}),
    "short timestamp": (400, signed(timestamp="176380000")),
    "long timestamp": (400, signed(timestamp="17638000001")),
    "negative timestamp": (400, signed(timestamp="-176380000")),
    "timestamp with a point": (400, signed(timestamp="17638000.1")),
    "timestamp with an underscore": (400, signed(timestamp="17638_0000")),
    "timestamp of full-width digits": (400, signed(timestamp="１７６３８０００００")),
    "timestamp with a newline": (400, signed(timestamp="1763800000\n")),
    "timestamp of words": (400, signed(timestamp="yesterday!")),
    "timestamp of 5000 digits": (400, signed(timestamp="9" * 5000)),
    "largest timestamp": (403, signed(timestamp="9999999999")),
    "timestamp of zeros": (403, signed(timestamp="0000000000")),
    "nonce that ends CDATA": (400, signed(nonce="]]><a/>")),
    "nonce with a newline": (400, signed(nonce="123\n")),
    "nonce with NUL": (400, signed(nonce="1\0")),
    "Chinese nonce": (400, signed(nonce="随机")),
    "nonce of 65 characters": (400, signed(nonce="1" * 65)),
    "nonce of a lone surrogate": (400, {**signed(), "nonce": "\ud800"}),
}


def plain_of(length: int, xml: bytes = b"<xml/>", app_id: str = APP_ID) -> str:
    """Return what is encrypted with a length that need not be the true one."""
    return encrypt_raw(b"r" * 16 + struct.pack(">I", length) + xml + app_id.encode())


CIPHERTEXTS: dict[str, tuple[int, str]] = {
    "empty": (400, ""),
    "bad padding": (400, "abc"),
    "signs": (400, "@@@@"),
    "Chinese": (400, "密文密文"),
    "whitespace": (400, " "),
    "base64 of nothing": (400, "===="),
    "a blank inside": (400, encrypt(message())[:40] + " " + encrypt(message())[40:]),
    "a line break inside": (400, encrypt(message())[:76] + "\n" + encrypt(message())[76:]),
    "a bad character inside": (400, encrypt(message())[:40] + "!" + encrypt(message())[40:]),
    "another alphabet": (400, "-_-_" * 16),
    "behind the padding": (400, base64.b64encode(b"r" * 16).decode() + "AAAA"),
    "17 bytes": (400, base64.b64encode(b"r" * 17).decode()),
    "16 bytes": (400, base64.b64encode(b"r" * 16).decode()),
    "32 bytes": (400, base64.b64encode(b"r" * 32).decode()),
    "64 bytes": (400, base64.b64encode(b"r" * 64).decode()),
    "short plaintext": (400, encrypt_raw(b"r" * 17)),
    "nothing but padding": (400, encrypt_raw(b"")),
    "no padding": (400, encrypt_raw(b"\0" * 64, pads=False)),
    "padding beyond the text": (400, encrypt_raw(b"\xff" * 64, pads=False)),
    "length 0": (403, plain_of(0)),
    "length 0 before the app id": (400, plain_of(0, b"")),
    "length too large": (403, plain_of(1000)),
    "largest length": (403, plain_of(2**32 - 1)),
    "another app id": (403, encrypt(message(), app_id="wx0000000000000000")),
    "no app id": (403, encrypt(message(), app_id="")),
    "app id in upper case": (403, encrypt(message(), app_id=APP_ID.upper())),
    "invalid UTF-8": (400, encrypt(b"<xml>\xff</xml>")),
    "JSON": (400, encrypt('{"MsgType": "text"}')),
    "another encryption inside": (
        400,
        encrypt(f"<xml><Encrypt>{encrypt(message())}</Encrypt></xml>"),
    ),
}

MESSAGES: dict[str, str] = {
    "no sender": message(FromUserName=None),  # type: ignore[arg-type]
    "empty sender": message(FromUserName=""),
    "sender with a blank": message(FromUserName="o b"),
    "sender with markup": message(FromUserName="o]]&gt;"),
    "long sender": message(FromUserName="o" * 65),
    "Chinese sender": message(FromUserName="粉丝"),
    "no receiver": message(ToUserName=None),  # type: ignore[arg-type]
    "no time": message(CreateTime=None),  # type: ignore[arg-type]
    "time of words": message(CreateTime="now"),
    "negative time": message(CreateTime="-1"),
    "time of full-width digits": message(CreateTime="１７６３８０００００"),
    "huge time": message(CreateTime="9" * 24),
    "time with a point": message(CreateTime="1763800000.5"),
    "no kind": message(MsgType=None),  # type: ignore[arg-type]
    "empty kind": message(MsgType=""),
    "kind with markup": message(MsgType="<![CDATA[<b>]]>"),
    "long kind": message(MsgType="t" * 65),
    "no id": message(MsgId=None),  # type: ignore[arg-type]
    "empty id": message(MsgId=""),
    "id of words": message(MsgId="abc"),
    "negative id": message(MsgId="-5"),
    "id with an underscore": message(MsgId="1_0"),
    "id of full-width digits": message(MsgId="１２３"),
    "id of 10,000 digits": message(MsgId="9" * 10_000),
    "two ids": message(MsgId="1</MsgId><MsgId>2".join(["<![CDATA[0]]>", ""])),
    "two texts": message(Content="<![CDATA[a]]></Content><Content>b"),
    "fields in the text": message(Content="<Content>a</Content>"),
    "fields in the kind": message(MsgType="<a>text</a>"),
    "no event": event(None),  # type: ignore[arg-type]
    "empty event": event(""),
    "two events": event("<![CDATA[CLICK]]></Event><Event>VIEW"),
    "fields in the event": event("<a>CLICK</a>"),
    "event with markup": event("<![CDATA[<b>]]>"),
    "long event": event("e" * 65),
    "fields in the key": event("CLICK", EventKey="<a>b</a>"),
    "two keys": event("CLICK", EventKey="<![CDATA[a]]></EventKey><EventKey>b"),
}


def request_of(case: dict[str, Any]) -> tuple[dict[str, str], bytes | None, str]:
    """Return query, body and mode of a published hostile request."""
    asked = dict(case.get("query") or {})
    more = {name: value for name, value in asked.items() if name != "sign"}
    mode = case.get("mode", "plain")
    if case["method"] == "GET":
        return ({**signed(), **more} if asked.get("sign") else more), None, mode
    if mode == "plain":
        now = str(int(NOW.timestamp()))
        given = {name: value.replace("{now}", now) for name, value in more.items()}
        return (given or signed()), expanded(case["body"]), mode
    if "encrypt" in case:
        query, body = sealed_as(case["encrypt"])
    else:
        query, body = sealed(message())
    if case.get("msg_signature") == "=signature":
        query["msg_signature"] = query["signature"]
    return query, expanded(case["body"]) if "body" in case else body, mode


@pytest.mark.parametrize("name", NEGATIVE)
def test_published_hostile_requests_get_their_status_at_once(name):
    query, body, mode = request_of(NEGATIVE[name])
    started = time.monotonic()

    status = answered(query, body, config(mode))

    assert status in NEGATIVE[name]["expect_http"]
    assert time.monotonic() - started < 1


@pytest.mark.parametrize("name", QUERIES)
def test_a_query_that_is_not_wechats_is_refused(name):
    status, query = QUERIES[name]

    assert answered(query, message().encode(), config()) == status
    assert answered({**query, "echostr": "1"}, None, config()) == status
    assert answered({**query, "encrypt_type": "aes"}, b"", config("secure")) == status


@pytest.mark.parametrize("echo", [{}, {"echostr": ""}])
def test_a_verification_without_an_echo_is_refused(echo):
    assert answered({**signed(), **echo}, None, config()) == 400


@pytest.mark.parametrize("name", HOSTILE)
def test_a_body_that_is_no_message_is_refused_however_it_comes(name):
    body = HOSTILE[name]

    assert answered(signed(), body, config()) == 400
    assert answered(*sealed(body), config("secure")) == 400
    assert answered(signed(encrypt_type="aes"), body, config("secure")) == 400


@pytest.mark.parametrize("name", CIPHERTEXTS)
def test_what_cannot_be_decrypted_is_refused(name):
    status, ciphertext = CIPHERTEXTS[name]

    assert answered(*sealed_as(ciphertext), config("secure")) == status


@pytest.mark.parametrize("letter", LETTERS)
def test_another_key_opens_nothing(letter):
    xml = message(Content=letter * 20)

    assert answered(*sealed(xml, key=OTHER_KEY), config("secure")) in (400, 403)


@pytest.mark.parametrize(
    "signature",
    [
        None,
        "",
        "0" * 40,
        signed()["signature"],
        sign(TOKEN, "1763800000", "486452656", "x").upper(),
        "\ud800" * 40,
        "０" * 40,
    ],
)
def test_a_wrong_signature_of_the_encrypted_message_is_refused(signature):
    query, body = sealed(message())
    del query["msg_signature"]
    query |= {} if signature is None else {"msg_signature": signature}

    assert answered(query, body, config("secure")) == 403


def test_the_signature_covers_what_is_encrypted():
    query, _ = sealed(message(Content="a"))
    _, body = sealed(message(Content="b"))

    assert answered(query, body, config("secure")) == 403


@pytest.mark.parametrize("name", MESSAGES)
def test_a_message_without_sender_time_kind_or_identity_is_refused(name):
    xml = MESSAGES[name]
    settings = config("compatible", original_id="")

    assert answered(signed(), xml.encode(), settings) == 400
    assert answered(*sealed(xml), settings) == 400


def test_the_messages_that_these_are_made_of_are_accepted():
    for xml in (message(), event("CLICK", EventKey="a")):
        assert answered(signed(), xml.encode(), config()) == 200
        assert answered(*sealed(xml), config("secure")) == 200


quick = hypothesis_settings(
    max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
texts = st.text(st.characters(), max_size=50)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """Return a message of which a few stretches are lost, doubled or something else."""
    xml = draw(st.sampled_from([message(), message("voice"), event("CLICK", EventKey="/help")]))
    body = bytearray(xml.encode())
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(body)))
        end = min(start + draw(st.integers(0, 20)), len(body))
        stretch = bytes(body[start:end])
        other = st.sampled_from(
            [b"", stretch * 2, b"<a>", b"</xml>", b"]]>", b"&#x0;", b"<!DOCTYPE"]
        )
        body[start:end] = draw(other | st.binary(max_size=8))
    return bytes(body)


@quick
@given(st.binary(max_size=400) | mutated())
def test_any_body_of_who_knows_the_token_gets_a_status(body):
    settings = config("compatible", original_id="")

    assert answered(signed(), body, settings) in (200, 400)
    assert answered(*sealed(body), settings) in (200, 400)
    assert answered(signed(encrypt_type="aes"), body, settings) in (400, 403)


@quick
@given(st.binary(max_size=100), st.booleans())
def test_anything_encrypted_or_not_gets_a_status(data, pads):
    if not pads:
        data = data[: len(data) // 16 * 16]
    is_message = data.startswith(b"<xml>")

    for ciphertext in (encrypt_raw(data, pads=pads), base64.b64encode(data).decode()):
        assert answered(*sealed_as(ciphertext), config("secure")) in (400, 403)
    assert is_message or answered(*sealed(data), config("secure")) == 400


@quick
@given(st.dictionaries(st.sampled_from(sorted(sealed("")[0])), texts))
def test_any_query_gets_a_status(changes):
    query, body = sealed(message())

    for settings in (config("secure"), config("plain")):
        assert answered({**query, **changes}, body, settings) in (200, 400, 403)
        assert answered(changes, None, settings) in (400, 403)


@quick
@given(
    st.dictionaries(
        st.sampled_from(["MsgType", "Event", "EventKey", "MsgId", "FromUserName", "Content"]),
        st.text(st.characters(exclude_characters="]<", exclude_categories=["Cs", "Cc"])),
    )
)
def test_any_value_of_a_field_gets_a_status(fields):
    assert answered(signed(), message(**fields).encode(), config()) in (200, 400)
