"""The doctor reads from the rows what arrived, what waits and what failed."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from scheduling.models import ClusterStatus
from tests.wechat.doctoring import add_follower, add_message, found
from tests.wechat.doctoring import webhook as webhook
from tests.wechat.doctoring import well as well
from tests.wechat.fake_api import api as api
from wechat.doctor import Level
from wechat.models import Follower


def test_a_site_without_a_cluster_answers_nobody(well: Any) -> None:
    ClusterStatus.objects.all().delete()

    assert found("Cluster").level == Level.ERROR


def test_followers_and_what_they_can_be_sent_are_counted(well: Any) -> None:
    past = timezone.now() - timedelta(hours=1)
    add_follower("used-up", message_left=0)
    add_follower("closed", message_until=past)
    add_follower("gone", is_subscribed=False)

    assert found("Followers").text == (
        "3 follow. 2 of them wrote within 48 hours."
        " 1 of these can be sent nothing more before they write again."
    )
    well.WECHAT_REPLY = "passive"
    assert found("Followers").text == "3 follow."


def test_the_last_message_is_told(well: Any) -> None:
    assert found("Last message").text.startswith("3\xa0minutes ago (2")


def test_before_the_first_message_it_is_told_how_it_would_come(well: Any) -> None:
    Follower.objects.all().delete()

    finding = found("Last message")

    assert finding.level == Level.UNKNOWN
    assert "console" in finding.advice


def test_messages_kept_are_counted_and_old_ones_worth_a_look(well: Any) -> None:
    follower = add_follower("waits")
    add_message(follower, "held")
    add_message(follower, "sent")

    assert found("Messages kept").level == Level.OK
    assert found("Messages kept").text.startswith("1 waits for its follower to write")
    add_message(follower, "held", created_at=days_ago(6))
    assert found("Messages kept").level == Level.WARNING
    assert found("Messages kept").text.startswith("2 wait")


def test_what_failed_lately_is_told_with_the_latest_reason(well: Any) -> None:
    follower = add_follower("unlucky")
    add_message(follower, "failed", delivery_error="They left.", created_at=days_ago(0.5))
    add_message(follower, "unknown", delivery_error="No clear answer.")
    add_message(follower, "failed", delivery_error="Long ago.", created_at=days_ago(2))

    finding = found("Failed deliveries")

    assert finding.level == Level.WARNING
    assert finding.text == "2; the latest: No clear answer."


def days_ago(days: float) -> datetime:
    return timezone.now() - timedelta(days=days)
