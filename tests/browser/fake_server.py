"""A site whose page is the real one and whose WebSocket says exactly what a test has it say."""

import contextlib
import json
import logging
import queue
import socket
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, urlsplit

from django.test import Client
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

DEADLINE_SECONDS = 10
# Without the server's own words, of which there are many: a failed test prints the log.
QUIET = logging.getLogger("fake_site")
QUIET.setLevel(logging.CRITICAL)
CONVERSATION = "8d1c6b1e-7d0f-4f0a-9c9a-0d5f3c1a2b3c"


class FakeSocket:
    """One WebSocket of the page, seen from the server's end."""

    def __init__(self, connection: ServerConnection, query: dict[str, str]) -> None:
        self.query = query
        self._connection = connection
        self._received: queue.Queue[dict[str, Any]] = queue.Queue()
        self.over = threading.Event()

    def listen(self) -> None:
        try:
            for text in self._connection:
                self._received.put(json.loads(text))
        except ConnectionClosed:
            pass
        self.over.set()

    def receive(self, kind: str) -> dict[str, Any]:
        """Return the next frame of that type, passing over others and answering pings."""
        while True:
            frame = self._received.get(timeout=DEADLINE_SECONDS)
            if frame["type"] == kind:
                return frame
            if frame["type"] == "ping":
                self.send(type="pong")

    def waiting(self) -> list[str]:
        """Return the types of the frames that came and were not taken yet."""
        return [frame["type"] for frame in list(self._received.queue)]

    def send(self, **frame: Any) -> None:
        self._connection.send(json.dumps(frame))

    def close(self, code: int) -> None:
        self._connection.close(code)

    def cut(self) -> None:
        """End the TCP connection without a word, as a killed server does."""
        with contextlib.suppress(OSError):  # closed by the page meanwhile
            self._connection.socket.shutdown(socket.SHUT_RDWR)

    def welcome(
        self, *messages: dict[str, Any], more: bool = False, tasks: Sequence[dict[str, Any]] = ()
    ) -> "FakeSocket":
        """Greet, and answer the page's first questions: for history, and for `tasks`."""
        seq = max((message["seq"] for message in messages), default=0)
        self.send(type="welcome", conversation=CONVERSATION, seq=seq, token="t")
        if "after" not in self.query:
            self.receive("history")
            self.send(type="history", messages=list(messages), more=more)
        self.receive("tasks")
        self.send(type="tasks", tasks=list(tasks))
        return self

    def store(self, frame: dict[str, Any], seq: int, **fields: Any) -> dict[str, Any]:
        """Confirm a message the page sent; return it as stored."""
        fields = {"content": frame["content"], "client_id": frame["client_id"], **fields}
        message = user_message(seq, **fields)
        self.send(type="message", **message)
        return message


class FakeSite:
    """Serves the page, its files and `/ws/chat` on a free port of the loopback."""

    def __init__(self) -> None:
        self._sockets: queue.Queue[FakeSocket] = queue.Queue()
        self._port = 0
        #: What the page's list of conversations is told.
        self.conversations: list[dict[str, Any]] = []
        self._is_up = threading.Event()
        self.open()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def open(self) -> None:
        """Serve, on the same port as before."""
        self._server = serve(
            self._handle,
            "127.0.0.1",
            self._port,
            process_request=self._respond,
            max_size=None,
            logger=QUIET,
        )
        self._port = self._server.socket.getsockname()[1]
        self._thread = threading.Thread(target=self._server.serve_forever)
        self._thread.start()

    def close(self) -> None:
        """Stop listening; sockets that are open are left as they are."""
        self._server.shutdown()
        self._thread.join()

    def next_socket(self) -> FakeSocket:
        """Return the next WebSocket that the page opened."""
        return self._sockets.get(timeout=DEADLINE_SECONDS)

    def has_socket(self) -> bool:
        return not self._sockets.empty()

    def _handle(self, connection: ServerConnection) -> None:
        query = parse_qs(urlsplit(connection.request.path).query)
        fake = FakeSocket(connection, {name: values[0] for name, values in query.items()})
        self._sockets.put(fake)
        fake.listen()

    def _respond(self, connection: ServerConnection, request: Request) -> Response | None:
        if urlsplit(request.path).path == "/ws/chat":
            return None
        if urlsplit(request.path).path == "/api/conversations":
            return _json({"conversations": self.conversations, "more": False, "before": None})
        names = ("Cookie", "Accept-Language", "If-Modified-Since")
        headers = {name: request.headers[name] for name in names if name in request.headers}
        path = _page_path(request.path)
        is_file = path.startswith("/static/") and "If-Modified-Since" not in headers
        return (_file(path) if is_file else _asked(path, headers)).made()


@dataclass(frozen=True)
class _Answer:
    status: HTTPStatus
    fields: list[tuple[str, str]]
    body: bytes

    def made(self) -> Response:
        fields = Headers(self.fields)
        fields.pop("Content-Length", None)
        fields["Content-Length"] = str(len(self.body))
        fields["Connection"] = "close"
        return Response(self.status.value, self.status.phrase, fields, self.body)


@cache
def _file(path: str) -> _Answer:
    """Ask the site for a file once: a page has dozens, which do not change while tests run."""
    return _asked(path, {})


def _asked(path: str, headers: dict[str, str]) -> _Answer:
    client = Client(raise_request_exception=False, SERVER_NAME="127.0.0.1")
    answer = client.get(path, headers=headers)
    kept = [(name, value) for name, value in answer.headers.items() if name != "Connection"]
    kept += [("Set-Cookie", cookie.OutputString()) for cookie in answer.cookies.values()]
    return _Answer(HTTPStatus(answer.status_code), kept, answer.getvalue())


def _page_path(path: str) -> str:
    """Return where the page is that a path leads to: in any conversation it is the same."""
    return "/" if path.startswith("/c/") else path


def _json(data: dict[str, Any]) -> Response:
    body = json.dumps(data).encode()
    fields = Headers({"Content-Type": "application/json", "Content-Length": str(len(body))})
    fields["Connection"] = "close"
    return Response(HTTPStatus.OK.value, "OK", fields, body)


def user_message(seq: int, content: str = "Hello", **fields: Any) -> dict[str, Any]:
    return {
        "id": f"user-{seq}",
        "seq": seq,
        "role": "user",
        "content": content,
        "content_type": "text",
        "html": "",
        "state": "queued",
        "reply_to": None,
        "created_at": f"2026-03-01T09:{seq // 60:02}:{seq % 60:02}+00:00",
    } | fields


def task(number: int, text: str = "Stretch", **fields: Any) -> dict[str, Any]:
    return {
        "number": number,
        "text": text,
        "words": "Every day at 09:00",
        "next_at": "2026-03-03T09:00:00Z",
        "timezone": "UTC",
        "state": "enabled",
        "reason": "",
    } | fields


def reply(seq: int, content: str, **fields: Any) -> dict[str, Any]:
    fields = {"role": "assistant", "state": "done", "id": f"reply-{seq}", **fields}
    return user_message(seq, content, html=fields.pop("html", f"<p>{content}</p>"), **fields)
