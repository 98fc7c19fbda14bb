"""A browser may open the socket from this site's own pages alone."""

import pytest

from tests.harness.site import Site
from tests.sockets.refusals import refusal

# 400: the server itself would not read the handshake.
REFUSED = (400, 403)

pytestmark = pytest.mark.usefixtures("clean_logs")


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "null",
        "",
        "file://",
        "http://127.0.0.1",
        "http://127.0.0.1:1",
        "http://127.0.0.1:{port}.evil.example",
        "http://127.0.0.1.evil.example:{port}",
        "http://evil-127.0.0.1:{port}",
        "http://127.0.0.1:{port}@evil.example",
        "http://user@127.0.0.1:{port}",
        "http://localhost:{port}",
        "http://127.0.0.1:{port} http://evil.example",
        "ftp://127.0.0.1:{port}",
        "127.0.0.1:{port}",
        "http://127.0.0.1:99999999",
        "http://[::1",
    ],
)
async def test_a_page_from_elsewhere_is_refused(served: Site, origin: str) -> None:
    headers = [("Origin", origin.format(port=served.port))]

    assert await refusal(served.socket_url, headers) in REFUSED


async def test_two_origins_are_refused(served: Site) -> None:
    headers = [("Origin", served.url), ("Origin", "http://evil.example")]

    assert await refusal(served.socket_url, headers) in REFUSED
    assert await refusal(served.socket_url, headers[::-1]) in REFUSED


async def test_the_sites_own_pages_are_let_in(served: Site) -> None:
    assert await refusal(served.socket_url, [("Origin", served.url)]) == 101
    assert await refusal(served.socket_url, [("Origin", served.url.upper())]) == 101


async def test_a_client_that_is_no_browser_is_let_in(served: Site) -> None:
    assert await refusal(served.socket_url, []) == 101


@pytest.mark.parametrize("path", ["/", "/ws", "/ws/chat/", "/ws/chat/x", "/admin/", "/..%2f"])
async def test_an_unknown_path_is_refused_quietly(served: Site, path: str) -> None:
    address = served.socket_url.removesuffix("/ws/chat") + path

    assert await refusal(address, []) in (403, 404)
