"""Looks at a site's answer as WeChat does: what the follower is shown, or why it is a fault."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from xml.parsers import expat

from wechat.simulator.account import OfficialAccount
from wechat.simulator.secrecy import BadCiphertext, decrypt, sign

#: Shown to the follower in place of an answer that never came or is not one.
SERVICE_FAULT = "该公众号提供的服务出现故障，请稍后再试"
#: Bytes of a text message: 2048 are a fault already.
LONGEST_TEXT = 2047
# The media of each kind of reply: the element around its MediaId.
_MEDIA = {"image": "Image", "voice": "Voice", "video": "Video"}
_OTHERS = {"music", "news", "transfer_customer_service"}


class ServiceFault(ValueError):
    """An answer that WeChat does not take; the message says why, which WeChat never tells."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A passive reply as the follower is shown it."""

    kind: str
    text: str = ""
    media_id: str = ""
    is_encrypted: bool = False
    #: Seconds since 1970, as the site wrote them.
    created_at: int = 0


def read_reply(
    status: int, body: bytes, *, account: OfficialAccount, openid: str, media: Collection[str] = ()
) -> Reply | None:
    """Return what the follower is shown, None for nothing; raises ServiceFault.

    `media` are the media ids that exist.
    """
    if status != 200:
        raise ServiceFault(f"The status is {status}, not 200.")
    if body in (b"", b"success"):
        return None
    fields = _read_xml(body)
    is_encrypted = "Encrypt" in fields
    if is_encrypted:
        fields = _read_xml(_open(fields, account).encode())
    elif account.mode == "secure":
        raise ServiceFault("It is not encrypted, and the account is in secure mode.")
    _check_parties(fields, account, openid)
    return _shown(fields, media, is_encrypted)


def _open(fields: dict[str, Any], account: OfficialAccount) -> str:
    if not account.encrypts:
        raise ServiceFault("It is encrypted, and the account is in plain mode.")
    parts = [_word(fields, name) for name in ("TimeStamp", "Nonce", "Encrypt")]
    if _word(fields, "MsgSignature") != sign(account.token, *parts):
        raise ServiceFault("MsgSignature does not fit the reply.")
    try:
        return decrypt(parts[-1], account.aes_key, account.app_id)
    except BadCiphertext as error:
        raise ServiceFault(str(error)) from None


def _check_parties(fields: dict[str, Any], account: OfficialAccount, openid: str) -> None:
    if (to := _word(fields, "ToUserName")) != openid:
        raise ServiceFault(f"ToUserName is {to!r}, not the follower.")
    if (sender := _word(fields, "FromUserName")) != account.original_id:
        raise ServiceFault(f"FromUserName is {sender!r}, not the account.")
    if not re.fullmatch(r"[0-9]{1,10}", created := _word(fields, "CreateTime")):
        raise ServiceFault(f"CreateTime is {created!r}, not seconds since 1970.")


def _shown(fields: dict[str, Any], media: Collection[str], is_encrypted: bool) -> Reply:
    kind, created_at = _word(fields, "MsgType"), int(fields["CreateTime"])
    if kind == "text":
        content = _word(fields, "Content")
        if not content.strip():
            raise ServiceFault("Content is empty.")
        if (size := len(content.encode())) > LONGEST_TEXT:
            raise ServiceFault(f"Content has {size} bytes; {LONGEST_TEXT} are allowed.")
        return Reply(kind, content, is_encrypted=is_encrypted, created_at=created_at)
    if kind in _MEDIA:
        inner = fields.get(_MEDIA[kind])
        media_id = _word(inner, "MediaId") if isinstance(inner, dict) else ""
        if media_id not in media:
            raise ServiceFault(f"There is no medium {media_id!r}.")
        return Reply(kind, f"[{kind}]", media_id, is_encrypted, created_at)
    if kind in _OTHERS:
        return Reply(kind, f"[{kind}]", is_encrypted=is_encrypted, created_at=created_at)
    raise ServiceFault(f"MsgType is {kind!r}.")


def _word(fields: dict[str, Any], name: str) -> str:
    value = fields.get(name)
    if not isinstance(value, str):
        raise ServiceFault(f"{name} is {'missing' if value is None else 'not a single text'}.")
    return value


def _read_xml(data: bytes) -> dict[str, Any]:
    """Return the elements in `xml`: text, a dict of elements, or a list where one is repeated."""
    parser = expat.ParserCreate("utf-8")
    parser.buffer_text = True
    stack: list[tuple[dict[str, Any], list[str]]] = [({}, [])]

    def close(name: str) -> None:
        children, words = stack.pop()
        siblings, value = stack[-1][0], children or "".join(words)
        before = siblings.get(name)
        repeated = before if isinstance(before, list) else [before]
        siblings[name] = value if name not in siblings else [*repeated, value]

    def refuse(*_declaration: object) -> None:
        raise ServiceFault("It has a DOCTYPE.")

    parser.StartElementHandler = lambda _name, _attributes: stack.append(({}, []))
    parser.EndElementHandler = close
    parser.CharacterDataHandler = lambda words: stack[-1][1].append(words)
    parser.StartDoctypeDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except expat.ExpatError as error:
        raise ServiceFault(f"It is not XML: {error}.") from None
    root = stack[0][0].get("xml")
    if not isinstance(root, dict):
        raise ServiceFault("The root of the XML is not a filled <xml>.")
    return root
