"""A server on loopback that answers as OpenAI-compatible model servers do, well or badly."""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from typing import Any, Self

from tests.harness.model_answers import Answer, Raw, ToolCall, failure, sse, stamped

__all__ = ["Answer", "ModelServer", "Raw", "Request", "ToolCall", "failure", "sse", "stamped"]

Scripted = Answer | Raw | Callable[[dict[str, Any]], Answer | Raw]


@dataclass
class Request:
    """A request as it came; header names are in lower case, times are of `time.monotonic()`."""

    path: str
    headers: dict[str, str]
    body: Any
    at: float
    #: The number of the connection: the same for requests that share one.
    connection: int = 0
    #: When the client hung up before it had the whole answer.
    disconnected_at: float | None = None
    #: When the whole answer was handed to the network.
    answered_at: float | None = None


class ModelServer:
    """Serves from a thread of its own, so that tests of any kind can use it, and many at once.

    `with ModelServer() as server` (also `async with`): `server.base_url` ends in `/v1`. Requests
    are answered as `script` says, the last answer again and again. What a function among the
    answers raises is answered with 500 and raised again where the server ends.
    """

    def __init__(self, *answers: Scripted, port: int = 0) -> None:
        self.requests: list[Request] = []
        self.faults: list[BaseException] = []
        self._script: list[Scripted] = [*answers] or [Answer()]
        self._lock = threading.Lock()
        self._connections: set[_Connection] = set()
        self._numbers = count(1)
        self._socket = socket.create_server(("127.0.0.1", port), backlog=1024)
        self.port: int = self._socket.getsockname()[1]
        self.base_url = f"http://127.0.0.1:{self.port}/v1"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="model server", daemon=True)
        self._started = threading.Event()

    def script(self, *answers: Scripted) -> None:
        """Answer the next requests so, one after the other; the last one is repeated."""
        with self._lock:
            self._script = [*answers]

    @property
    def bodies(self) -> list[Any]:
        return [request.body for request in self.requests]

    @property
    def open_connections(self) -> int:
        return len(self._connections)

    def next_answer(self, body: dict[str, Any]) -> Answer | Raw:
        with self._lock:
            answer = self._script.pop(0) if len(self._script) > 1 else self._script[0]
        if isinstance(answer, Answer | Raw):
            return answer
        try:
            return answer(body)
        except BaseException as error:  # noqa: BLE001  Boundary: raised again in __exit__.
            self.faults.append(error)
            return failure(500)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.wait()
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        if self.faults and kind is None:
            raise self.faults[0]

    async def __aenter__(self) -> Self:
        return self.__enter__()

    async def __aexit__(self, kind: object, *rest: object) -> None:
        await asyncio.to_thread(self.__exit__, kind, *rest)

    def _run(self) -> None:
        loop = self._loop
        asyncio.set_event_loop(loop)
        make = loop.create_server(lambda: _Connection(self), sock=self._socket)
        listening = loop.run_until_complete(make)
        loop.call_soon(self._started.set)
        loop.run_forever()
        listening.close()
        loop.run_until_complete(self._hang_up())
        loop.close()

    async def _hang_up(self) -> None:
        tasks = [one.hang_up() for one in [*self._connections]]
        await asyncio.gather(*filter(None, tasks), return_exceptions=True)
        # The transports close their sockets in the next rounds of the loop.
        while self._connections:
            await asyncio.sleep(0)


