"""Fetching pictures from where others point, without reaching into the own network."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.wechat.fake_api import refusing_address
from tests.wechat.pictures import GIF, JPEG, PNG, Pictures, page, redirect, serving
from wechat import media
from wechat.media import ImageRefused, fetch_image, is_public


@pytest.fixture
def pictures(monkeypatch: pytest.MonkeyPatch) -> Iterator[Pictures]:
    """Return a server at 127.0.0.1, which counts as public here, as no other address does."""
    monkeypatch.setattr(media, "is_public", lambda address: address == "127.0.0.1")
    with serving() as one:
        yield one


async def refusal(url: str, **options: Any) -> str:
    with pytest.raises(ImageRefused) as refused:
        await fetch_image(url, **options)
    return str(refused.value)


# -- what is fetched -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "data", "content_type", "name"),
    [
        ("/a.jpg", JPEG, "image/jpeg", "image.jpg"),
        ("/a.png", PNG, "image/png", "image.png"),
        ("/a.gif", GIF, "image/gif", "image.gif"),
    ],
)
async def test_a_picture_is_what_it_begins_with(pictures, path, data, content_type, name):
    image = await fetch_image(pictures.url(path))

    assert (image.data, image.content_type, image.name) == (data, content_type, name)


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"<svg/>", b"\x89PNG", b"RIFF\x10\x00\x00\x00WEBP", b"%PDF-1.7"]
)
async def test_what_is_no_picture_is_refused(pictures, data):
    pictures.pages["/a.jpg"] = page(data, Content_Type="image/jpeg")

    assert "no JPEG" in await refusal(pictures.url())


async def test_what_is_packed_is_not_unpacked(pictures):
    pictures.pages["/a.jpg"] = page(b"\x1f\x8b\x08" + bytes(100), Content_Encoding="gzip")

    assert "no JPEG" in await refusal(pictures.url())


async def test_one_of_the_greatest_size_is_fetched(pictures):
    assert (await fetch_image(pictures.url(), max_bytes=len(JPEG))).data == JPEG


async def test_one_that_says_it_is_larger_is_refused(pictures, settings):
    settings.WECHAT_MAX_IMAGE_BYTES = len(JPEG) - 1

    assert str(len(JPEG) - 1) in await refusal(pictures.url())


async def test_one_that_does_not_say_its_size_is_read_only_so_far(pictures):
    written = []

    def endless(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while True:
            request.wfile.write(JPEG)
            written.append(len(JPEG))

    pictures.pages["/a.jpg"] = endless

    assert "larger" in await refusal(pictures.url(), max_bytes=10_000)
    assert sum(written) < 100_000_000


async def test_one_that_is_not_there_is_refused(pictures):
    assert "404" in await refusal(pictures.url("/nowhere.jpg"))


async def test_one_that_drips_is_given_up(pictures, monkeypatch):
    monkeypatch.setattr(media, "WITHIN", 0.3)

    def drip(request: BaseHTTPRequestHandler) -> None:
        request.send_response(200)
        request.end_headers()
        while not pictures.is_over.wait(0.05):
            request.wfile.write(b"\xff")

    pictures.pages["/a.jpg"] = drip

    async with asyncio.timeout(5):
        assert "too long" in await refusal(pictures.url())


async def test_a_server_that_is_away_is_no_other_error(pictures):
    assert await refusal(refusing_address() + "/a.jpg")


async def test_no_proxy_is_used(pictures, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", refusing_address())
    monkeypatch.setenv("ALL_PROXY", refusing_address())

    assert (await fetch_image(pictures.url())).data == JPEG


# -- from where ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "url",
    [
        "",
        "a.jpg",
        "//127.0.0.1/a.jpg",
        "file:///etc/passwd",
        "ftp://127.0.0.1/a.jpg",
        "data:image/png;base64,iVBORw0KGgo=",
        "http:///a.jpg",
        "http://user:secret@127.0.0.1/a.jpg",
        "http://127.0.0.1:port/a.jpg",
        "http://[::1/a.jpg",
        "http://no-such-host.invalid/a.jpg",
        "http://" + "x" * 300 + ".test/a.jpg",
        "http://ex\x00ample.test/",
        "https://\u2024\u2024/",
    ],
)
async def test_what_is_no_web_address_is_refused(pictures, url):
    assert "secret" not in await refusal(url)
    assert pictures.asked == []


@pytest.mark.parametrize(
    "address",
    [
        *("127.0.0.1", "127.255.255.254", "0.0.0.0", "10.0.0.1", "172.16.0.1", "192.168.1.1"),
        *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.8", "192.0.2.1"),
        *("198.18.0.1", "198.51.100.1", "203.0.113.1", "192.88.99.1", "224.0.0.1", "240.0.0.1"),
        *("255.255.255.255", "::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:10.0.0.1"),
        *("fe80::1", "fe80::1%1", "fec0::1", "fc00::1", "fd00::1", "ff02::1", "2001:db8::1"),
        *("2002:7f00:1::", "2002:c0a8:101::", "64:ff9b::7f00:1", "64:ff9b:1::1", "100::1"),
        *("2001:0:53aa:64c::1", "5f00::1", "4000::1"),
    ],
)
def test_what_is_not_the_internet_is_not_public(address):
    assert not is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "183.3.226.35",
        "2606:4700::1111",
        "240e:ff:f101::1",
        "::ffff:8.8.8.8",
        "64:ff9b::808:808",
    ],
)
def test_the_internet_is_public(address):
    assert is_public(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f.1", "127.1", "0"]
)
async def test_the_own_machine_is_not_asked(host):
    with serving() as server:
        await refusal(server.url(host=host))

        assert server.asked == []


@pytest.mark.parametrize(
    "url", ["http://{other}/a.jpg", "//{other}/a.jpg", "file:///etc/passwd", "gopher://{other}/"]
)
async def test_a_redirect_to_what_may_not_be_asked_is_refused(pictures, url):
    with serving("127.0.0.2") as other:
        target = url.format(other=f"127.0.0.2:{other.port}")
        pictures.pages["/a.jpg"] = redirect(target)

        await refusal(pictures.url())

        assert other.asked == []


async def test_a_redirect_that_is_checked_is_followed(pictures):
    pictures.pages["/there"] = redirect("/a.png")

    assert (await fetch_image(pictures.url("/there"))).data == PNG


async def test_redirects_in_a_circle_end(pictures):
    pictures.pages["/a.jpg"] = redirect("/a.jpg")

    assert "redirected" in await refusal(pictures.url())
    assert len(pictures.asked) == media.REDIRECTS + 1


class Names:
    """A resolver that gives other addresses each time."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def getaddrinfo(self, _loop: Any, host: Any, port: Any, **_more: Any) -> list[Any]:
        self.asked.append(host)
        found = self.answers.pop(0)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (ip, port)) for ip in found]


