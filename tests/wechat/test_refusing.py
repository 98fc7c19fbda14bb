"""Refusing: the webhook answers what is not authentic with its 4xx, and the database rests."""

from __future__ import annotations

import logging
import time
from types import SimpleNamespace
from typing import Any

import pytest
from django.http import HttpResponse
from django.test import AsyncClient

from tests.wechat.test_hostile_requests import CIPHERTEXTS, MESSAGES, QUERIES, request_of
from tests.wechat.test_reading_xml import HOSTILE
from tests.wechat.vectors import (
    APP_ID,
    KEY,
    NOW,
    ORIGINAL_ID,
    PREVIOUS_KEY,
    TOKEN,
    message,
    named,
    sealed,
    sealed_as,
    signed,
)
from wechat import views

# One of them is an ordinary message if it comes alone.
PUBLISHED = {
    name: case
    for name, case in named("negative_requests").items()
    if name != "post_same_nonce_other_body"
}
SECRETS = (TOKEN, KEY, PREVIOUS_KEY)


@pytest.fixture(autouse=True)
def account(wechat_on: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Have the account of the vectors, at their time; return the settings."""
    wechat_on.WECHAT_TOKEN = TOKEN
    wechat_on.WECHAT_APP_ID = APP_ID
    wechat_on.WECHAT_AES_KEY = KEY
    wechat_on.WECHAT_AES_KEY_PREVIOUS = PREVIOUS_KEY
    wechat_on.WECHAT_ORIGINAL_ID = ORIGINAL_ID
    wechat_on.WECHAT_MODE = "plain"
    monkeypatch.setattr(views, "timezone", SimpleNamespace(now=lambda: NOW))
    return wechat_on


async def sent(query: dict[str, str], body: bytes | None, method: str = "POST") -> HttpResponse:
    """Send a request, without a body by GET; fails if the answer takes a second."""
    started = time.monotonic()
    method = "GET" if body is None else method
    response = await AsyncClient(raise_request_exception=True).generic(
        method, "/wechat", body or b"", content_type="text/xml", query_params=query
    )
    assert time.monotonic() - started < 1
    assert response["Content-Type"].startswith("text/plain") or response.status_code == 405
    return response


@pytest.mark.parametrize("name", PUBLISHED)
async def test_published_hostile_requests_get_their_status(name, account):
    case = PUBLISHED[name]
    query, body, account.WECHAT_MODE = (
        ({}, b"", "plain") if case["method"] == "PUT" else request_of(case)
    )

    response = await sent(query, body, case["method"])

    assert response.status_code in case["expect_http"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS", "TRACE"])
async def test_other_methods_are_not_allowed(method):
    assert (await sent(signed(echostr="1"), b"", method)).status_code == 405


async def test_an_echo_comes_back_verbatim_as_plain_text():
    response = await sent(signed(echostr="<script>alert(1)</script>"), None)

    assert (response.status_code, response.content) == (200, b"<script>alert(1)</script>")


# No URL can hold a lone surrogate.
@pytest.mark.parametrize("name", [name for name in QUERIES if "surrogate" not in name])
async def test_a_query_that_is_not_wechats_is_refused(name):
    status, query = QUERIES[name]

    assert (await sent(query, message().encode())).status_code == status
    assert (await sent({**query, "echostr": "1"}, None)).status_code == status


@pytest.mark.parametrize("name", HOSTILE)
async def test_a_body_that_is_no_message_is_refused(name, account):
    assert (await sent(signed(), HOSTILE[name])).status_code == 400

    account.WECHAT_MODE = "secure"
    query, body = sealed(HOSTILE[name])
    assert (await sent(query, body)).status_code == (413 if len(body) > views.MAX_BODY else 400)


@pytest.mark.parametrize("name", MESSAGES)
async def test_a_message_without_what_each_has_is_refused(name):
    assert (await sent(signed(), MESSAGES[name].encode())).status_code == 400


@pytest.mark.parametrize("name", CIPHERTEXTS)
async def test_what_cannot_be_decrypted_is_refused(name, account):
    account.WECHAT_MODE = "secure"
    status, ciphertext = CIPHERTEXTS[name]

    assert (await sent(*sealed_as(ciphertext))).status_code == status


@pytest.mark.parametrize("megabytes", [0.3, 10])
async def test_a_body_that_is_too_large_is_refused(megabytes):
    body = message(Content="a" * int(megabytes * 1_000_000)).encode()

    assert (await sent(signed(), body)).status_code == 413


@pytest.mark.parametrize(("mode", "is_sealed"), [("plain", True), ("secure", False)])
async def test_the_other_mode_is_refused(mode, is_sealed, account):
    account.WECHAT_MODE = mode

    query, body = sealed(message()) if is_sealed else (signed(), message().encode())

    assert (await sent(query, body)).status_code == 403


async def test_a_refusal_is_logged_and_answered_without_secrets_or_text(account, caplog):
    account.WECHAT_MODE = "secure"
    caplog.set_level(logging.DEBUG)
    xml = message(Content="private words", FromUserName="o b")
    requests = [
        sealed(xml),
        sealed(message(Content="private words"), app_id="wx0000000000000000"),
        (signed(token="guessed"), xml.encode()),
        (signed(), xml.encode()),
    ]

    responses = [await sent(*request) for request in requests]

    # A formatter may show whatever a record holds, not only its text.
    shown = "".join(f"{record.getMessage()} {vars(record)}" for record in caplog.records)
    shown += "".join(response.content.decode() for response in responses)
    assert "refused" in shown
    hidden = [*SECRETS, "private", "o b", *(query["signature"] for query, _ in requests)]
    assert not [word for word in hidden if word in shown]
