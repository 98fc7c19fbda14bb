"""Templates: the one kind of message that WeChat lets through when a follower wrote long ago."""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _

from conversations.models import Message

logger = logging.getLogger(__name__)

# Characters that a field takes, by what its name begins with. Source: developers.weixin.qq.com,
# "Parameter value rules" of subscription and template messages, read 2026-11-22.
_LONGEST = {
    "thing": 20,
    "character_string": 32,
    "number": 32,
    "letter": 32,
    "symbol": 5,
    "phrase": 5,
    "name": 10,
    "const": 20,
}
_LONGEST_OTHER = 200
_KIND = re.compile(r"[a-z_]*")
# Reports come within seconds of the message.
_REPORTED_WITHIN = timedelta(days=3)
_DELIVERED = "success"


class Filled(NamedTuple):
    """The fields of a template; `is_whole` tells whether one of them has all of the text."""

    fields: dict[str, str]
    is_whole: bool


def is_configured() -> bool:
    return bool(settings.WECHAT_TEMPLATE_ID and settings.WECHAT_TEMPLATE_FIELDS)


def fill(text: str, *, at: datetime, zone: str) -> Filled:
    """Return what goes into the fields as WECHAT_TEMPLATE_FIELDS says.

    `text` there stands for the text, `time` and `date` for when it was said in that zone, anything
    else for itself. Each is cut to what its field takes.
    """
    local = at.astimezone(ZoneInfo(zone))
    date = f"{local.year}年{local.month}月{local.day}日"
    line = " ".join(text.split())
    values = {"text": line, "time": f"{date} {local:%H:%M}", "date": date}
    fields = {
        name: _cut(values.get(what, what), _longest(name))
        for name, what in settings.WECHAT_TEMPLATE_FIELDS.items()
    }
    return Filled(fields, is_whole=line in fields.values())


def _longest(name: str) -> int:
    kind = _KIND.match(name)
    return _LONGEST.get(kind[0] if kind else "", _LONGEST_OTHER)


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"


def note_result(template_message: str, status: str, *, conversation: int, now: datetime) -> None:
    """Record what WeChat reports of a template message by its id, TEMPLATESENDJOBFINISH.

    One that did not arrive is kept until its follower writes. Joins the caller's transaction.
    Nothing is ever sent in reaction: that would be reported too.
    """
    if not template_message or status == _DELIVERED:
        return
    messages = Message.objects.filter(
        conversation=conversation,
        provider_id=template_message,
        role=Message.Role.ASSISTANT,
        created_at__gt=now - _REPORTED_WITHIN,
        delivery_state__in=[Message.Delivery.SENT, Message.Delivery.HELD],
    )
    reason = _("WeChat did not deliver the template message (%(status)s).")
    if not messages.update(
        delivery_state=Message.Delivery.HELD, delivery_error=reason % {"status": status[:100]}
    ):
        logger.info("A report on an unknown template message: %s", status[:100])
