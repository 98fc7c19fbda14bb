"""Serves the simulated API over HTTP on loopback, a thread for each connection."""

from __future__ import annotations

import json
import secrets
import socket
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, cast
from urllib.parse import parse_qsl, quote, urlsplit

from wechat.simulator.api import MESSAGES, ApiFault, Request, carry_out
from wechat.simulator.faults import HTML, Fault
from wechat.simulator.state import Call, Medium, Platform

#: Pictures of followers are found here, as those of WeChat are on a host of their own.
PICTURES = "/mmbiz_jpg/"
_LARGEST_BODY = 16 * 1024 * 1024


class ApiServer(ThreadingHTTPServer):
    """Runs between `start` and `close`."""

    daemon_threads = False  # so that closing waits for them
    request_queue_size = 256

    def __init__(self, platform: Platform, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.platform = platform
        self.is_closing = threading.Event()
        self._open: set[socket.socket] = set()
        self._thread = threading.Thread(
            target=self.serve_forever,
            kwargs={"poll_interval": 0.05},
            name="wechat-api",
            daemon=True,
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        self.is_closing.set()
        if self._thread.is_alive():
            self.shutdown()
            self._thread.join()
        for connection in list(self._open):
            self._end(connection)
        self.server_close()

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    @staticmethod
    def _end(connection: socket.socket) -> None:
        try:
            connection.shutdown(socket.SHUT_RDWR)
        except OSError:
            return  # the other side was faster

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep quiet about a client that went away; say anything else, it is a fault of ours."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # head and body in one packet: apart, they would wait for each other 40 ms

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Say nothing: the address of a call holds its token."""

    def _serve(self) -> None:
        parts = urlsplit(self.path)
        if parts.path.startswith(PICTURES):
            return self._show_picture(parts.path.removeprefix(PICTURES).partition("/")[0])
        body = self._read_body()
        if body is None:
            self.close_connection = True
            return self._send(411, "text/plain", b"A body needs a Content-Length, up to 16 MiB.")
        path = parts.path.removeprefix("/cgi-bin/")
        query = dict(parse_qsl(parts.query, keep_blank_values=True))
        content_type = self.headers.get("Content-Type", "")
        return self._play(Request(self.command, path, query, content_type, body))

    def _read_body(self) -> bytes | None:
        """Return the body, None for one that is too large or has no stated length."""
        if self.headers.get("Transfer-Encoding"):
            return None
        length = self.headers.get("Content-Length", "0")
        if not length.isdecimal() or int(length) > _LARGEST_BODY:
            return None
        return self.rfile.read(int(length))

    @property
    def _platform(self) -> Platform:
        return cast(ApiServer, self.server).platform

    def _play(self, request: Request) -> None:
        """Answer a call, with the fault that the script has for it."""
        with self._platform.lock:
            fault = self._platform.script.take(request.path)
        if fault and fault.delay_seconds:
            cast(ApiServer, self.server).is_closing.wait(fault.delay_seconds)
        if fault and fault.replaces_answer:
            if fault.carried_out:
                self._answer(request)
            self._replace(request, fault)
        else:
            answer = self._answer(request)
            self._note(request, answer if isinstance(answer, dict) else None)
            self._send_answer(answer)

    def _answer(self, request: Request) -> dict[str, Any] | Medium:
        with self._platform.lock:
            try:
                return carry_out(self._platform, request)
            except ApiFault as refused:
                return _refusal(refused.code, str(refused))

    def _replace(self, request: Request, fault: Fault) -> None:
        if fault.drops:
            self._note(request, None)
            self.close_connection = True
        elif fault.errcode:
            refusal = _refusal(fault.errcode, fault.errmsg or MESSAGES.get(fault.errcode, "error"))
            self._note(request, refusal)
            self._send_answer(refusal)
        else:
            self._note(request, None)
            body = HTML if fault.body is None else fault.body
            self._send(fault.status, "text/html" if body is HTML else "application/json", body)

    def _note(self, request: Request, answer: dict[str, Any] | None) -> None:
        try:
            payload = json.loads(request.body) if request.body else None
        except ValueError:
            payload = None
        with self._platform.lock:
            now = self._platform.clock.now()
            call = Call(request.path, request.query, payload, answer, now)
            self._platform.calls.append(call)

    def _show_picture(self, media_id: str) -> None:
        with self._platform.lock:
            medium = self._platform.media.get(media_id)
        if medium is None:
            return self._send(404, "text/plain", b"No such picture.")
        return self._send(200, medium.content_type, medium.data)

    def _send_answer(self, answer: dict[str, Any] | Medium) -> None:
        if isinstance(answer, Medium):
            return self._send(200, answer.content_type, answer.data, name=answer.name)
        body = json.dumps(answer, ensure_ascii=False).encode()
        return self._send(200, "application/json; encoding=utf-8", body)

    def _send(self, status: int, content_type: str, body: bytes, *, name: str = "") -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        if name:
            self.send_header("Content-Disposition", f'attachment; filename="{quote(name)}"')
        self.end_headers()
        self.wfile.write(body)


def _refusal(code: int, text: str) -> dict[str, Any]:
    return {"errcode": code, "errmsg": f"{text} rid: {secrets.token_hex(4)}-{secrets.token_hex(4)}"}
