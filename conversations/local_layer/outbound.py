"""Sends to other processes without ever waiting for them."""

import asyncio
import contextlib
import errno
import socket
import time
from collections.abc import Callable, Iterable

from conversations.local_layer.directory import SocketDirectory
from conversations.local_layer.frames import Frame, pack_frame

# How long a closing event loop may hold its thread to hand over what the kernel has not yet taken.
FAREWELL_SECONDS = 1.0


class Outbound:
    """One connection to a peer: what the kernel does not take at once waits in a bounded buffer."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, sock: socket.socket, max_buffer_bytes: int
    ) -> None:
        self.sock = sock
        self._loop = loop
        self._max_buffer_bytes = max_buffer_bytes
        self._buffer = bytearray()

    def write(self, frame: bytes) -> bool:
        """Send a frame or keep it; False means there was no room. Raises OSError: the peer left."""
        if self._buffer:
            if len(self._buffer) + len(frame) > self._max_buffer_bytes:
                return False
            self._buffer += frame
            return True
        sent = self._send(frame)
        if sent < len(frame):
            self._buffer += memoryview(frame)[sent:]
            self._loop.add_writer(self.sock, self._flush)
        return True

    def _send(self, data: bytes | bytearray) -> int:
        try:
            return self.sock.send(data)
        except (BlockingIOError, InterruptedError):
            return 0

    def _flush(self) -> None:
        try:
            sent = self._send(self._buffer)
        except OSError:  # the next write meets the same error and tells
            sent = len(self._buffer)
        del self._buffer[:sent]
        if not self._buffer:
            self._loop.remove_writer(self.sock)

    @property
    def is_behind(self) -> bool:
        return bool(self._buffer)

    def close(self, deadline: float) -> None:
        """Hand over what is left, blocking until the deadline (monotonic), and disconnect."""
        if self._buffer:
            self._loop.remove_writer(self.sock)
            self.sock.settimeout(max(deadline - time.monotonic(), 0.001))
            with contextlib.suppress(OSError):
                self.sock.sendall(self._buffer)
            self._buffer.clear()
        self.sock.close()


class Peers:
    """The connections from one event loop to the sockets of all others."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        directory: SocketDirectory,
        *,
        own_name: str,
        max_buffer_bytes: int,
        on_drop: Callable[[], None],
    ) -> None:
        self._loop = loop
        self._directory = directory
        self._own_name = own_name
        self._max_buffer_bytes = max_buffer_bytes
        self._on_drop = on_drop
        self._connected: dict[str, Outbound] = {}

    def broadcast(self, frame: Frame) -> bool:
        """Send a frame to every peer; say whether the loop should get a turn to write."""
        names = (self._directory.names() | self._connected.keys()) - {self._own_name}
        return self.send(names, frame) if names else False

    def send(self, names: Iterable[str], frame: Frame) -> bool:
        packed = pack_frame(frame)
        is_behind = False
        for name in names:
            is_behind |= self._write(name, packed)
        return is_behind

    def _write(self, name: str, packed: bytes) -> bool:
        peer = self._connected.get(name)
        if peer is not None:
            try:
                return self._write_to(peer, packed)
            except OSError:
                peer.close(deadline=0)
                del self._connected[name]
        peer = self._connect(name)
        if peer is None:
            return False
        self._connected[name] = peer
        try:
            return self._write_to(peer, packed)
        except OSError:  # accepted and gone again: it is ending, and its file with it
            self._on_drop()
            return False

    def _write_to(self, peer: Outbound, packed: bytes) -> bool:
        if not peer.write(packed):
            self._on_drop()
        return peer.is_behind

    def _connect(self, name: str) -> Outbound | None:
        """Connect without waiting: a Unix socket accepts at once, or its backlog is full."""
        try:
            sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        except OSError:  # out of file descriptors
            self._on_drop()
            return None
        sock.setblocking(False)
        try:
            self._directory.verify()
            sock.connect(self._directory.address(name))
        except OSError as error:
            sock.close()
            if error.errno == errno.ECONNREFUSED:  # its process was killed
                self._directory.forget(name)
            elif error.errno != errno.ENOENT:
                self._on_drop()
            return None
        return Outbound(self._loop, sock, self._max_buffer_bytes)

    def close(self) -> None:
        deadline = time.monotonic() + FAREWELL_SECONDS
        for peer in self._connected.values():
            peer.close(deadline)
        self._connected.clear()

    def abandon(self) -> None:
        for peer in self._connected.values():
            peer.sock.close()
        self._connected.clear()
