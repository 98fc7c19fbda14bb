"""The doctor's call of the site's own webhook: signed as WeChat does when it saves the address.

"Access guide", developers.weixin.qq.com/doc/service/guide/dev/push, read 2026-11-22.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import re
import secrets
import ssl
from datetime import datetime
from urllib.parse import SplitResult, urlsplit, urlunsplit

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from wechat.doctor_settings import LOOPBACK
from wechat.findings import Finding, error, fine, unknown, warning

# WeChat hangs up after as many seconds.
PATIENCE = 5.0
PORTS = {None, 80, 443}

_IN_ADDRESS = re.compile(r"(signature=)[^&\s'\"\\)]*")


class _WithoutSignature(logging.Filter):
    """Takes the signature out of log lines: for minutes it would open the webhook to others."""

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = _IN_ADDRESS.sub(r"\1…", record.getMessage()), None
        return True


# Of a redirect httpcore logs the address, which may repeat the query.
for _logger in ("httpx", "httpcore.http11", "httpcore.connection", "httpcore.proxy"):
    logging.getLogger(_logger).addFilter(_WithoutSignature())


def site_address() -> str:
    """Return the webhook's address on this machine, as its web process listens."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(  # noqa: S104  (read, not bound)
        settings.BOTFLOW_HOST, settings.BOTFLOW_HOST
    )
    host = f"[{host}]" if ":" in host else host
    return f"http://{host}:{settings.BOTFLOW_PORT}{settings.WECHAT_PATH}"


def webhook_address(url: str) -> str:
    """Return the webhook's address for one that may name the site alone, "" for none at all."""
    parts = urlsplit(url if "//" in url else f"https://{url}")
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return ""
    path = parts.path if parts.path.strip("/") else settings.WECHAT_PATH
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


async def callback_finding(url: str, *, now: datetime) -> Finding:
    """Call the webhook at `url`, or on this machine, and say whether it answers as it must."""
    name = _("Webhook")
    address = webhook_address(url) if url else site_address()
    if not address:
        text = _("%(url)s is no address of a site.") % {"url": url}
        return error(name, text, _("Write it as https://bot.example.org."))
    parts = urlsplit(address)
    if not _is_local(parts) and parts.port not in PORTS:
        text = _("%(address)s has port %(port)s; WeChat calls only 80 (http) and 443 (https).")
        advice = _("Let a web server such as nginx listen on 443 and pass requests on.")
        return error(name, text % {"address": address, "port": parts.port}, advice)
    echo = secrets.token_hex(8)
    try:
        async with httpx.AsyncClient(timeout=PATIENCE, trust_env=not _is_local(parts)) as client:
            query = _signed(echo, now=now)
            answer = await client.get(address, params=query, headers=_headers(parts))
    except httpx.HTTPError as problem:
        return _unreached(name, address, problem)
    if answer.status_code == 200 and answer.text == echo:
        return _reached(name, address, parts)
    return _wrong(name, address, answer)


def _signed(echo: str, *, now: datetime) -> dict[str, str]:
    timestamp, nonce = str(int(now.timestamp())), str(secrets.randbelow(10**10))
    text = "".join(sorted([settings.WECHAT_TOKEN, timestamp, nonce]))
    signature = hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()
    return {"signature": signature, "timestamp": timestamp, "nonce": nonce, "echostr": echo}


def _is_local(parts: SplitResult) -> bool:
    """Tell whether the address means something only on this machine or in its network."""
    host = parts.hostname or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host in LOOPBACK


def _headers(parts: SplitResult) -> dict[str, str]:
    """Return what a web server in front would add, for a call that goes past it."""
    if not _is_local(parts):
        return {}
    named = [host for host in settings.ALLOWED_HOSTS if host != "*" and host not in LOOPBACK]
    is_allowed = parts.hostname in settings.ALLOWED_HOSTS or "*" in settings.ALLOWED_HOSTS
    host = {} if is_allowed or not named else {"Host": named[0].lstrip(".")}
    return host | ({"X-Forwarded-Proto": "https"} if settings.SECURE_SSL_REDIRECT else {})


def _reached(name: str, address: str, parts: SplitResult) -> Finding:
    if _is_local(parts):
        text = _("It answers on this machine, at %(address)s. WeChat calls it from outside.")
        advice = _("Try it from there too: manage.py wechat_doctor --url https://bot.example.org")
        return unknown(name, text % {"address": address}, advice)
    text = _("%(address)s answers as WeChat expects.") % {"address": address}
    if parts.scheme == "http":
        advice = _("Get a certificate, and give WeChat the address with https://.")
        return warning(name, text, advice)
    return fine(name, text)


def _unreached(name: str, address: str, problem: httpx.HTTPError) -> Finding:
    """Say why nothing came back; the error's own text is left out, it may hold the query."""
    values = {"address": address, "number": PATIENCE}
    if isinstance(problem, httpx.ConnectTimeout):
        text = _("%(address)s did not answer within %(number)d seconds.")
        advice = _("A firewall may stop the way there: open ports 80 and 443.")
    elif isinstance(problem, httpx.TimeoutException):
        text = _("%(address)s did not answer within %(number)d seconds.")
        advice = _("The web process is too busy or hangs: look at its log and at /health.")
    elif _is_certificate(problem):
        text = _("%(address)s has no certificate that is trusted.")
        advice = _("Install the certificate with its whole chain; it must name this host.")
    elif isinstance(problem, httpx.ConnectError):
        text = _("Nobody answers at %(address)s.")
        advice = _(
            "Start the web process, or name the right address: BOTFLOW_HOST, BOTFLOW_PORT, --url."
        )
    else:
        text = _("%(address)s broke the connection off.")
        advice = _("Look at the log of the web server in front of the site.")
    return error(name, text % values, advice)


def _is_certificate(problem: BaseException | None) -> bool:
    while problem is not None:
        if isinstance(problem, ssl.SSLError):
            return True
        problem = problem.__cause__ or problem.__context__
    return False


def _wrong(name: str, address: str, answer: httpx.Response) -> Finding:
    code = answer.status_code
    values = {"address": address, "code": code, "target": _target(answer)}
    if answer.is_redirect:
        text = _("%(address)s leads on to %(target)s; WeChat follows no redirect.")
        return error(name, text % values, _("Give WeChat the address that answers itself."))
    if code == 200:
        text = _("%(address)s answers with something else than what was sent.")
        advice = _("Another page or site answers there: look at the path and at the web server.")
        return error(name, text % values, advice)
    text = _("%(address)s answers with status %(code)d.") % values
    return error(name, text, _advice(code))


def _advice(code: int) -> str:
    if code == 400:
        return _("The site does not know this name (ALLOWED_HOSTS), or a server cut the query off.")
    if code in (401, 403):
        return _(
            "The web process has another WECHAT_TOKEN than this one (restart it), its clock is"
            " wrong, or a firewall stands before it."
        )
    if code == 404:
        return _(
            "Nothing is at this path: compare it with WECHAT_PATH, and restart the web process"
            " since WECHAT_TOKEN was set."
        )
    if code in (502, 503, 504):
        return _("The web server in front does not reach the web process: is it running?")
    return _("Look at the log of the web process.")


def _target(answer: httpx.Response) -> str:
    """Return where a redirect leads, without the query, which is signed."""
    target = answer.headers.get("Location", "")[:200]
    return target.partition("?")[0]
