"""The doctor's look at the settings, each by itself and together; asks nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urlsplit

from django.conf import settings
from django.utils.translation import gettext as _

from wechat.findings import Finding, error, fine, unknown, warning

OFFICIAL_API = "https://api.weixin.qq.com"
LOOPBACK = {"localhost", "127.0.0.1", "::1", "[::1]"}


def setting_findings() -> list[Finding]:
    """Return a line for each setting that decides whether and how the channel works."""
    return [
        *_token(),
        *_app_id(),
        *_secret(),
        *_keys(),
        *_mode(),
        *_original_id(),
        *_hosts(),
        *_freshness(),
        *_base_url(),
    ]


def _token() -> Iterator[Finding]:
    name = _("Token (WECHAT_TOKEN)")
    if not settings.WECHAT_TOKEN:
        advice = _(
            "Set WECHAT_TOKEN to the Token of the server configuration in WeChat's console, and"
            " restart the site."
        )
        yield error(name, _("It is not set: WeChat is off."), advice)
    elif not re.fullmatch(r"[A-Za-z0-9]{3,32}", settings.WECHAT_TOKEN):
        advice = _("Use the same 3 to 32 letters and digits here and in WeChat's console.")
        yield error(name, _("It is not one that WeChat takes."), advice)
    else:
        yield fine(name, _("It is set."))


def _app_id() -> Iterator[Finding]:
    name = _("AppID (WECHAT_APP_ID)")
    advice = _("Copy it from WeChat's console; it begins with wx.")
    if not settings.WECHAT_APP_ID:
        text = _("It is not set: nothing can be decrypted, and nothing sent unasked.")
        needs_it = settings.WECHAT_AES_KEY or settings.WECHAT_APP_SECRET
        yield (error if needs_it else warning)(name, text, advice)
    elif not re.fullmatch(r"wx[A-Za-z0-9_-]{1,62}", settings.WECHAT_APP_ID):
        text = _("%(value)s is no AppID.") % {"value": settings.WECHAT_APP_ID}
        yield error(name, text, advice)
    else:
        yield fine(name, settings.WECHAT_APP_ID)


def _secret() -> Iterator[Finding]:
    name = _("AppSecret (WECHAT_APP_SECRET)")
    if settings.WECHAT_APP_SECRET:
        yield fine(name, _("It is set."))
    elif settings.WECHAT_REPLY == "customer_service":
        text = _("It is not set, but WECHAT_REPLY=customer_service needs it.")
        yield error(name, text, _("Copy it from WeChat's console, or set WECHAT_REPLY=auto."))
    elif settings.WECHAT_REPLY == "passive":
        yield fine(name, _("It is not set; replies alone do not need it."))
    else:
        text = _("It is not set: everything goes out as replies, nothing can be sent unasked.")
        yield warning(name, text, _("Copy it from WeChat's console if the account has it."))


def _keys() -> Iterator[Finding]:
    name = _("EncodingAESKey (WECHAT_AES_KEY)")
    key, previous = settings.WECHAT_AES_KEY, settings.WECHAT_AES_KEY_PREVIOUS
    wrong = [
        label
        for label, value in (("WECHAT_AES_KEY", key), ("WECHAT_AES_KEY_PREVIOUS", previous))
        if value and not re.fullmatch(r"[A-Za-z0-9+/]{43}", value)
    ]
    if wrong:
        text = _("No EncodingAESKey: %(names)s.") % {"names": ", ".join(wrong)}
        yield error(name, text, _("It has 43 letters and digits: copy it whole, without spaces."))
    elif not key and settings.WECHAT_MODE != "plain":
        text = _("It is not set, but WECHAT_MODE=%(mode)s needs it.")
        advice = _("Copy it from the server configuration in WeChat's console.")
        yield error(name, text % {"mode": settings.WECHAT_MODE}, advice)
    elif key and previous == key:
        text = _("The previous key is the current one.")
        yield warning(name, text, _("Remove WECHAT_AES_KEY_PREVIOUS."))
    elif key:
        yield fine(name, _("It is set, and the one before it.") if previous else _("It is set."))


def _mode() -> Iterator[Finding]:
    name = _("Message encryption (WECHAT_MODE)")
    if settings.WECHAT_MODE == "secure":
        yield fine(name, _("Secure: only encrypted messages are taken."))
    elif settings.WECHAT_MODE == "compatible":
        text = _("Compatible: messages that are not encrypted are taken as well.")
        advice = _(
            "It is meant for the time of changing over. Choose the secure mode in WeChat's"
            " console, then set WECHAT_MODE=secure."
        )
        yield warning(name, text, advice)
    else:
        text = _("Plain: what followers write is not encrypted, and its signature covers no text.")
        advice = _(
            "Choose the secure mode in WeChat's console, and set WECHAT_AES_KEY and"
            " WECHAT_MODE=secure."
        )
        yield warning(name, text, advice)


def _original_id() -> Iterator[Finding]:
    name = _("Account (WECHAT_ORIGINAL_ID)")
    value = settings.WECHAT_ORIGINAL_ID
    if value and not value.startswith("gh_"):
        text = _("%(value)s is no id of an account: every message is refused.") % {"value": value}
        yield error(name, text, _("It begins with gh_; leave it empty to take any account."))
    elif value:
        yield fine(name, _("Only messages to %(value)s are taken.") % {"value": value})


def _hosts() -> Iterator[Finding]:
    name = _("Host names (ALLOWED_HOSTS)")
    hosts = list(settings.ALLOWED_HOSTS)
    if set(hosts) <= LOOPBACK:
        text = _("The site answers to this machine's own names alone: WeChat cannot reach it.")
        advice = _("Add the site's public name to ALLOWED_HOSTS, and restart it.")
        yield warning(name, text, advice)
    else:
        yield fine(name, ", ".join(host for host in hosts if host not in LOOPBACK))


def _freshness() -> Iterator[Finding]:
    name = _("Age of requests (WECHAT_FRESHNESS)")
    if not settings.WECHAT_FRESHNESS:
        text = _("Requests of any age are taken: an old signature is good for ever.")
        yield warning(name, text, _("Set WECHAT_FRESHNESS=300."))


def _base_url() -> Iterator[Finding]:
    name = _("WeChat's API (WECHAT_API_BASE_URL)")
    base = settings.WECHAT_API_BASE_URL
    if base == OFFICIAL_API:
        return
    parts = urlsplit(base)
    if parts.scheme == "http" and parts.hostname not in LOOPBACK:
        text = _("The AppSecret is sent to %(host)s without encryption.")
        yield error(name, text % {"host": parts.hostname}, _("Use an address with https://."))
    else:
        text = _("Calls go to %(host)s instead of WeChat's own.") % {"host": parts.hostname}
        yield unknown(name, text, _("This is right for a relay, and for the simulator."))
