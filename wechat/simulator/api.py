"""The operations of WeChat's server API, each as a function of the platform and a request.

Source: developers.weixin.qq.com/doc/service/api, read 2026-11-22; the sizes and codes of each
operation are from its page there.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property
from typing import Any

from wechat.simulator.multipart import read_upload
from wechat.simulator.state import Medium, Platform, Push
from wechat.simulator.windows import Standing

SYSTEM_BUSY, NO_PERMISSION, WRONG_URL = -1, 48001, 40066
MESSAGES = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40002: "invalid grant_type",
    40003: "invalid openid",
    40004: "invalid media type",
    40006: "invalid media size",
    40007: "invalid media_id",
    40008: "invalid message type",
    40013: "invalid appid",
    40016: "invalid button size",
    40018: "invalid button name size",
    40023: "invalid sub button size",
    40033: "invalid charset. please check your request, if include \\uxxxx will create fail!",
    40037: "invalid template_id",
    40066: "invalid url",
    40125: "invalid appsecret",
    40164: "invalid ip, not in whitelist",
    41001: "access_token missing",
    41005: "media data missing",
    42001: "access_token expired",
    43004: "require subscribe",
    43019: "require remove blacklist",
    43101: "user refuse to accept the msg",
    44004: "empty content",
    45002: "content size out of limit",
    45009: "reach max api daily quota limit",
    45011: "api minute-quota reach limit, must slower, retry next minute",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    45072: "invalid command",
    45080: "user has not sent a message lately",
    45081: "already typing",
    46003: "menu no exist",
    47001: "data format error",
    47003: "argument invalid!",
    48001: "api unauthorized",
    50002: "user limited",
}
# Bytes of a text message: one byte more than a passive reply may have.
LONGEST_TEXT = 2048
_LARGEST = {"image": 10_485_760, "voice": 2_097_152, "video": 10_485_760, "thumb": 65_536}
_BEGINNINGS = {
    "image": (b"\x89PNG", b"\xff\xd8\xff", b"GIF8"),
    "thumb": (b"\xff\xd8\xff",),
}
_TYPING_LASTS = timedelta(seconds=15)
# WeChat shows \u4f60 as it stands; JSON writers escape only control characters of necessity.
_ESCAPED = re.compile(rb"(?<!\\)(?:\\\\)*\\u(?!00[01])[0-9a-fA-F]{4}")

Answer = dict[str, Any]


class ApiFault(Exception):
    """A refusal with one of WeChat's codes."""

    def __init__(self, code: int) -> None:
        super().__init__(MESSAGES.get(code, "error"))
        self.code = code


@dataclass
class Request:
    """One HTTP request to the API."""

    method: str
    path: str
    query: dict[str, str]
    content_type: str = ""
    body: bytes = b""

    @cached_property
    def payload(self) -> dict[str, Any]:
        try:
            found = json.loads(self.body)
        except ValueError:
            raise ApiFault(47001) from None
        if not isinstance(found, dict):
            raise ApiFault(47001)
        if _ESCAPED.search(self.body):
            raise ApiFault(40033)
        return found


def carry_out(platform: Platform, request: Request) -> Answer | Medium:
    """Return what WeChat answers to a call; raises ApiFault."""
    operation = OPERATIONS.get(request.path)
    if operation is None:
        raise ApiFault(WRONG_URL)
    if operation.needs_token:
        token = request.query.get("access_token", "")
        if code := platform.tokens.refusal(token, platform.real_now()):
            raise ApiFault(code)
    if operation.is_privileged and not platform.account.is_verified:
        raise ApiFault(NO_PERMISSION)
    return operation.function(platform, request)


def _ok(**more: Any) -> Answer:
    return {"errcode": 0, "errmsg": "ok", **more}


# -- tokens ----------------------------------------------------------------------------------------


def _check_credentials(platform: Platform, given: dict[str, Any]) -> None:
    if given.get("grant_type") != "client_credential":
        raise ApiFault(40002)
    if given.get("appid") != platform.account.app_id:
        raise ApiFault(40013)
    if given.get("secret") != platform.account.secret:
        raise ApiFault(40125)


def _token(platform: Platform, request: Request) -> Answer:
    _check_credentials(platform, request.query)
    token, seconds = platform.tokens.plain(platform.real_now())
    return {"access_token": token, "expires_in": seconds}


def _stable_token(platform: Platform, request: Request) -> Answer:
    _check_credentials(platform, request.payload)
    is_forced = bool(request.payload.get("force_refresh"))
    token, seconds = platform.tokens.stable(platform.real_now(), is_forced=is_forced)
    return {"access_token": token, "expires_in": seconds}


def _callback_ips(_platform: Platform, _request: Request) -> Answer:
    return {"ip_list": ["127.0.0.1", "127.0.0.0/8"]}


# -- messages --------------------------------------------------------------------------------------


def _standing(platform: Platform, request: Request) -> Standing:
    standing = platform.standings.get(str(request.payload.get("touser")))
    if standing is None:
        raise ApiFault(40003)
    return standing


def _custom_send(platform: Platform, request: Request) -> Answer:
    standing, now = _standing(platform, request), platform.clock.now()
    kind = str(request.payload.get("msgtype"))
    text, media_id = _content(platform, kind, request.payload)
    if not standing.is_open(now):
        raise ApiFault(45015)
    if not standing.left(now):
        raise ApiFault(45047)
    standing.spend(now)
    platform.on_push(Push(standing.openid, kind, text, media_id))
    return _ok()


