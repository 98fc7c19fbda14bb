"""A small WeChat interface on loopback: real HTTP, answers as scripted, every call recorded."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from scheduling.group_commit import group_commit
from tests.conversations.working import close

SECRET = "s3cr3t-0f-the-account-0123456789"
APP_ID = "wx0123456789abcdef"


@dataclass
class Answer:
    """One scripted answer: a dict is JSON; `drop` closes the connection after reading."""

    body: Any = field(default_factory=lambda: {"errcode": 0, "errmsg": "ok"})
    status: int = 200
    delay: float = 0.0
    drop: bool = False
    headers: dict[str, str] = field(default_factory=dict)

    def data(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        if isinstance(self.body, str):
            return self.body.encode()
        return json.dumps(self.body, ensure_ascii=False).encode()


@dataclass
class Call:
    path: str
    method: str
    query: dict[str, str]
    body: bytes
    headers: dict[str, str]
    port: int

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class FakeApi:
    """Answers `path`, such as "message/custom/send", with what was scripted for it.

    `script(path, *answers)`: each is used once, the last one for ever. Without a script: tokens
    are "token-1", "token-2", …, the one in force until `revoke()` or until it is forced, and every
    other call that has the token in force succeeds.
    """

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.number = 1
        self.lock = threading.Lock()
        self._scripts: dict[str, deque[Answer]] = {}
        self._stopping = threading.Event()
        self.server = _Server(("127.0.0.1", 0), _handler(self))
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,))

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_address[1]}"

    @property
    def token(self) -> str:
        return f"token-{self.number}"

    def script(self, path: str, *answers: Answer | dict[str, Any] | list[Any] | str | int) -> None:
        """Set the answers of a path; a number is an error code."""
        self._scripts[path] = deque(_answer(one) for one in answers)

    def revoke(self) -> None:
        """Have the token in force refused from now on, as if another site had forced one."""
        self.number += 1

    def count(self, path: str) -> int:
        return self.counts()[path]

    def counts(self) -> Counter[str]:
        with self.lock:
            return Counter(call.path for call in self.calls)

    def of(self, path: str) -> list[Call]:
        with self.lock:
            return [call for call in self.calls if call.path == path]

    def answer(self, call: Call) -> Answer:
        with self.lock:
            self.calls.append(call)
            script = self._scripts.get(call.path)
            if script:
                return script.popleft() if len(script) > 1 else script[0]
            return self._usual(call)

    def _usual(self, call: Call) -> Answer:
        if call.path == "stable_token":
            if call.json["secret"] != SECRET:
                return Answer({"errcode": 40125, "errmsg": "invalid appsecret rid: 1-2-3"})
            self.number += bool(call.json["force_refresh"])
            return Answer({"access_token": self.token, "expires_in": 7200})
        if call.query.get("access_token") != self.token:
            text = "invalid credential, access_token is invalid or not latest rid: 6-7-8"
            return Answer({"errcode": 40001, "errmsg": text})
        return Answer()

    def pause(self, seconds: float) -> None:
        self._stopping.wait(seconds)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        self.server.shutdown()
        self.server.server_close()
        self._thread.join(10)


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256


def _answer(one: Answer | dict[str, Any] | list[Any] | str | int) -> Answer:
    if isinstance(one, Answer):
        return one
    return Answer({"errcode": one, "errmsg": f"error {one}"} if isinstance(one, int) else one)


def _handler(api: FakeApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = 30
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            self._answer()

        def do_GET(self) -> None:
            self._answer()

        def _answer(self) -> None:
            address = urlsplit(self.path)
            length = int(self.headers.get("Content-Length") or 0)
            call = Call(
                address.path.removeprefix("/cgi-bin/"),
                self.command,
                dict(parse_qsl(address.query)),
                self.rfile.read(length),
                {name.lower(): value for name, value in self.headers.items()},
                self.client_address[1],
            )
            answer = api.answer(call)
            if answer.delay:
                api.pause(answer.delay)
            if answer.drop:
                self.connection.shutdown(socket.SHUT_RDWR)
                self.close_connection = True
                return
            self._give(answer)

        def _give(self, answer: Answer) -> None:
            data = answer.data()
            try:
                self.send_response(answer.status)
                headers = {"Content-Length": str(len(data))} | answer.headers
                for name, value in headers.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(data)
            except OSError:
                pass  # the caller has hung up

        def log_message(self, *args: object) -> None: ...

    return Handler


@contextmanager
def running() -> Iterator[FakeApi]:
    one = FakeApi()
    one.start()
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture
def api(settings: Any) -> Iterator[FakeApi]:
    """Return a running fake interface that the settings point to, with an account's credentials."""
    with running() as one:
        settings.WECHAT_API_BASE_URL = one.url
        settings.WECHAT_APP_ID = APP_ID
        settings.WECHAT_APP_SECRET = SECRET
        settings.WECHAT_REPLY = "auto"
        yield one


@pytest.fixture
async def store(transactional_db: None) -> AsyncIterator[None]:
    """Use the database from the event loop; its connections are closed at the end."""
    yield
    close(group_commit())


def refusing_address() -> str:
    """Return an address on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{probe.getsockname()[1]}"


def wait_for_calls(api: FakeApi, path: str, number: int, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while api.count(path) < number:
        assert time.monotonic() < deadline, f"{path} was not called {number} times"
        time.sleep(0.01)