class _Connection(asyncio.Protocol):
    """One connection: reads requests, answers each in a task, notes when the client hangs up."""

    def __init__(self, server: ModelServer) -> None:
        self.server = server
        self.buffer = b""
        self.request: Request | None = None
        self.task: asyncio.Task[None] | None = None
        self.writable = asyncio.Event()
        self.writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.number = next(self.server._numbers)
        self.server._connections.add(self)

    def pause_writing(self) -> None:
        self.writable.clear()

    def resume_writing(self) -> None:
        self.writable.set()

    def eof_received(self) -> None:
        self.client_left()

    def connection_lost(self, error: Exception | None) -> None:
        self.client_left()
        self.server._connections.discard(self)

    def client_left(self) -> None:
        if self.request and not self.request.answered_at and not self.request.disconnected_at:
            self.request.disconnected_at = time.monotonic()
        self.hang_up()

    def hang_up(self) -> asyncio.Task[None] | None:
        if self.task:
            self.task.cancel()
        self.transport.abort()
        return self.task

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        if self.buffer.startswith(b"\x16"):
            # A hello of TLS: no server of HTTP knows what to do with it.
            self.transport.close()
            return
        if self.task and not self.task.done():
            return
        if taken := _request(self.buffer):
            self.request, length = taken
            self.request.connection = self.number
            self.buffer = self.buffer[length:]
            self.server.requests.append(self.request)
            self.task = asyncio.get_running_loop().create_task(self.answer(self.request))

    async def answer(self, request: Request) -> None:
        if not request.path.endswith("/chat/completions"):
            answer: Answer | Raw = failure(404, {"error": {"message": "Not found"}})
        else:
            answer = self.server.next_answer(request.body)
        if isinstance(answer, Raw):
            await self.answer_raw(request, answer)
        elif request.body.get("stream"):
            self.transport.write(_headers(200, {"Content-Type": "text/event-stream"}))
            await asyncio.sleep(answer.first_after)
            # At once come the role, and the piece that `first_after` speaks of.
            await self.send(answer.stream(request.body), answer.every, at_once=2)
            self.finish(request, b"0\r\n\r\n")
        else:
            await asyncio.sleep(answer.first_after)
            body = _chunk(answer.whole(request.body))
            self.transport.write(_headers(200, {"Content-Type": "application/json"}))
            self.finish(request, body + b"0\r\n\r\n")

    async def answer_raw(self, request: Request, raw: Raw) -> None:
        await asyncio.sleep(raw.first_after)
        if raw.drop:
            request.answered_at = time.monotonic()
            self.transport.close()
            return
        self.transport.write(_headers(raw.status, raw.headers))
        await self.send(raw.parts(), raw.every, at_once=1)
        if raw.hang:
            await asyncio.Event().wait()
        if raw.reset:
            linger = struct.pack("ii", 1, 0)
            opened = self.transport.get_extra_info("socket")
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
            # Let what was written be read first: a reset throws away what the client has not.
            await asyncio.sleep(0.05)
        if raw.reset or raw.cut:
            request.answered_at = time.monotonic()
            self.transport.close()
        else:
            self.finish(request, b"0\r\n\r\n")

    async def send(self, parts: Iterable[bytes], every: float, *, at_once: int) -> None:
        """Send each part as a chunk of HTTP, each `every` seconds after the one before."""
        due = time.monotonic()
        number, source = -1, iter(parts)
        while True:
            number += 1
            if every and number >= at_once:
                due += every
                await asyncio.sleep(max(0.0, due - time.monotonic()))
            # Asked for when its time has come: a stamped piece tells the moment it is sent.
            part = next(source, None)
            if part is None:
                return
            self.transport.write(_chunk(part))
            if not self.writable.is_set():
                await self.writable.wait()
            elif not every and number % 50 == 49:
                await asyncio.sleep(0)

    def finish(self, request: Request, last: bytes) -> None:
        request.answered_at = time.monotonic()
        self.transport.write(last)


def _request(buffer: bytes) -> tuple[Request, int] | None:
    """Return the first request in the buffer and its length, or None while it is incomplete."""
    head, separator, rest = buffer.partition(b"\r\n\r\n")
    if not separator:
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in lines)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    length = int(headers.get("content-length", 0))
    if len(rest) < length:
        return None
    body = json.loads(rest[:length]) if length else {}
    path = first.split(" ")[1]
    return Request(path, headers, body, time.monotonic()), len(head) + 4 + length


def _headers(status: int, headers: dict[str, str]) -> bytes:
    known = {int(one): one.phrase for one in HTTPStatus}
    lines = [f"HTTP/1.1 {status} {known.get(status, 'Unknown')}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "Transfer-Encoding: chunked", "", ""]).encode("latin-1")


def _chunk(part: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(part), part) if part else b""


def main() -> None:
    """Serve stamped answers until SIGTERM or SIGINT; the first line printed is the base URL."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--every", type=float, default=0.05, help="seconds between two pieces")
    parser.add_argument("--pieces", type=int, default=600)
    chosen = parser.parse_args()
    answer = Answer(pieces=stamped(chosen.pieces), every=chosen.every, usage=(10, chosen.pieces))
    signal.pthread_sigmask(signal.SIG_BLOCK, ENDS)
    with ModelServer(answer, port=chosen.port) as server:
        print(server.base_url, flush=True)
        signal.sigwait(ENDS)


ENDS = (signal.SIGTERM, signal.SIGINT)

if __name__ == "__main__":
    main()
