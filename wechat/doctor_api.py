"""The doctor's questions to WeChat: is it there, is the clock right, is the account let in."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from scheduling.admin_texts import duration_text
from scheduling.group_commit import group_commit
from wechat.account import has_credentials, learn, read_account
from wechat.client import WeChatClient
from wechat.doctor_account import no_token, sending_finding, valid_text
from wechat.doctor_settings import LOOPBACK
from wechat.errors import ApiError, Reaction, WeChatError
from wechat.findings import Finding, error, fine, sentences, unknown, warning
from wechat.models import Follower
from wechat.tokens import TokenUnavailable

PATIENCE = 10.0
# A clock that is off by less is no reason to worry: the Date header has whole seconds.
USUAL_SKEW = timedelta(seconds=10)
# WeChat answers these to who may send, about the follower alone.
_ABOUT_FOLLOWER = {Reaction.WINDOW_CLOSED, Reaction.QUOTA_USED, Reaction.REFUSED, Reaction.IGNORE}


async def api_findings(client: WeChatClient) -> list[Finding]:
    """Ask WeChat; stores what is learned. The access token is asked for as the breaker allows."""
    way, is_there = await _clock_finding()
    if not has_credentials():
        text = _("It is not asked for: only accounts with an AppSecret have one.")
        return [way, unknown(_("Access token"), text)]
    if not is_there:
        return [way]
    token = await _token_finding(client)
    return [way, token[0], *([await _sending_finding(client)] if token[1] else [])]


async def _clock_finding() -> tuple[Finding, bool]:
    """Compare this machine's clock with WeChat's; False if WeChat is out of reach."""
    name = _("Way to WeChat, and clock")
    address = f"{settings.WECHAT_API_BASE_URL}/cgi-bin/getcallbackip"
    is_local = httpx.URL(address).host in LOOPBACK
    try:
        async with httpx.AsyncClient(timeout=PATIENCE, trust_env=not is_local) as client:
            asked_at = timezone.now()
            answer = await client.get(address)
            now = asked_at + (timezone.now() - asked_at) / 2
    except (httpx.HTTPError, httpx.InvalidURL):
        text = _("%(address)s cannot be reached from here.")
        advice = _("Look at the network, the firewall, HTTPS_PROXY and WECHAT_API_BASE_URL.")
        # Who only replies needs no way there.
        level = error if has_credentials() else warning
        return level(name, text % {"address": settings.WECHAT_API_BASE_URL}, advice), False
    return _skew_finding(name, answer.headers.get("Date", ""), now), True


def _skew_finding(name: str, date: str, now: datetime) -> Finding:
    try:
        theirs = parsedate_to_datetime(date)
    except (TypeError, ValueError):
        return unknown(name, _("It answers; its answer does not tell the time."))
    skew = now - (theirs if theirs.tzinfo else theirs.replace(tzinfo=UTC))
    values = {"span": duration_text(abs(skew)), "freshness": settings.WECHAT_FRESHNESS}
    if abs(skew) <= USUAL_SKEW:
        return fine(name, _("It answers, and both clocks agree."))
    text = (
        _("This machine's clock is %(span)s ahead of WeChat's.")
        if skew > timedelta()
        else _("This machine's clock is %(span)s behind WeChat's.")
    ) % values
    advice = _("Switch time synchronization (NTP) on.")
    is_too_far = 0 < settings.WECHAT_FRESHNESS <= abs(skew).total_seconds()
    if not is_too_far:
        return warning(name, text, advice)
    rest = _("Every message is refused as too old or too new (WECHAT_FRESHNESS=%(freshness)d).")
    return error(name, sentences(text, rest % values), advice)


async def _token_finding(client: WeChatClient) -> tuple[Finding, bool]:
    """Make a call that every account may make, with the access token; False if it failed."""
    name = _("Access token")
    try:
        await client.callback_ips()
    except TokenUnavailable as problem:
        return no_token(name, str(problem), problem.retry_at), False
    except ApiError as problem:
        text = _("WeChat gave one, but refuses a call with it. %(error)s")
        return error(name, text % {"error": problem}, _("Check AppID and AppSecret.")), False
    except WeChatError as problem:
        return error(name, str(problem), _("Try again in a minute.")), False
    account = await read_account()
    text = _("WeChat takes it.")
    if account.token_expires_at:
        text = sentences(text, valid_text(account.token_expires_at))
    return fine(name, text), True


async def _sending_finding(client: WeChatClient) -> Finding:
    """Say whether messages may be sent; ask WeChat if it was not yet, beside a follower's chat."""
    account = await read_account()
    if settings.WECHAT_REPLY != "passive" and account.can_send is None:
        problem = await _ask(client)
        account = await read_account()
        if account.can_send is None:
            return unknown(_("Customer-service messages"), problem)
    return sending_finding(account)


async def _ask(client: WeChatClient) -> str:
    """Learn whether messages may be sent; return why it was not told. Nobody gets a message.

    What is asked for is that the latest follower sees that an answer is being written.
    """
    openid = await group_commit().read(_latest)
    if not openid:
        return _("Nobody has written yet: WeChat tells with the first message to a follower.")
    try:
        await client.typing(openid)
    except ApiError as problem:
        if problem.reaction is Reaction.NOT_ALLOWED:
            await learn(can_send=False, detail=str(problem))
        elif problem.reaction in _ABOUT_FOLLOWER:
            await learn(can_send=True)
        else:
            return str(problem)
    except WeChatError as problem:
        return str(problem)
    else:
        await learn(can_send=True)
    return ""


def _latest() -> str:
    followers = Follower.objects.filter(is_subscribed=True, last_inbound_at__isnull=False)
    latest = followers.order_by("-last_inbound_at").values_list("openid", flat=True).first()
    return latest or ""
