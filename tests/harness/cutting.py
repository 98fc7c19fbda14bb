"""A proxy that cuts connections on which nothing is said, as many do in front of a site."""

from __future__ import annotations

import contextlib
import selectors
import socket
import threading
from types import TracebackType
from typing import Self


class CuttingProxy:
    """Passes TCP connections on to `port`, and ends each that says nothing for `idle_seconds`."""

    def __init__(self, port: int, idle_seconds: float) -> None:
        self.idle_seconds = idle_seconds
        #: How many were cut so far.
        self.cuts = 0
        self._target = port
        self._open: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._thread = threading.Thread(target=self._accept)
        self._pipes: list[threading.Thread] = []

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()
        for end in list(self._open):
            _end(end)
        for pipe in self._pipes:
            pipe.join()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:  # closed: the test is over
                return
            pipe = threading.Thread(target=self._serve, args=(client,))
            self._pipes.append(pipe)
            pipe.start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(("127.0.0.1", self._target))
        except OSError:  # the site is down: the browser is refused too
            client.close()
            return
        with client, server, contextlib.suppress(OSError):
            self._open |= {client, server}
            self._pass(client, server)
        self._open -= {client, server}

    def _pass(self, client: socket.socket, server: socket.socket) -> None:
        other = {client: server, server: client}
        with selectors.DefaultSelector() as ready:
            for end in other:
                ready.register(end, selectors.EVENT_READ, end)
            while found := ready.select(self.idle_seconds):
                for key, _ in found:
                    data = key.data.recv(65536)
                    if not data:
                        return
                    other[key.data].sendall(data)
        self.cuts += 1


def _end(end: socket.socket) -> None:
    with contextlib.suppress(OSError):  # over already
        end.shutdown(socket.SHUT_RDWR)
