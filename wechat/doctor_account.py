"""The doctor's look at what is remembered of the account: token, breaker, what it may send."""

from __future__ import annotations

from datetime import datetime

from django.conf import settings
from django.utils.translation import gettext as _

from scheduling.admin_texts import moment_text
from wechat.account import has_credentials
from wechat.findings import Finding, error, fine, sentences, unknown, warning
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
    if settings.WECHAT_REPLY == "passive":
        return fine(name, sentences(_("None are sent (WECHAT_REPLY=passive)."), _replies_only()))
    if not has_credentials():
        return fine(name, sentences(_("None can be sent without an AppSecret."), _replies_only()))
    if account.can_send is False:
        return _not_allowed(name, account)
    if account.can_send:
        return fine(name, sentences(_("WeChat allows them."), _sends()))
    return unknown(name, _("WeChat was not asked yet whether the account may send them."))


def _not_allowed(name: str, account: Account) -> Finding:
    detail = _("(%(detail)s)") % {"detail": account.can_send_detail}
    text = sentences(
        _("WeChat does not allow them."), _replies_only(), account.can_send_detail and detail
    )
    if settings.WECHAT_REPLY == "customer_service":
        return error(name, text, _("Set WECHAT_REPLY=auto."))
    advice = _(
        "This is so for personal and unverified accounts. If it was verified since, press"
        " “Try again”, or run manage.py wechat_doctor --retry."
    )
    return warning(name, text, advice)


def _sends() -> str:
    return _(
        "Answers that take longer than five seconds are sent when they are done, reminders"
        " within 48 hours of the follower's last message."
    )


def _replies_only() -> str:
    return _(
        "Answers that are not ready within 15 seconds, and reminders, wait until the follower"
        " writes again."
    )
