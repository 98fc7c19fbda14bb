"""Which images of a conversation a model is shown, and how: inlined, or by their web address."""

from __future__ import annotations

import asyncio
import base64
import ipaddress
import mimetypes
import re
import socket
import unicodedata
from collections.abc import Iterable
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.core.exceptions import ImproperlyConfigured

from conversations.channels import get_channel

#: The newest that are shown of one conversation.
MOST_IMAGES = 4

#: Characters of all that are inlined: providers refuse requests of more than ten or twenty million.
MOST_INLINED = 8_000_000

#: A part of a message's content as the API takes it.
Part = dict[str, Any]

_DATA = re.compile(r"data:image/(png|jpe?g|gif|webp);base64,[A-Za-z0-9+/]+=*", re.IGNORECASE)
# Names that only the owner's own network knows (RFC 6761, RFC 6762, RFC 8375, ICANN's .internal).
_OWN_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain")
# Addresses of IPv6 that hand their packets to one of IPv4 (RFC 6052).
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


async def image_parts(channel: str, attachments: Iterable[str]) -> dict[str, Part]:
    """Return by attachment what shows it to a model, of the newest that can be shown.

    `attachments` are in order, the newest last. What the channel opens is inlined. Everything else
    must be an image on the public internet or one inlined already: the model's server fetches it,
    and may stand in the owner's network.
    """
    latest_first = dict.fromkeys(reversed([*attachments]))
    newest = [one for one in latest_first if one and not is_file(one)][:MOST_IMAGES]
    urls = await asyncio.gather(*(_url(channel, attachment) for attachment in newest))
    fitting, size = {}, 0
    for attachment, url in zip(newest, urls, strict=True):
        size += len(url)
        if url and size <= MOST_INLINED:
            fitting[attachment] = {"type": "image_url", "image_url": {"url": url}}
    return fitting


async def _url(channel: str, attachment: str) -> str:
    """Return where a model finds the image; "" for nowhere."""
    try:
        opened = await get_channel(channel).open_image(attachment)
    except ImproperlyConfigured:  # a channel that was taken away
        opened = None
    if opened:
        content_type, data = opened
        return f"data:{content_type};base64,{base64.b64encode(data).decode()}"
    return attachment if is_shareable(attachment) else ""


def is_file(attachment: str) -> bool:
    """Tell an address, of the web or of this site, that by its name is no image."""
    if not attachment.lower().startswith(("http://", "https://", "/")):
        return False
    guessed, _encoding = mimetypes.guess_type(attachment.partition("?")[0].partition("#")[0])
    return guessed is not None and not guessed.startswith("image/")


def is_image(attachment: str) -> bool:
    """Tell what looks like an image, whether it can be shown or not."""
    address = attachment.lower()
    is_web = address.startswith(("http://", "https://", "/"))
    return address.startswith("data:image/") or (is_web and not is_file(attachment))


def is_shareable(attachment: str) -> bool:
    """Tell whether a model's server may be pointed to it.

    Not to an address in a private network, not by a name that only such a network knows, and
    never with a password. What a public name resolves to is not asked.
    """
    if _DATA.fullmatch(attachment):
        return True
    if re.search(r"[\s\\\x00-\x1f\x7f]", attachment):
        return False
    try:
        parts = urlsplit(attachment)
        is_web = parts.scheme in ("http", "https") and "@" not in parts.netloc
        return is_web and _is_public(_host(parts))
    except ValueError:
        return False


def _host(parts: SplitResult) -> str:
    # As browsers and clients read it: full-width digits and dots are digits and dots.
    return unicodedata.normalize("NFKC", parts.hostname or "").replace("。", ".").rstrip(".")


def _is_public(host: str) -> bool:
    if ":" in host:
        return _is_global(ipaddress.ip_address(host))
    try:
        # In every way to write it that the C library knows: 127.1, 0x7f000001, 017700000001.
        return _is_global(ipaddress.ip_address(socket.inet_aton(host)))
    except OSError:
        pass
    has_own_name = any(host == name or host.endswith(f".{name}") for name in _OWN_NAMES)
    return "." in host and not has_own_name


def _is_global(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return _is_global(inner)
    return address.is_global and not address.is_multicast
