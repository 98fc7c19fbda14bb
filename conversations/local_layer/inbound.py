"""Receives what other processes send: the listening socket and the connections made to it.

The sockets are driven by hand on the event loop, here and in `outbound`. asyncio's own Unix
connections take a listener whose backlog is full for a connected one (Python 3.11: the frames are
lost without an error), need a turn of the loop before the first byte, and cannot be let go of in
a forked child.
"""

import asyncio
import contextlib
import os
import socket
import weakref
from collections.abc import Callable

from conversations.local_layer.directory import SUFFIX, SocketDirectory
from conversations.local_layer.frames import Frame, FrameReader

READ_BYTES = 64 * 1024
PAUSE_SECONDS = 0.001
EXHAUSTED_SECONDS = 1.0


class Inbound:
    """One accepted connection: reads frames and hands them on, in the order they were sent."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        sock: socket.socket,
        deliver: Callable[[Frame], bool],
        on_closed: Callable[["Inbound"], None],
    ) -> None:
        self.sock = sock
        self._loop = loop
        self._deliver = deliver
        self._on_closed = on_closed
        self._frames = FrameReader()
        loop.add_reader(sock, self._read)

    def _read(self) -> None:
        try:
            data = self.sock.recv(READ_BYTES)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._frames.feed(data)
        self._hand_on()

    def _hand_on(self) -> None:
        try:
            for frame in self._frames:
                if self._deliver(frame):
                    self._pause()
                    return
        except (ValueError, TypeError):  # not a frame: a program of another version, or of others
            self.close()

    def _pause(self) -> None:
        """Leave the rest with the kernel and the sender while a reader here catches up."""
        self._loop.remove_reader(self.sock)
        self._loop.call_later(PAUSE_SECONDS, self._resume)

    def _resume(self) -> None:
        if self.sock.fileno() < 0:
            return
        self._loop.add_reader(self.sock, self._read)
        self._hand_on()

    def close(self) -> None:
        if self.sock.fileno() >= 0:
            self._loop.remove_reader(self.sock)
            self.sock.close()
            self._on_closed(self)


class Listener:
    """The socket under which this event loop is found, and the connections made to it."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        directory: SocketDirectory,
        name: str,
        deliver: Callable[[Frame], bool],
    ) -> None:
        self._loop = loop
        self._directory = directory
        self._name = name
        self._deliver = deliver
        self._inbound: set[Inbound] = set()
        self._sock = self._bind()
        # A process that exits without closing its loop (the web server does) leaves no file.
        self._unlink = weakref.finalize(self, _unlink_own, directory.address(name), os.getpid())
        loop.add_reader(self._sock, self._accept)

    def _bind(self) -> socket.socket:
        """Bind under a passing name: a socket is shown only when it accepts connections.

        Between bind and listen a connection is refused, and a refused socket counts as dead.
        """
        self._directory.prepare()
        address = self._directory.address(self._name)
        passing = address.removesuffix(SUFFIX)
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            sock.setblocking(False)
            sock.bind(passing)
            os.chmod(passing, 0o600)
            sock.listen(socket.SOMAXCONN)
            os.rename(passing, address)
        except OSError:
            sock.close()
            raise
        return sock

    def rebind_if_removed(self) -> None:
        """Come back when somebody emptied the directory; open connections go on meanwhile."""
        if os.path.exists(self._directory.address(self._name)):
            return
        sock = self._bind()
        self._loop.remove_reader(self._sock)
        self._sock.close()
        self._sock = sock
        self._loop.add_reader(self._sock, self._accept)

    def _accept(self) -> None:
        try:
            sock, _ = self._sock.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return
        except OSError:
            # Out of file descriptors: the listener stays readable, and would be asked for ever.
            self._loop.remove_reader(self._sock)
            self._loop.call_later(EXHAUSTED_SECONDS, self._accept_again)
            return
        sock.setblocking(False)
        self._inbound.add(Inbound(self._loop, sock, self._deliver, self._inbound.discard))

    def _accept_again(self) -> None:
        if self._sock.fileno() >= 0:
            self._loop.add_reader(self._sock, self._accept)

    def close(self) -> None:
        self._unlink()
        self._loop.remove_reader(self._sock)
        self._sock.close()
        for inbound in list(self._inbound):
            inbound.close()

    def abandon(self) -> None:
        """Let go in a forked child: the loop, its selector and the file are the parent's."""
        self._unlink.detach()
        self._sock.close()
        for inbound in self._inbound:
            inbound.sock.close()


def _unlink_own(address: str, pid: int) -> None:
    if os.getpid() == pid:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(address)