def resolve(monkeypatch: pytest.MonkeyPatch, *answers: list[str]) -> Names:
    names = Names(*answers)
    usual = asyncio.BaseEventLoop.getaddrinfo

    def patched(loop: Any, host: Any, port: Any, **more: Any) -> Any:
        is_name = str(host).endswith(".test")
        return (names.getaddrinfo if is_name else usual)(loop, host, port, **more)

    monkeypatch.setattr(asyncio.BaseEventLoop, "getaddrinfo", patched)
    return names


async def test_the_address_that_was_checked_is_the_one_that_is_asked(pictures, monkeypatch):
    names = resolve(monkeypatch, ["127.0.0.1"], ["127.0.0.2"])

    await fetch_image(pictures.url(host="rebinding.test"))

    assert names.asked == ["rebinding.test"]
    assert pictures.asked == [f"rebinding.test:{pictures.port}/a.jpg"]


async def test_a_host_that_is_here_as_well_is_not_asked(pictures, monkeypatch):
    resolve(monkeypatch, ["127.0.0.1", "10.0.0.1"])

    await refusal(pictures.url(host="both.test"))

    assert pictures.asked == []


@pytest.mark.parametrize(
    ("host", "is_allowed"),
    [
        ("qpic.test", True),
        ("mmbiz.qpic.test", True),
        ("MMBIZ.QPIC.TEST", True),
        ("qpic.test.", True),
        ("evilqpic.test", False),
        ("qpic.test.evil.test", False),
        ("127.0.0.1", False),
    ],
)
async def test_only_allowed_hosts_are_asked(pictures, monkeypatch, host, is_allowed):
    resolve(monkeypatch, ["127.0.0.1"])

    if is_allowed:
        await fetch_image(pictures.url(host=host), allowed_hosts=["qpic.test"])
    else:
        await refusal(pictures.url(host=host), allowed_hosts=["qpic.test"])

    assert len(pictures.asked) == is_allowed


# -- with TLS --------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a file with a certificate for pictures.test and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "pictures.test")])
    start = datetime.now(UTC) - timedelta(days=1)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=10))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("pictures.test")]), False)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = tmp_path_factory.mktemp("tls") / "pictures.pem"
    path.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def tls_pictures(pictures, certificate, monkeypatch) -> Iterator[Pictures]:
    server, trust = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    server.load_cert_chain(certificate)
    trust.load_verify_locations(certificate)
    monkeypatch.setattr(media, "_tls", lambda: trust)
    with serving(tls=server) as one:
        yield one


async def test_the_certificate_must_be_of_the_host(tls_pictures, monkeypatch):
    resolve(monkeypatch, ["127.0.0.1"], ["127.0.0.1"])

    assert (await fetch_image(tls_pictures.url(host="pictures.test"))).data == JPEG
    await refusal(tls_pictures.url(host="other.test"))
    await refusal(tls_pictures.url())
