"""A real daphne in a process of its own, and a client that keeps to no rules, for tests/server."""

import select
import socket
import struct
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
MEBIBYTE = 1024 * 1024


def wait_until(condition: Callable[[], bool], what: str, seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"Not within {seconds} s: {what}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def frame(payload: bytes, opcode: int = 1, *, fin: bool = True, masked: bool = True) -> bytes:
    """Return one client frame; the mask is all zeros, so the payload stays readable."""
    mask_bit = 0x80 if masked else 0
    size = len(payload)
    if size < 126:
        length = bytes([mask_bit | size])
    elif size < 65536:
        length = bytes([mask_bit | 126]) + struct.pack("!H", size)
    else:
        length = bytes([mask_bit | 127]) + struct.pack("!Q", size)
    return (
        bytes([(0x80 if fin else 0) | opcode]) + length + (b"\0" * 4 if masked else b"") + payload
    )


class RawSocket:
    """A WebSocket client that does exactly what it is told, rules or no rules."""

    def __init__(self, port: int, path: str = "/echo") -> None:
        self.tcp = socket.create_connection(("127.0.0.1", port), timeout=20)
        request = (
            f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        self.tcp.sendall(request.encode())
        self.unread = b""

    def read_handshake(self) -> "RawSocket":
        while b"\r\n\r\n" not in self.unread:
            self.unread += self._receive()
        head, self.unread = self.unread.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 101 "), head
        return self

    def _receive(self) -> bytes:
        data = self.tcp.recv(65536)
        if not data:
            raise EOFError
        return data

    def _take(self, size: int) -> bytes:
        while len(self.unread) < size:
            self.unread += self._receive()
        taken, self.unread = self.unread[:size], self.unread[size:]
        return taken

    def read_frame(self) -> tuple[int, bytes]:
        opcode, size = self._take(2)
        if size == 126:
            (size,) = struct.unpack("!H", self._take(2))
        elif size == 127:
            (size,) = struct.unpack("!Q", self._take(8))
        return opcode & 0x0F, self._take(size)

    def read_text(self) -> str:
        """Return the next text; pings are answered on the way."""
        while True:
            opcode, payload = self.read_frame()
            if opcode == 1:
                return payload.decode()
            assert opcode == 9, (opcode, payload)
            self.tcp.sendall(frame(payload, opcode=10))

    def read_close_code(self) -> int:
        """Return the code of the close frame, or 1006 when the connection ends without one."""
        try:
            while True:
                opcode, payload = self.read_frame()
                if opcode == 8:
                    return int(struct.unpack("!H", payload[:2])[0])
        except (EOFError, ConnectionError):
            return 1006

    def has_news(self) -> bool:
        return bool(select.select([self.tcp], [], [], 0)[0])

    def is_gone(self) -> bool:
        """Read what is there and tell whether the server has ended the TCP connection."""
        self.tcp.settimeout(0.02)
        try:
            while self._receive():
                pass
        except TimeoutError:
            return False
        except (EOFError, ConnectionError):
            return True
        return False


@dataclass
class Daphne:
    process: subprocess.Popen[bytes]
    port: int
    log_path: Path
    clients: list[RawSocket] = field(default_factory=list)

    def connect(self, path: str = "/echo") -> RawSocket:
        return self.knock(path).read_handshake()

    def knock(self, path: str) -> RawSocket:
        """Return a client that has asked for a WebSocket and not yet read the answer."""
        self.clients.append(RawSocket(self.port, path))
        return self.clients[-1]

    def kill(self) -> None:
        for client in self.clients:
            client.tcp.close()
        self.process.kill()
        self.process.wait(10)

    def log(self) -> str:
        return self.log_path.read_text()

    def memory(self) -> int:
        return int(psutil.Process(self.process.pid).memory_info().rss)

    def peak_growth(self, start: int, until: Callable[[], bool], seconds: float = 30) -> int:
        """Return the most bytes the process held above `start` until the condition was met."""
        peak = start

        def look() -> bool:
            nonlocal peak
            peak = max(peak, self.memory())
            return until()

        wait_until(look, "the load to end", seconds)
        return peak - start

    def terminate(self) -> int:
        self.process.terminate()
        return self.process.wait(20)