def _content(platform: Platform, kind: str, payload: dict[str, Any]) -> tuple[str, str]:
    """Return the text and the media id of a customer-service message."""
    inner = payload.get(kind)
    if kind not in ("text", "image", "voice", "video", "music", "news", "msgmenu"):
        raise ApiFault(40008)
    if not isinstance(inner, dict):
        raise ApiFault(44004)
    if kind == "text":
        text = inner.get("content")
        if not isinstance(text, str) or not text.strip():
            raise ApiFault(44004)
        if len(text.encode()) > LONGEST_TEXT:
            raise ApiFault(45002)
        return text, ""
    media_id = str(inner.get("media_id", ""))
    if kind in ("image", "voice", "video") and media_id not in platform.media:
        raise ApiFault(40007)
    return f"[{kind}]", media_id


def _typing(platform: Platform, request: Request) -> Answer:
    standing, now = _standing(platform, request), platform.clock.now()
    command = request.payload.get("command")
    if command not in ("Typing", "CancelTyping"):
        raise ApiFault(45072)
    if standing.spoke_at is None or now - standing.spoke_at > timedelta(seconds=30):
        raise ApiFault(45080)
    if command == "CancelTyping":
        standing.typing_until = None
        return _ok()
    if standing.typing_until is not None and standing.typing_until > now:
        raise ApiFault(45081)
    standing.typing_until = now + _TYPING_LASTS
    platform.on_push(Push(standing.openid, "typing", ""))
    return _ok()


def _template_send(platform: Platform, request: Request) -> Answer:
    payload, standing = request.payload, _standing(platform, request)
    if not standing.is_following:
        raise ApiFault(43004)
    template_id = str(payload.get("template_id", ""))
    if not template_id or (platform.templates and template_id not in platform.templates):
        raise ApiFault(40037)
    lines = [f"{name}: {value}" for name, value in _template_values(payload).items()]
    message_id = next(platform.message_ids)
    platform.on_push(Push(standing.openid, "template", "\n".join(lines)))
    platform.on_template(standing.openid, message_id)
    return _ok(msgid=message_id)


def _template_values(payload: dict[str, Any]) -> dict[str, str]:
    data = payload.get("data")
    if not isinstance(data, dict) or not data:
        raise ApiFault(47003)
    values = {}
    for name, field in data.items():
        value = field.get("value") if isinstance(field, dict) else None
        # A thing takes 20 characters; that of the other kinds of fields depends on the kind.
        if not isinstance(value, str) or (name.startswith("thing") and len(value) > 20):
            raise ApiFault(47003)
        values[name] = value
    return values


# -- media -----------------------------------------------------------------------------------------


def _media_upload(platform: Platform, request: Request) -> Answer:
    kind = request.query.get("type", "")
    if kind not in _LARGEST:
        raise ApiFault(40004)
    medium = read_upload(request.content_type, request.body)
    if medium is None or not medium.data:
        raise ApiFault(41005)
    if len(medium.data) > _LARGEST[kind]:
        raise ApiFault(40006)
    if kind in _BEGINNINGS and not medium.data.startswith(_BEGINNINGS[kind]):
        raise ApiFault(40004)
    return {"type": kind, "media_id": platform.keep(medium), "created_at": int(time.time())}


def _media_get(platform: Platform, request: Request) -> Medium:
    medium = platform.media.get(request.query.get("media_id", ""))
    if medium is None:
        raise ApiFault(40007)
    return medium


# -- the menu --------------------------------------------------------------------------------------


def _menu_create(platform: Platform, request: Request) -> Answer:
    buttons = request.payload.get("button")
    if not isinstance(buttons, list) or not 1 <= len(buttons) <= 3:
        raise ApiFault(40016)
    for button in buttons:
        children = button.get("sub_button", [])
        if len(children) > 5:
            raise ApiFault(40023)
        if _is_too_long(button, 16) or any(_is_too_long(one, 60) for one in children):
            raise ApiFault(40018)
    platform.menu = {"button": buttons}
    return _ok()


def _is_too_long(button: dict[str, Any], most: int) -> bool:
    return not 1 <= len(str(button.get("name", "")).encode()) <= most


def _menu_get(platform: Platform, _request: Request) -> Answer:
    if platform.menu is None:
        raise ApiFault(46003)
    return {"menu": platform.menu}


def _menu_delete(platform: Platform, _request: Request) -> Answer:
    platform.menu = None
    return _ok()


@dataclass(frozen=True, slots=True)
class Operation:
    function: Callable[[Platform, Request], Answer | Medium]
    needs_token: bool = True
    #: Whether only verified accounts may call it.
    is_privileged: bool = True


OPERATIONS = {
    "token": Operation(_token, needs_token=False, is_privileged=False),
    "stable_token": Operation(_stable_token, needs_token=False, is_privileged=False),
    "getcallbackip": Operation(_callback_ips, is_privileged=False),
    "message/custom/send": Operation(_custom_send),
    "message/custom/typing": Operation(_typing),
    "message/template/send": Operation(_template_send),
    "media/upload": Operation(_media_upload),
    "media/get": Operation(_media_get),
    "menu/create": Operation(_menu_create),
    "menu/get": Operation(_menu_get),
    "menu/delete": Operation(_menu_delete),
}
