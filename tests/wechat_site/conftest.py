"""A fake WeChat for the tests of whole sites, and a bare webhook to test the fake one against."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from wechat.simulator.fixtures import wechat as wechat
from wechat.simulator.fixtures import wechat_account as wechat_account


@dataclass(frozen=True)
class Asked:
    """A request as the webhook got it; `number` counts from 1."""

    number: int
    query: dict[str, str]
    body: bytes


class Webhook:
    """Answers whatever `answer` says, with the status 200 unless it says another."""

    def __init__(self) -> None:
        self.url = ""
        self.asked: list[Asked] = []
        self.answer: Callable[[Asked], bytes | tuple[int, bytes]] = lambda _asked: b"success"
        #: Ends every wait of an answer, when the test is over.
        self.is_over = threading.Event()

    def hold(self, seconds: float) -> bytes:
        self.is_over.wait(seconds)
        return b"too late"


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    found = Webhook()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            query = dict(parse_qsl(urlsplit(self.path).query))
            self._send(200, query.get("echostr", "").encode())

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            query = dict(parse_qsl(urlsplit(self.path).query))
            asked = Asked(len(found.asked) + 1, query, body)
            found.asked.append(asked)
            answer = found.answer(asked)
            self._send(*(answer if isinstance(answer, tuple) else (200, answer)))

        def _send(self, status: int, body: bytes) -> None:
            try:
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)
            except ConnectionError:
                self.close_connection = True

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = False
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    found.url = f"http://127.0.0.1:{server.server_address[1]}/wechat"
    yield found
    found.is_over.set()
    server.shutdown()
    thread.join()
    server.server_close()
