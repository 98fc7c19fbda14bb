"""The doctor asks WeChat whether the account is let in, and what it may send."""

from __future__ import annotations

from datetime import timedelta
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from django.utils import timezone
from django.utils.http import http_date

from tests.wechat.doctoring import Webhook, found, levels
from tests.wechat.doctoring import webhook as webhook
from tests.wechat.doctoring import well as well
from tests.wechat.fake_api import FakeApi, refusing_address
from tests.wechat.fake_api import api as api
from tests.wechat.posting import OPENID
from wechat.doctor import Level, examine, look
from wechat.models import Account, Follower


def test_looking_asks_nobody(well: Any, api: FakeApi, webhook: Webhook) -> None:
    look()

    assert not api.calls
    assert not webhook.queries


def test_a_secret_that_wechat_refuses_is_told_with_what_to_do(well: Any) -> None:
    well.WECHAT_APP_SECRET = "another"

    finding = found("Access token")

    assert finding.level == Level.ERROR
    assert "WECHAT_APP_SECRET" in finding.text
    assert "Try again" in finding.advice


def test_the_breaker_is_kept_to_unless_a_person_insists(well: Any, api: FakeApi) -> None:
    later = timezone.now() + timedelta(hours=1)
    Account.objects.create(
        app_id=well.WECHAT_APP_ID, failures=5, retry_at=later, token_error="The key was lost."
    )

    assert found("Access token").level == Level.ERROR
    assert found("Access token").text == "The key was lost."
    assert not api.count("stable_token")
    assert found("Access token", insists=True).level == Level.OK
    assert api.count("stable_token") == 1


def test_insisting_takes_no_stored_token_for_a_good_one(well: Any, api: FakeApi) -> None:
    assert found("Access token").level == Level.OK
    well.WECHAT_APP_SECRET = "changed-in-the-console"

    assert found("Access token").level == Level.OK
    assert found("Access token", insists=True).level == Level.ERROR


def test_wechat_out_of_reach_is_told_without_tripping_the_breaker(well: Any) -> None:
    well.WECHAT_API_BASE_URL = refusing_address()

    finding = found("Way to WeChat")

    assert finding.level == Level.ERROR
    assert "cannot be reached" in finding.text
    assert not Account.objects.exists()


def test_who_only_replies_needs_no_way_to_wechat(well: Any) -> None:
    well.WECHAT_API_BASE_URL = refusing_address()
    well.WECHAT_APP_SECRET = ""

    assert found("Way to WeChat").level == Level.WARNING


@pytest.mark.parametrize(
    ("ahead", "level"),
    [(0, Level.OK), (60, Level.WARNING), (-60, Level.WARNING), (900, Level.ERROR)],
)
def test_the_clock_is_compared_with_theirs(
    well: Any, ahead: int, level: Level, monkeypatch: pytest.MonkeyPatch
) -> None:
    date = http_date(timezone.now().timestamp() - ahead)
    monkeypatch.setattr(BaseHTTPRequestHandler, "date_time_string", lambda self: date)

    finding = found("Way to WeChat")

    assert finding.level == level
    assert ("ahead of" in finding.text) == (ahead > 0)
    assert ("behind" in finding.text) == (ahead < 0)
    assert ("is refused" in finding.text) == (level == Level.ERROR)


def test_whether_messages_may_be_sent_is_asked_once_and_remembered(well: Any, api: FakeApi) -> None:
    assert found("Customer-service").level == Level.OK
    found("Customer-service")

    assert [call.json for call in api.of("message/custom/typing")] == [
        {"touser": OPENID, "command": "Typing"}
    ]
    assert Account.objects.get().can_send is True


def test_an_account_that_may_only_reply_learns_what_that_means(well: Any, api: FakeApi) -> None:
    api.script("message/custom/typing", 48001)

    finding = found("Customer-service")

    assert finding.level == Level.WARNING
    assert "wait until the follower writes again" in finding.text
    assert Account.objects.get().can_send is False


@pytest.mark.parametrize("code", [45015, 45047, 43004, 45080, 45081])
def test_a_refusal_for_one_follower_says_that_sending_is_allowed(
    well: Any, api: FakeApi, code: int
) -> None:
    api.script("message/custom/typing", code)

    assert found("Customer-service").level == Level.OK


@pytest.mark.parametrize("code", [-1, 45009])
def test_an_answer_that_tells_nothing_leaves_it_open(well: Any, api: FakeApi, code: int) -> None:
    api.script("message/custom/typing", code)

    assert found("Customer-service").level == Level.UNKNOWN
    assert Account.objects.get().can_send is None


def test_without_any_follower_it_cannot_be_asked(well: Any, api: FakeApi) -> None:
    Follower.objects.all().delete()

    assert found("Customer-service").level == Level.UNKNOWN
    assert not api.count("message/custom/typing")


def test_an_account_that_must_send_and_may_not_is_wrong(well: Any) -> None:
    well.WECHAT_REPLY = "customer_service"
    Account.objects.create(app_id=well.WECHAT_APP_ID, can_send=False)

    assert found("Customer-service").level == Level.ERROR


def test_a_stop_is_told_until_it_is_over(well: Any) -> None:
    account = Account.objects.create(
        app_id=well.WECHAT_APP_ID,
        stopped_until=timezone.now() + timedelta(hours=3),
        stopped_detail="The day's messages are used up.",
    )

    assert found("Sending").level == Level.ERROR
    assert "The day's messages are used up." in found("Sending").text
    account.stopped_until = timezone.now()
    account.save()
    assert "Sending" not in levels(examine())
