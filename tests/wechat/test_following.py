"""Following: who leaves is not written to, their tasks pause; when they return these go on."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from scheduling.models import Run, Schedule
from scheduling.planning import pause
from tests.wechat.service import make_follower
from wechat.following import subscribe, unsubscribe
from wechat.ledger import Reach, reach
from wechat.models import Follower

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def task(follower: Follower, name: str = "tea", **values: object) -> Schedule:
    schedule = Schedule(
        name=name,
        owner=follower.conversation.owner,
        action="conversations.send_text",
        args={"conversation": str(follower.conversation.uuid), "text": name},
        **({"kind": "interval", "every": HOUR, "start_at": timezone.now() + HOUR} | values),
    )
    schedule.save()
    return schedule


def leave(follower: Follower) -> None:
    unsubscribe(follower, now=timezone.now())
    follower.save()


def come_back(follower: Follower) -> None:
    subscribe(follower, now=timezone.now())
    follower.save()


def fresh(schedule: Schedule) -> Schedule:
    return Schedule.objects.get(pk=schedule.pk)


def test_who_follows_is_known_with_when_and_through_what():
    follower = make_follower(refusal="WeChat answered 43004", is_subscribed=False)

    subscribe(follower, scene="poster-7", now=NOW)

    assert follower.is_subscribed
    assert (follower.subscribed_at, follower.scene) == (NOW, "poster-7")
    assert follower.refusal == ""


def test_a_scene_is_kept_when_they_come_back_without_one():
    follower = make_follower(scene="poster-7", is_subscribed=False)

    subscribe(follower, now=NOW)

    assert follower.scene == "poster-7"


def test_a_very_long_scene_is_cut():
    follower = make_follower()

    subscribe(follower, scene="x" * 500, now=NOW)
    follower.save()

    assert Follower.objects.get().scene == "x" * 200


def test_who_leaves_cannot_be_reached():
    follower = make_follower(action_until=NOW, action_left=3)

    unsubscribe(follower, now=NOW)

    assert not follower.is_subscribed
    assert follower.unsubscribed_at == NOW
    assert (follower.message_left, follower.action_left) == (0, 0)
    assert reach(follower, NOW) is Reach.UNSUBSCRIBED


def test_their_tasks_pause_with_the_reason():
    follower = make_follower()
    tea = task(follower)

    leave(follower)

    tea = fresh(tea)
    assert tea.is_paused
    assert tea.paused_reason == "The account is not followed any more."
    assert not Run.objects.filter(schedule=tea, state="pending").exists()


def test_the_tasks_of_others_go_on():
    follower, other = make_follower(), make_follower("another")
    theirs = task(other)

    leave(follower)

    assert fresh(theirs).enabled


def test_when_they_return_exactly_these_go_on():
    follower = make_follower()
    tea, paused = task(follower), task(follower, "paused by hand")
    pause(paused, now=timezone.now(), by="alice", reason="Later.")
    leave(follower)

    come_back(follower)

    assert fresh(tea).enabled
    assert fresh(tea).paused_reason == ""
    assert Run.objects.filter(schedule=tea, state="pending").count() == 1
    paused = fresh(paused)
    assert (paused.is_paused, paused.paused_by) == (True, "alice")


def test_a_moment_that_passed_meanwhile_is_not_made_up_for():
    follower = make_follower()
    once = task(follower, kind="once", at=timezone.now() + HOUR, every=None, start_at=None)
    leave(follower)
    Schedule.objects.filter(pk=once.pk).update(at=timezone.now() - HOUR)

    come_back(follower)

    once = fresh(once)
    assert once.finished_at is not None
    assert not Run.objects.filter(schedule=once, state="pending").exists()


def test_a_task_that_makes_no_sense_keeps_no_other_from_going_on():
    follower = make_follower()
    broken = task(follower, "broken", kind="cron", expression="0 9 * * *", **NO_INTERVAL)
    tea = task(follower)
    leave(follower)
    Schedule.objects.filter(pk=broken.pk).update(expression="nonsense")

    come_back(follower)

    assert fresh(broken).is_paused
    assert fresh(tea).enabled


NO_INTERVAL = {"every": None, "start_at": None}


def test_to_leave_or_to_come_twice_changes_nothing_more():
    follower = make_follower()
    tea = task(follower)

    leave(follower)
    leave(follower)
    come_back(follower)
    first = follower.subscribed_at
    come_back(follower)

    assert fresh(tea).enabled
    assert follower.subscribed_at == first
