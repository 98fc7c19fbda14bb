"""One HTTP exchange with WeChat's interface: what was answered, or whether it was sent at all."""

from __future__ import annotations

import asyncio
import ipaddress
import json
import logging
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit
from urllib.request import getproxies, proxy_bypass

import httpx
from django.utils.translation import gettext as _

from wechat.errors import ApiError, Unknown, Unreachable

# Seconds for the steps of a call.
STEPS = httpx.Timeout(10.0, connect=5.0)
# Bytes of an answer; WeChat's longest are a few thousand.
MAX_ANSWER = 1_048_576
CONNECTIONS = 50
_HEADERS = {"User-Agent": "BotFlow", "Accept-Encoding": "identity", "Connection": "close"}

_IN_ADDRESS = re.compile(r"(access_token=)[^&\s'\"\\)]*")


class _WithoutToken(logging.Filter):
    """Takes access tokens out of httpcore's lines: the address of a redirect repeats it."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _IN_ADDRESS.sub(r"\1…", record.getMessage()), None
        return True


for _name in ("httpcore.http11", "httpcore.connection", "httpcore.proxy"):
    logging.getLogger(_name).addFilter(_WithoutToken())


class _Trace:
    """Notices the moment from which a request may have arrived."""

    def __init__(self) -> None:
        self.is_sent = False

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        # What asks a proxy to open the way is not the request yet.
        if event.endswith(".send_request_headers.started") and info["request"].method != b"CONNECT":
            self.is_sent = True


class Exchange:
    """Makes requests to one host, each on a connection of its own.

    If WeChat closed a kept connection just when the next request went out on it, nobody would know
    whether that was carried out.
    """

    def __init__(self, base_url: str) -> None:
        # The transport itself: httpx's client logs whole addresses, in which access tokens are.
        self._transport = httpx.AsyncHTTPTransport(
            proxy=_proxy(base_url), limits=httpx.Limits(max_connections=CONNECTIONS)
        )

    async def __call__(
        self, address: str, body: Mapping[str, Any], seconds: float
    ) -> tuple[int, bytes]:
        """Make a request, POST if it has a body; return the status and body of the answer.

        `body` is `content` or `files` as httpx takes them. Raises Unreachable when nothing was
        sent, Unknown when it may have arrived: both new, for httpx's own hold the request, with its
        address and what was sent.
        """
        trace = _Trace()
        try:
            async with asyncio.timeout(seconds):
                request = _request(address, body, trace)
                return await _read(await self._transport.handle_async_request(request))
        except TimeoutError:
            problem = _("no answer within %(seconds)s seconds") % {"seconds": f"{seconds:g}"}
        except Exception as error:  # noqa: BLE001  Boundary: whatever a library raises, the
            # caller must learn whether the request may have arrived.
            problem = type(error).__name__
        if trace.is_sent:
            raise Unknown(_("WeChat did not answer clearly (%(problem)s).") % {"problem": problem})
        raise Unreachable(_("WeChat could not be reached (%(problem)s).") % {"problem": problem})


def json_body(payload: Mapping[str, Any] | None) -> dict[str, bytes]:
    r"""Return a payload as a request's body: UTF-8; followers would see \u escapes as such."""
    if payload is None:
        return {}
    # A lone surrogate is no text; it would raise here.
    return {"content": json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")}


def _request(address: str, body: Mapping[str, Any], trace: _Trace) -> httpx.Request:
    headers = dict(_HEADERS)
    if "content" in body:
        headers["Content-Type"] = "application/json; charset=utf-8"
    extensions = {"timeout": STEPS.as_dict(), "trace": trace}
    method = "POST" if body else "GET"
    return httpx.Request(method, address, headers=headers, extensions=extensions, **body)


async def _read(response: httpx.Response) -> tuple[int, bytes]:
    data = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            data += chunk
            if len(data) > MAX_ANSWER:
                break
    finally:
        await response.aclose()
    return response.status_code, bytes(data)


def _proxy(base_url: str) -> str | None:
    """Return the proxy that the environment names for this host; none for this machine."""
    address = urlsplit(base_url)
    host = address.hostname or ""
    if _is_loopback(host) or proxy_bypass(host):
        return None
    proxies = getproxies()
    found = proxies.get(address.scheme) or proxies.get("all")
    return found if found is None or "://" in found else f"http://{found}"


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")


def understand(
    status: int, data: bytes, *, needs: str, hide: tuple[str, ...] = ()
) -> dict[str, Any]:
    """Return a clear success as it was answered.

    That is a JSON object with the field `needs`, and with an `errcode` of 0 if it has one. Raises
    ApiError for any other error code, without the texts `hide`, and Unknown for everything else: a
    proxy's page, an empty body, a list.
    """
    try:
        answer = json.loads(data) if len(data) <= MAX_ANSWER else None
    except (ValueError, RecursionError):
        answer = None
    if not isinstance(answer, dict):
        raise Unknown(
            _("WeChat's answer is not understood (HTTP %(status)s).") % {"status": status}
        )
    code = answer.get("errcode", 0)
    if type(code) is int and code != 0:
        raise ApiError.from_answer(code, answer.get("errmsg"), hide=hide)
    if type(code) is not int or status != httpx.codes.OK or needs not in answer:
        raise Unknown(
            _("WeChat's answer is not understood (HTTP %(status)s).") % {"status": status}
        )
    return answer
