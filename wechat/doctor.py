"""The doctor: looks at everything the channel depends on, and says what to do about it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext as _

from wechat.account import load_account
from wechat.asking import ask_wechat
from wechat.client import WeChatClient
from wechat.doctor_account import account_findings, stop_findings
from wechat.doctor_api import api_findings
from wechat.doctor_callback import callback_finding
from wechat.doctor_records import record_findings
from wechat.doctor_settings import setting_findings
from wechat.findings import Finding, Level
from wechat.forgetting import forget_learned

__all__ = ["Finding", "Level", "Part", "examine", "look"]


@dataclass(frozen=True, slots=True)
class Part:
    title: str
    findings: list[Finding]


def look(*, now: datetime | None = None) -> list[Part]:
    """Return what settings and rows tell, in groups, without asking anybody; about ten queries."""
    now = now or timezone.now()
    own = Part(_("Settings"), setting_findings())
    if not settings.WECHAT_TOKEN:
        return [own]
    rows = Part(_("Messages"), record_findings(now=now))
    return [own, Part(_("WeChat"), account_findings(load_account(), now=now)), rows]


def examine(*, url: str = "", insists: bool = False, now: datetime | None = None) -> list[Part]:
    """Return everything, in groups: asks WeChat and calls the webhook, at `url` or on this machine.

    Takes up to half a minute where nobody answers. `insists` forgets first what was learned, so
    that WeChat is asked whatever it said before. Not for the thread of an event loop.
    """
    now = now or timezone.now()
    own = Part(_("Settings"), setting_findings())
    if not settings.WECHAT_TOKEN:
        return [own]
    if insists:
        forget_learned(settings.WECHAT_APP_ID)
    asked = Part(_("WeChat"), ask_wechat(lambda client: _ask(client, url, now)))
    asked.findings.extend(stop_findings(load_account(), now=now))
    return [own, asked, Part(_("Messages"), record_findings(now=now))]


async def _ask(client: WeChatClient, url: str, now: datetime) -> list[Finding]:
    """Ask everybody at the same time."""
    api, webhook = await asyncio.gather(api_findings(client), callback_finding(url, now=now))
    return [*api, webhook]
