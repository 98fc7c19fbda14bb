"""The doctor's look at what is remembered of the account: token, breaker, what it may send."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from scheduling.admin_texts import moment_text
from wechat.account import has_credentials
from wechat.findings import Finding, error, fine, unknown, warning
from wechat.models import Account


def account_findings(account: Account, *, now: datetime) -> list[Finding]:
    """Return what is known without asking WeChat."""
    if not has_credentials():
        return [sending_finding(account)]
    return [
        token_finding(account, now=now),
        sending_finding(account),
        *stop_findings(account, now=now),
    ]


def token_finding(account: Account, *, now: datetime) -> Finding:
    name = _("Access token")
    if account.token_error:
        return no_token(name, account.token_error, account.retry_at)
    if account.access_token and account.token_expires_at and account.token_expires_at > now:
        return fine(name, valid_text(account.token_expires_at))
    return unknown(name, _("There is none at the moment; the first call to WeChat fetches one."))


def valid_text(until: datetime) -> str:
    return _("It is valid until %(moment)s.") % {"moment": moment_text(until)}


def no_token(name: str, text: str, retry_at: datetime | None) -> Finding:
    if retry_at is None:
        return error(name, text)
    advice = _(
        "When the cause is gone, press “Try again”, or run manage.py wechat_doctor"
        " --retry; by itself the site asks again at %(moment)s."
    )
    return error(name, text, advice % {"moment": moment_text(retry_at)})


def stop_findings(account: Account, *, now: datetime) -> list[Finding]:
    """Return a line if WeChat has nothing sent for a while."""
    if account.stopped_until is None or account.stopped_until <= now:
        return []
    text = _("It is stopped until %(moment)s: %(reason)s")
    values = {"moment": moment_text(account.stopped_until), "reason": account.stopped_detail}
    advice = _("It goes on by itself. If the cause is gone already, press “Try again”.")
    return [error(_("Sending"), text % values, advice)]


def sending_finding(account: Account) -> Finding:
    """Say what the reply mode means for this account, by what is known of it."""
    name = _("Customer-service messages")
    may_send = account.can_send
    if settings.WECHAT_REPLY == "passive":
        return fine(
            name, _("None are sent (WECHAT_REPLY=passive). %(means)s") % {"means": _means(False)}
        )
    if not has_credentials():
        return fine(
            name, _("None can be sent without an AppSecret. %(means)s") % {"means": _means(False)}
        )
    if may_send is False:
        text = _("WeChat does not allow them. %(detail)s %(means)s")
        values = {"detail": account.can_send_detail, "means": _means(False)}
        if settings.WECHAT_REPLY == "customer_service":
            return error(name, text % values, _("Set WECHAT_REPLY=auto."))
        advice = _(
            "This is so for personal and unverified accounts. If it was verified since, press"
            " “Try again”, or run manage.py wechat_doctor --retry."
        )
        return warning(name, text % values, advice)
    if may_send:
        return fine(name, _("WeChat allows them. %(means)s") % {"means": _means(True)})
    if settings.WECHAT_REPLY == "customer_service":
        return unknown(name, _("They are sent (WECHAT_REPLY=customer_service)."))
    return unknown(name, _("WeChat was not asked yet whether the account may send them."))


def _means(may_send: bool) -> str:
    if may_send:
        return _(
            "Answers that take longer than five seconds are sent when they are done, reminders"
            " within 48 hours of the follower's last message."
        )
    return _(
        "Answers that are not ready within 15 seconds, and reminders, wait until the follower"
        " writes again."
    )
