"""Heading: the fields without which a message of WeChat is none, whatever its kind."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from wechat.xml_in import BadXml, Value

Fields = Mapping[str, Value]

_OPENID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SECONDS = re.compile(r"[0-9]{1,10}")
_MESSAGE_ID = re.compile(r"[0-9]{1,20}")
_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
# Characters of the column it goes into.
_EXTERNAL_ID = 200


@dataclass(frozen=True, slots=True)
class Heading:
    sender: str
    receiver: str
    #: Of a message, in lower case; "event" for all events.
    kind: str
    #: Of an event, in lower case; "" for messages.
    event: str
    #: What a repetition has in common with it, and nothing else from its sender.
    external_id: str


def read_heading(fields: Fields) -> Heading:
    """Return what every message and event must have; raises BadXml for one that lacks it."""
    sender = _match(fields, "FromUserName", _OPENID)
    receiver = _match(fields, "ToUserName", _OPENID)
    sent_at = _match(fields, "CreateTime", _SECONDS)
    kind = _match(fields, "MsgType", _NAME).lower()
    if kind != "event":
        return Heading(sender, receiver, kind, "", f"msgid:{_match(fields, 'MsgId', _MESSAGE_ID)}")
    event = _match(fields, "Event", _NAME).lower()
    # Several results of send jobs may come in one second: instead of a key they have an id.
    key = next(filter(None, (text(fields, name) for name in ("EventKey", "MsgID", "MsgId"))), "")
    external_id = _shortened(f"event:{sender}:{sent_at}:{event}:{key}")
    return Heading(sender, receiver, kind, event, external_id)


def text(fields: Fields, name: str) -> str:
    """Return a field that is text; "" if it is missing or holds fields."""
    value = fields.get(name, "")
    return value if isinstance(value, str) else ""


def _match(fields: Fields, name: str, pattern: re.Pattern[str]) -> str:
    value = text(fields, name).strip()
    if not pattern.fullmatch(value):
        raise BadXml(f"{name} is missing or wrong.")
    return value


def _shortened(identity: str) -> str:
    if len(identity) <= _EXTERNAL_ID:
        return identity
    digest = sha256(identity.encode()).hexdigest()
    return f"{identity[: _EXTERNAL_ID - len(digest) - 1]}:{digest}"
