"""The ledger of what each follower may still be sent, and until when."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from scheduling.writing import writing
from tests.wechat.service import OPENID, make_follower
from wechat.kinds import Window
from wechat.ledger import Reach, close, give_back, left, open_window, reach, spend
from wechat.models import Follower

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
HOUR, MINUTE, SECOND = timedelta(hours=1), timedelta(minutes=1), timedelta(seconds=1)


def follower(**values: object) -> Follower:
    return Follower(openid=OPENID, **values)


def opened(*windows: Window, at: datetime = NOON) -> Follower:
    one = follower()
    for window in windows:
        open_window(one, window, now=at)
    return one


def stored(**values: object) -> Follower:
    return make_follower(**({"message_until": NOON + HOUR, "message_left": 5} | values))


def current() -> Follower:
    return Follower.objects.get(openid=OPENID)


def test_a_message_opens_48_hours_for_five_messages():
    one = opened(Window.MESSAGE)

    assert left(one, NOON + 48 * HOUR - SECOND) == 5
    assert left(one, NOON + 48 * HOUR) == 0


def test_a_tap_opens_a_minute_for_three():
    one = opened(Window.ACTION)

    assert left(one, NOON + MINUTE - SECOND) == 3
    assert left(one, NOON + MINUTE) == 0


def test_what_is_no_act_of_theirs_opens_nothing():
    one = opened(Window.NONE)

    assert left(one, NOON) == 0
    assert one.last_inbound_at is None


def test_a_new_message_sets_the_number_again_and_adds_nothing():
    one = opened(Window.MESSAGE)
    one.message_left = 2

    open_window(one, Window.MESSAGE, now=NOON + HOUR)

    assert one.message_left == 5
    assert one.message_until == NOON + 49 * HOUR


@pytest.mark.parametrize("window", [Window.MESSAGE, Window.ACTION])
def test_who_writes_is_no_longer_refused(window):
    one = follower(refusal="They block the account.")

    open_window(one, window, now=NOON)

    assert reach(one, NOON) is Reach.OPEN
    assert one.last_inbound_at == NOON


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({"message_until": NOON + HOUR, "message_left": 1}, Reach.OPEN),
        ({"action_until": NOON + SECOND, "action_left": 1}, Reach.OPEN),
        ({"message_until": NOON + HOUR, "message_left": 0}, Reach.USED_UP),
        ({"message_until": NOON, "message_left": 5}, Reach.CLOSED),
        ({"action_until": NOON, "action_left": 3}, Reach.CLOSED),
        ({}, Reach.CLOSED),
        ({"message_until": NOON + HOUR, "message_left": 5, "refusal": "No."}, Reach.REFUSED),
        (
            {"message_until": NOON + HOUR, "message_left": 5, "is_subscribed": False},
            Reach.UNSUBSCRIBED,
        ),
    ],
)
def test_reach_tells_what_is_in_the_way(values, expected):
    assert reach(follower(**values), NOON) is expected


@pytest.mark.django_db
def test_the_window_that_closes_sooner_is_spent_first():
    stored(action_until=NOON + SECOND, action_left=1)

    assert [spend(OPENID, now=NOON) for _ in range(7)] == [
        Window.ACTION,
        *[Window.MESSAGE] * 5,
        None,
    ]
    assert left(current(), NOON) == 0


@pytest.mark.django_db
def test_a_closed_window_is_not_spent():
    stored()

    assert spend(OPENID, now=NOON + HOUR) is None
    assert current().message_left == 5


@pytest.mark.django_db
def test_nobody_has_nothing_to_spend():
    assert spend("nobody", now=NOON) is None


@pytest.mark.django_db(transaction=True)
def test_many_at_once_spend_no_more_than_there_is():
    stored(message_left=3)
    together = Barrier(6)

    def spend_together(_number: int) -> Window | None:
        try:
            together.wait(10)
            with writing():
                return spend(OPENID, now=NOON)
        finally:
            connection.close()

    with ThreadPoolExecutor(6) as threads:
        spent = list(threads.map(spend_together, range(6)))

    assert spent.count(Window.MESSAGE) == 3
    assert spent.count(None) == 3
    assert current().message_left == 0


@pytest.mark.django_db
@pytest.mark.parametrize("window", [Window.MESSAGE, Window.ACTION])
def test_what_was_not_sent_is_given_back(window):
    stored(message_left=0, action_left=0)

    give_back(OPENID, window)

    one = current()
    assert (one.message_left, one.action_left) == ((1, 0) if window is Window.MESSAGE else (0, 1))


@pytest.mark.django_db
def test_a_window_that_was_set_anew_meanwhile_is_not_filled_beyond_its_number():
    stored(message_left=5, action_left=3)

    give_back(OPENID, Window.MESSAGE)
    give_back(OPENID, Window.ACTION)

    assert (current().message_left, current().action_left) == (5, 3)


@pytest.mark.django_db
def test_closing_leaves_nothing_to_spend():
    stored(last_inbound_at=NOON - HOUR, action_until=NOON + MINUTE, action_left=3)

    close(OPENID, since=NOON)

    assert spend(OPENID, now=NOON) is None


@pytest.mark.django_db
def test_a_window_that_opened_after_the_refused_message_stays_open():
    stored(last_inbound_at=NOON + SECOND)

    close(OPENID, since=NOON)

    assert current().message_left == 5
