"""The doctor calls the webhook as WeChat does, and explains what comes back."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from tests.wechat.doctoring import Webhook, found
from tests.wechat.doctoring import webhook as webhook
from tests.wechat.doctoring import well as well
from tests.wechat.fake_api import api as api
from tests.wechat.fake_api import refusing_address
from wechat.doctor import Level


def test_the_webhook_is_called_as_wechat_does(well: Any, webhook: Webhook) -> None:
    finding = found("Webhook")

    assert finding.level == Level.UNKNOWN
    assert f"http://127.0.0.1:{webhook.port}/wechat" in finding.text
    assert "--url" in finding.advice
    assert set(webhook.queries[0]) == {"signature", "timestamp", "nonce", "echostr"}


@pytest.mark.parametrize(
    ("status", "advice"),
    [
        (400, "ALLOWED_HOSTS"),
        (403, "another WECHAT_TOKEN"),
        (404, "WECHAT_PATH"),
        (405, "log"),
        (500, "log"),
        (502, "is it running"),
    ],
)
def test_each_refusal_of_the_webhook_is_explained(
    well: Any, webhook: Webhook, status: int, advice: str
) -> None:
    webhook.status = status

    finding = found("Webhook")

    assert finding.level == Level.ERROR
    assert f"status {status}" in finding.text
    assert advice in finding.advice


def test_a_redirect_is_told_without_its_query(well: Any, webhook: Webhook) -> None:
    webhook.status = 301
    webhook.headers = {"Location": "https://www.example.org/wechat?signature=abc"}

    finding = found("Webhook")

    assert "leads on to https://www.example.org/wechat; WeChat follows no redirect" in finding.text
    assert "signature" not in finding.text


def test_any_other_page_is_not_taken_for_the_webhook(well: Any, webhook: Webhook) -> None:
    webhook.body = lambda query: f"<html>{query['echostr']}</html>"

    finding = found("Webhook")

    assert finding.level == Level.ERROR
    assert "something else" in finding.text


def test_a_site_that_does_not_run_is_told(well: Any) -> None:
    well.BOTFLOW_PORT = int(refusing_address().rpartition(":")[2])

    finding = found("Webhook")

    assert finding.level == Level.ERROR
    assert "Start the web process" in finding.advice


def test_a_site_that_hangs_is_told(
    well: Any, webhook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()
    webhook.body = lambda query: str(released.wait(30))
    monkeypatch.setattr("wechat.doctor_callback.PATIENCE", 0.2)

    finding = found("Webhook")
    released.set()

    assert finding.level == Level.ERROR
    assert "did not answer" in finding.text


def test_a_call_past_the_web_server_names_the_sites_host(well: Any, webhook: Webhook) -> None:
    well.ALLOWED_HOSTS = ["bot.example.org"]

    found("Webhook")

    assert webhook.hosts == ["bot.example.org"]


@pytest.mark.parametrize(
    ("url", "text"),
    [
        ("https://bot.example.org:8443", "WeChat calls only 80 (http) and 443 (https)"),
        ("ftp://bot.example.org", "is no address of a site"),
        ("https://", "is no address of a site"),
    ],
)
def test_an_address_that_wechat_would_not_call_is_refused(well: Any, url: str, text: str) -> None:
    finding = found("Webhook", url=url)

    assert finding.level == Level.ERROR
    assert text in finding.text


def test_an_address_of_the_site_alone_gets_the_path(well: Any, webhook: Webhook) -> None:
    well.WECHAT_PATH = "/other"

    finding = found("Webhook", url=f"http://127.0.0.1:{webhook.port}/")

    assert f":{webhook.port}/other" in finding.text
