"""Posts to the webhook as WeChat does, signed, in plain mode; reads what comes back."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from typing import Any

from django.http import HttpResponse
from django.test import AsyncClient

TOKEN = "tokenOfTheTests"
APP_ID = "wx0123456789abcdef"
ACCOUNT = "gh_0123456789ab"
OPENID = "oTestsFollower0123456789abcd"


def signed(*, now: float | None = None, nonce: str = "") -> dict[str, str]:
    """Return the query of a fresh request."""
    timestamp = str(int(now or time.time()))
    nonce = nonce or str(secrets.randbelow(10**9))
    joined = "".join(sorted([TOKEN, timestamp, nonce]))
    signature = hashlib.sha1(joined.encode()).hexdigest()
    return {"signature": signature, "timestamp": timestamp, "nonce": nonce}


def body(kind: str = "text", *, openid: str = OPENID, **fields: object) -> str:
    """Return the XML of a message or event with these fields."""
    common = {"ToUserName": ACCOUNT, "FromUserName": openid, "CreateTime": int(time.time())}
    values: dict[str, object] = {**common, "MsgType": kind, **fields}
    return (
        "<xml>"
        + "".join(f"<{name}><![CDATA[{value}]]></{name}>" for name, value in values.items())
        + "</xml>"
    )


def text(content: str, msg_id: int | None = None, **more: Any) -> str:
    return body(Content=content, MsgId=msg_id or secrets.randbelow(2**62), **more)


def event(name: str, **fields: object) -> str:
    return body("event", Event=name, **fields)


async def post(xml: str, query: dict[str, str] | None = None) -> HttpResponse:
    return await AsyncClient().post(
        "/wechat", data=xml, content_type="text/xml", query_params=query or signed()
    )


def said(response: HttpResponse) -> str:
    """Return the text that the follower reads, "" for none; fails on anything but a reply."""
    assert response.status_code == 200, response.content
    found = response.content.decode()
    if found == "success":
        return ""
    content = re.search(r"<Content>(.*)</Content>", found, re.DOTALL)
    assert content, found
    parts: list[str] = re.findall(r"<!\[CDATA\[(.*?)\]\]>", content[1], re.DOTALL)
    return "".join(parts)
