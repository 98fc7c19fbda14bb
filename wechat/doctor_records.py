"""The doctor's look at the stored rows: what arrived, who can be reached, what went wrong."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import Max, Min, QuerySet
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from conversations.models import Message
from scheduling.admin_texts import moment_text, relative_text
from scheduling.broker import STATUS_LIFE
from scheduling.models import ClusterStatus
from wechat.account import can_send_now
from wechat.findings import Finding, error, fine, sentences, unknown, warning
from wechat.models import Follower

CHANNEL = "wechat"
LATELY = timedelta(days=1)
# Beyond this many, messages are not counted.
MOST_COUNTED = 1000


def record_findings(*, now: datetime) -> list[Finding]:
    """Return what the rows tell; about eight queries, each on an index."""
    return [
        _cluster(now=now),
        _last_message(now=now),
        _followers(now=now),
        _kept(now=now),
        _troubles(now=now),
    ]


def _cluster(*, now: datetime) -> Finding:
    name = _("Cluster")
    alive = ClusterStatus.objects.filter(seen_at__gt=now - STATUS_LIFE).count()
    if not alive:
        text = _("None is running: nothing is answered.")
        return error(name, text, _("Start it: manage.py qcluster, or make run."))
    text = ngettext("%(n)d is running.", "%(n)d are running.", alive)
    return fine(name, text % {"n": alive})


def _last_message(*, now: datetime) -> Finding:
    name = _("Last message")
    latest = Follower.objects.aggregate(latest=Max("last_inbound_at"))["latest"]
    if latest is None:
        advice = _(
            "Save the address of the webhook in WeChat's console, switch the server configuration"
            " on, and write to the account from a phone."
        )
        return unknown(name, _("No follower has written yet."), advice)
    values = {"ago": relative_text(latest, now=now), "moment": moment_text(latest)}
    return fine(name, _("%(ago)s (%(moment)s)") % values)


def _followers(*, now: datetime) -> Finding:
    name = _("Followers")
    following = Follower.objects.filter(is_subscribed=True)
    number = following.count()
    if not number:
        return unknown(name, _("Nobody is known to follow the account yet."))
    text = ngettext("%(n)d follows.", "%(n)d follow.", number) % {"n": number}
    if can_send_now() is not False:
        text = sentences(text, _window_text(following, now=now))
    return fine(name, text)


def _window_text(following: QuerySet[Follower], *, now: datetime) -> str:
    can_be = following.filter(message_until__gt=now)
    number, spent = can_be.count(), can_be.filter(message_left=0).count()
    text = ngettext(
        "%(n)d wrote within 48 hours.", "%(n)d of them wrote within 48 hours.", number
    ) % {"n": number}
    if not spent:
        return text
    used_up = ngettext(
        "%(n)d of these can be sent nothing more before they write again.",
        "%(n)d of these can be sent nothing more before they write again.",
        spent,
    )
    return sentences(text, used_up % {"n": spent})


def _kept(*, now: datetime) -> Finding:
    name = _("Messages kept")
    held = {"conversation__channel": CHANNEL, "delivery_state": Message.Delivery.HELD}
    kept = Message.objects.undelivered().filter(**held)
    number = kept.order_by()[: MOST_COUNTED + 1].count()
    if not number:
        return fine(name, _("None waits for its follower to write."))
    oldest = kept.order_by().aggregate(oldest=Min("created_at"))["oldest"] or now
    text = ngettext(
        "%(n)s waits for its follower to write, the oldest since %(moment)s.",
        "%(n)s wait for their followers to write, the oldest since %(moment)s.",
        number,
    ) % {"n": _shown(number), "moment": moment_text(oldest)}
    if now - oldest < timedelta(days=settings.WECHAT_HELD_DAYS) / 2:
        return fine(name, text)
    advice = _("They are kept for %(days)d days (WECHAT_HELD_DAYS).")
    return warning(name, text, advice % {"days": settings.WECHAT_HELD_DAYS})


def _troubles(*, now: datetime) -> Finding:
    """Tell of what failed in the last day, with the latest reason."""
    name = _("Failed deliveries, last 24 hours")
    bad = [Message.Delivery.FAILED, Message.Delivery.UNKNOWN]
    failed = Message.objects.filter(
        conversation__channel=CHANNEL, delivery_state__in=bad, created_at__gt=now - LATELY
    )
    number = failed.order_by()[: MOST_COUNTED + 1].count()
    if not number:
        return fine(name, _("None."))
    latest = failed.order_by("-created_at").first()
    reason = latest.delivery_error if latest else ""
    text = _("%(n)s; the latest: %(reason)s") % {"n": _shown(number), "reason": reason or "–"}
    return warning(name, text, _("Each message's page in the admin has its own reason."))


def _shown(number: int) -> str:
    return f"{MOST_COUNTED}+" if number > MOST_COUNTED else str(number)
