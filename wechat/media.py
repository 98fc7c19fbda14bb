"""Media: pictures fetched from where others point, without reaching into the own network."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Collection
from dataclasses import dataclass
from functools import cache

import httpx
from django.conf import settings
from django.utils.translation import gettext as _

# Seconds for a picture as a whole, redirects included.
WITHIN = 10.0
REDIRECTS = 3

#: Where the pictures lie that followers send (`PicUrl`), and everything below.
WECHAT_HOSTS = ("qpic.cn", "weixin.qq.com")

# How files begin, and what they are: what WeChat takes.
_SIGNATURES = {
    b"\xff\xd8\xff": ("image/jpeg", "jpg"),
    b"\x89PNG\r\n\x1a\n": ("image/png", "png"),
    b"GIF87a": ("image/gif", "gif"),
    b"GIF89a": ("image/gif", "gif"),
}
# Addresses of IPv6 that hand their packets to one of IPv4 (RFC 6052).
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
_UNICAST = ipaddress.ip_network("2000::/3")
# Global by name, yet no place for pictures (RFC 6890, RFC 7526).
_SPECIAL = (ipaddress.ip_network("192.0.0.0/24"), ipaddress.ip_network("192.88.99.0/24"))


class ImageRefused(Exception):
    """A picture that is not fetched, or is none; the message says why."""


@dataclass(frozen=True, slots=True)
class Image:
    data: bytes
    content_type: str

    @property
    def name(self) -> str:
        """A file name that fits the content."""
        endings = dict(_SIGNATURES.values())
        return f"image.{endings[self.content_type]}"


def read_image(data: bytes) -> Image:
    """Return a JPEG, PNG or GIF as such; its first bytes decide. Raises ImageRefused."""
    for beginning, (content_type, _ending) in _SIGNATURES.items():
        if data.startswith(beginning):
            return Image(data, content_type)
    raise ImageRefused(_("That is no JPEG, PNG or GIF."))


async def fetch_image(
    url: str, *, allowed_hosts: Collection[str] | None = None, max_bytes: int | None = None
) -> Image:
    """Return the picture at a web address that somebody else chose.

    Only public addresses are connected to: each host is resolved once and the connection goes to
    the very address that was checked; so it is with each redirect. `allowed_hosts` narrows that to
    these hosts and those below them. No proxy and no cookies are used. At most `max_bytes`, by
    default WECHAT_MAX_IMAGE_BYTES, in 10 seconds. Raises ImageRefused.
    """
    most = max_bytes or settings.WECHAT_MAX_IMAGE_BYTES
    try:
        async with asyncio.timeout(WITHIN):
            return read_image(await _download(url, allowed_hosts, most))
    except TimeoutError:
        raise ImageRefused(_("It took too long.")) from None
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        # Their texts may quote the address, which may hold somebody's secret.
        raise ImageRefused(_("It could not be fetched.")) from None


async def _download(url: str, allowed_hosts: Collection[str] | None, most: int) -> bytes:
    target = httpx.URL(url)
    # Certificates are read once; a client for each picture keeps nothing of the one before.
    options = {"verify": _tls(), "trust_env": False, "timeout": WITHIN}
    async with httpx.AsyncClient(**options) as client:  # type: ignore[arg-type]
        for _hop in range(REDIRECTS + 1):
            request = await _request(target, allowed_hosts)
            response = await client.send(request, stream=True)
            try:
                if not response.has_redirect_location:
                    return await _body(response, most)
                target = target.join(response.headers["Location"])
            finally:
                await response.aclose()
    raise ImageRefused(_("It is redirected too often."))


async def _request(target: httpx.URL, allowed_hosts: Collection[str] | None) -> httpx.Request:
    """Return a request to the checked address of its host, which it still names."""
    host = target.raw_host.decode("ascii").lower().rstrip(".")
    if target.scheme not in ("http", "https") or not host or target.userinfo:
        raise ImageRefused(_("That is no web address."))
    if allowed_hosts is not None and not _is_below(host, allowed_hosts):
        raise ImageRefused(_("Nothing is fetched from there."))
    address = await _public_address(host, target.port or (443 if target.scheme == "https" else 80))
    return httpx.Request(
        "GET",
        target.copy_with(host=address),
        headers={
            "Host": target.netloc.decode("ascii"),
            "Accept": "image/jpeg,image/png,image/gif",
            # Nothing that grows as it is unpacked.
            "Accept-Encoding": "identity",
            "User-Agent": "BotFlow",
        },
        extensions={
            "sni_hostname": host,
            "timeout": httpx.Timeout(WITHIN).as_dict(),
        },
    )


def _is_below(host: str, allowed_hosts: Collection[str]) -> bool:
    return any(host == allowed or host.endswith(f".{allowed}") for allowed in allowed_hosts)


async def _public_address(host: str, port: int) -> str:
    """Return an address of the host; raises ImageRefused if any of them is not public."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    addresses = [str(sockaddr[0]) for *_rest, sockaddr in found]
    if not addresses or not all(is_public(address) for address in addresses):
        raise ImageRefused(_("Nothing is fetched from there."))
    return addresses[0]


def is_public(address: str) -> bool:
    """Return whether an IP address is one of the internet's, through none of its disguises."""
    ip = ipaddress.ip_address(address)
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour
        if ip in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
        if ip not in _UNICAST or ip.teredo or ip.scope_id:
            return False
    is_odd = ip.is_multicast or ip.is_reserved or any(ip in network for network in _SPECIAL)
    return ip.is_global and not is_odd


async def _body(response: httpx.Response, most: int) -> bytes:
    if response.status_code != httpx.codes.OK:
        raise ImageRefused(_("The server answered %(status)s.") % {"status": response.status_code})
    announced = response.headers.get("Content-Length", "")
    chunks, size = [], 0
    if not (announced.isdecimal() and int(announced[:20]) > most):
        async for chunk in response.aiter_raw():
            size += len(chunk)
            if size > most:
                break
            chunks.append(chunk)
        else:
            return b"".join(chunks)
    raise ImageRefused(_("It is larger than %(most)s bytes.") % {"most": most})


@cache
def _tls() -> ssl.SSLContext:
    return ssl.create_default_context()
