"""The doctor judges each setting, shows no secret, and is a command."""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import call_command
from django.utils import timezone

from tests.wechat.doctoring import KEY, Webhook, levels
from tests.wechat.doctoring import webhook as webhook
from tests.wechat.doctoring import well as well
from tests.wechat.fake_api import SECRET, Answer, FakeApi
from tests.wechat.fake_api import api as api
from tests.wechat.posting import TOKEN
from wechat.doctor import Level, examine, look
from wechat.models import Account


def test_a_site_that_is_well_has_no_line_that_is_wrong(well: Any) -> None:
    told = levels(examine())

    assert {name: level for name, level in told.items() if level != Level.OK} == {
        "WeChat's API (WECHAT_API_BASE_URL)": Level.UNKNOWN,
        "Webhook": Level.UNKNOWN,
    }
    assert len(told) == 16


def test_a_site_without_a_token_has_one_thing_to_do(well: Any) -> None:
    well.WECHAT_TOKEN = ""

    told = [finding for part in examine() for finding in part.findings]

    assert told[0].level == Level.ERROR
    assert "WECHAT_TOKEN" in told[0].advice
    assert [part.title for part in look()] == ["Settings"]


@pytest.mark.parametrize(
    ("name", "values", "level"),
    [
        ("Token", {"WECHAT_TOKEN": "no"}, Level.ERROR),
        ("AppID", {"WECHAT_APP_ID": "0123"}, Level.ERROR),
        ("AppID", {"WECHAT_APP_ID": ""}, Level.ERROR),
        ("AppSecret", {"WECHAT_APP_SECRET": ""}, Level.WARNING),
        (
            "AppSecret",
            {"WECHAT_APP_SECRET": "", "WECHAT_REPLY": "customer_service"},
            Level.ERROR,
        ),
        ("AppSecret", {"WECHAT_APP_SECRET": "", "WECHAT_REPLY": "passive"}, Level.OK),
        ("EncodingAESKey", {"WECHAT_AES_KEY": KEY[1:]}, Level.ERROR),
        ("EncodingAESKey", {"WECHAT_AES_KEY": ""}, Level.ERROR),
        ("EncodingAESKey", {"WECHAT_AES_KEY_PREVIOUS": KEY}, Level.WARNING),
        ("EncodingAESKey", {"WECHAT_AES_KEY_PREVIOUS": "short"}, Level.ERROR),
        ("Message encryption", {"WECHAT_MODE": "plain"}, Level.WARNING),
        ("Message encryption", {"WECHAT_MODE": "compatible"}, Level.WARNING),
        ("Account", {"WECHAT_ORIGINAL_ID": "my-account"}, Level.ERROR),
        ("Account", {"WECHAT_ORIGINAL_ID": "gh_0123"}, Level.OK),
        ("Host names", {"ALLOWED_HOSTS": ["127.0.0.1", "localhost"]}, Level.WARNING),
        ("Age of requests", {"WECHAT_FRESHNESS": 0}, Level.WARNING),
    ],
)
def test_each_setting_is_judged(well: Any, name: str, values: dict[str, Any], level: Level) -> None:
    for setting, value in values.items():
        setattr(well, setting, value)

    (finding,) = [
        finding
        for part in look()
        for finding in part.findings
        if finding.name.startswith(f"{name} (")
    ]

    assert finding.level == level
    assert finding.advice or level == Level.OK


def test_a_secret_that_would_travel_unencrypted_is_wrong(well: Any) -> None:
    well.WECHAT_API_BASE_URL = "http://relay.example.org"

    assert levels(look())["WeChat's API (WECHAT_API_BASE_URL)"] == Level.ERROR


def test_no_line_holds_a_secret(
    well: Any, api: FakeApi, webhook: Webhook, caplog: pytest.LogCaptureFixture
) -> None:
    well.WECHAT_AES_KEY_PREVIOUS = KEY[::-1]
    told = []
    for logger in ("", "httpx", "httpcore"):
        caplog.set_level("DEBUG", logger)
    answers: list[Any] = [{"ip_list": []}, 40001, 40164, "<html>", Answer(drop=True)]
    for script in answers:
        api.script("getcallbackip", script)
        told += [str(part) for part in examine(insists=True)]
    api.script("stable_token", {"errcode": 40125, "errmsg": f"invalid {SECRET}"})
    told += [str(part) for part in examine(insists=True)]
    webhook.status = 302
    webhook.body = lambda query: query["signature"]
    webhook.headers = {"Location": "https://a.example.org/?signature=feedfacefeedface"}
    told += [str(part) for part in examine()]

    everything = "".join(told)
    logged = "".join(one.getMessage() for one in caplog.records)
    assert {"httpx", "httpcore.http11"} <= {one.name for one in caplog.records}
    signatures = {query["signature"] for query in webhook.queries}
    for secret in (TOKEN, SECRET, KEY, KEY[::-1], "token-1", "feedfacefeedface", *signatures):
        assert secret not in everything
        assert secret not in logged


def run_command(*arguments: str) -> tuple[str, int]:
    out = io.StringIO()
    code: Any = 0
    try:
        call_command("wechat_doctor", *arguments, stdout=out, no_color=True)
    except SystemExit as end:
        code = end.code
    return out.getvalue(), code


def test_the_command_prints_a_mark_for_each_line_and_ends_well(well: Any) -> None:
    said, code = run_command()

    assert code == 0
    assert "  ✓ Token (WECHAT_TOKEN): It is set.\n" in said
    assert "  ? Webhook: It answers on this machine" in said
    assert said.endswith("Nothing is wrong.\n")


def test_the_command_fails_when_something_is_wrong(well: Any, webhook: Webhook) -> None:
    webhook.status, well.WECHAT_MODE = 404, "plain"

    said, code = run_command()

    assert code == 1
    assert "  ✗ Webhook:" in said
    assert "    → Nothing is at this path" in said
    assert "  ! Message encryption" in said
    assert said.endswith("1 thing is wrong.\n")


def test_the_command_asks_anew_when_told(well: Any, api: FakeApi) -> None:
    later = timezone.now() + timedelta(hours=1)
    Account.objects.create(app_id=well.WECHAT_APP_ID, retry_at=later, token_error="Lost.")

    assert run_command()[1] == 1
    assert run_command("--retry")[1] == 0
