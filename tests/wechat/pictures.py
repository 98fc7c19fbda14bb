"""A web server of pictures on loopback, plain or with TLS, that counts what it is asked for."""

from __future__ import annotations

import contextlib
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

JPEG = b"\xff\xd8\xff\xe0" + b"jpeg" * 100
PNG = b"\x89PNG\r\n\x1a\n" + b"png" * 100
GIF = b"GIF89a" + b"gif" * 100

Page = Callable[[BaseHTTPRequestHandler], None]


def page(data: bytes, *, status: int = 200, **headers: str) -> Page:
    """Return what answers with these bytes; `_` in a header's name stands for `-`."""

    def answer(request: BaseHTTPRequestHandler) -> None:
        request.send_response(status)
        for name, value in ({"Content_Length": str(len(data))} | headers).items():
            if value:
                request.send_header(name.replace("_", "-"), value)
        request.end_headers()
        request.wfile.write(data)

    return answer


def redirect(to: str) -> Page:
    return page(b"", status=302, Location=to)


class Pictures:
    """Serves `pages` by their path; `asked` has the Host and path of each request."""

    def __init__(self, address: str, tls: ssl.SSLContext | None) -> None:
        self.pages: dict[str, Page] = {
            "/a.jpg": page(JPEG),
            "/a.png": page(PNG),
            "/a.gif": page(GIF),
        }
        self.asked: list[str] = []
        #: Ends every wait of an answer, when the test is over.
        self.is_over = threading.Event()
        self.server = ThreadingHTTPServer((address, 0), _handler(self))
        self.server.daemon_threads = True
        self.scheme = "http"
        if tls:
            self.scheme = "https"
            self.server.socket = tls.wrap_socket(self.server.socket, server_side=True)

    @property
    def port(self) -> int:
        return int(self.server.server_address[1])

    def url(self, path: str = "/a.jpg", host: str = "127.0.0.1") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"


def _handler(pictures: Pictures) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 10

        def do_GET(self) -> None:
            pictures.asked.append(f"{self.headers['Host']}{self.path}")
            with contextlib.suppress(OSError):  # the caller has hung up
                pictures.pages.get(self.path, page(b"", status=404))(self)

        def log_message(self, *args: object) -> None: ...

    return Handler


@contextmanager
def serving(address: str = "127.0.0.1", tls: ssl.SSLContext | None = None) -> Iterator[Pictures]:
    one = Pictures(address, tls)
    thread = threading.Thread(target=one.server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield one
    finally:
        one.is_over.set()
        one.server.shutdown()
        one.server.server_close()
        thread.join(10)
