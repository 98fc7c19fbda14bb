"""The ledger: how many messages each follower may still be sent unasked, and until when."""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum

from django.db.models import F, Q

from wechat.kinds import Window
from wechat.models import Follower

# What an act of the follower's allows, set anew by the next one; nothing adds up. Source:
# developers.weixin.qq.com, "Send customer-service messages", read 2026-11-22.
QUOTAS = {
    Window.MESSAGE: (timedelta(hours=48), 5),
    Window.ACTION: (timedelta(minutes=1), 3),
}


class Reach(Enum):
    """Whether a follower can be sent something unasked, and what is in the way."""

    OPEN = "open"
    USED_UP = "used up"
    CLOSED = "closed"
    REFUSED = "refused"
    UNSUBSCRIBED = "unsubscribed"


def open_window(follower: Follower, window: Window, *, now: datetime) -> None:
    """Set what an act of the follower's opens, and forget that they could not be written to.

    The caller, who holds the row, saves it.
    """
    if window not in QUOTAS:
        return
    lasts, number = QUOTAS[window]
    follower.last_inbound_at = now
    follower.refusal = ""
    if window is Window.MESSAGE:
        follower.message_until, follower.message_left = now + lasts, number
    else:
        follower.action_until, follower.action_left = now + lasts, number


def reach(follower: Follower, at: datetime) -> Reach:
    """Return whether the follower could be sent something at that moment, as it looks now."""
    if not follower.is_subscribed:
        return Reach.UNSUBSCRIBED
    if follower.refusal:
        return Reach.REFUSED
    if left(follower, at):
        return Reach.OPEN
    return Reach.USED_UP if _is_open(follower.message_until, at) else Reach.CLOSED


def left(follower: Follower, at: datetime) -> int:
    """Return how many messages the windows that are open at that moment have left."""
    in_message = follower.message_left if _is_open(follower.message_until, at) else 0
    in_action = follower.action_left if _is_open(follower.action_until, at) else 0
    return in_message + in_action


def _is_open(until: datetime | None, at: datetime) -> bool:
    return until is not None and at < until


def spend(openid: str, *, now: datetime) -> Window | None:
    """Take one message out of an open window; return which, None if there is none left.

    The short window first, which closes sooner. Two processes that want the last message: the
    database gives it to one of them.
    """
    followers = Follower.objects.filter(openid=openid)
    short = followers.filter(action_until__gt=now, action_left__gt=0)
    if short.update(action_left=F("action_left") - 1):
        return Window.ACTION
    long = followers.filter(message_until__gt=now, message_left__gt=0)
    if long.update(message_left=F("message_left") - 1):
        return Window.MESSAGE
    return None


def give_back(openid: str, window: Window) -> None:
    """Return to a window what was not sent after all; one that was set anew meanwhile is full."""
    followers = Follower.objects.filter(openid=openid)
    most = QUOTAS[window][1]
    if window is Window.ACTION:
        followers.filter(action_left__lt=most).update(action_left=F("action_left") + 1)
    else:
        followers.filter(message_left__lt=most).update(message_left=F("message_left") + 1)


def close(openid: str, *, since: datetime) -> None:
    """Note that WeChat lets nothing more through; windows opened after `since` stay open."""
    before = Q(last_inbound_at=None) | Q(last_inbound_at__lte=since)
    Follower.objects.filter(before, openid=openid).update(message_left=0, action_left=0)
