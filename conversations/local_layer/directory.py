"""Where the processes of one machine leave their sockets for each other to find."""

import contextlib
import hashlib
import os
import secrets
import stat
import tempfile
import time
from pathlib import Path

SUFFIX = ".sock"
# sockaddr_un holds 108 bytes on Linux and 104 on macOS, the closing NUL included.
MAX_PATH_BYTES = 103
MAX_NAME_BYTES = len("4194304-0123456789ab" + SUFFIX)
# Directory times move in steps of the kernel's tick (up to 10 ms): a listing taken this soon after
# the last change may miss a second change that left the same time.
SETTLED_NS = 100_000_000


def new_socket_name() -> str:
    return f"{os.getpid()}-{secrets.token_hex(6)}"


def short_directory(directory: str | os.PathLike[str]) -> Path:
    """Return a directory whose sockets fit an address: the given one, or a stand-in for it.

    The stand-in is the same for every process that agrees on the directory and on TMPDIR.
    """
    path = Path(directory).expanduser().resolve()
    if len(os.fsencode(path)) + 1 + MAX_NAME_BYTES <= MAX_PATH_BYTES:
        return path
    digest = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"botflow-{os.getuid()}-{digest}"


class SocketDirectory:
    """Where the processes that receive leave their sockets, and find each other."""

    def __init__(self, directory: str | os.PathLike[str]) -> None:
        self.path = short_directory(directory)
        self._is_stand_in = self.path != Path(directory).expanduser().resolve()
        self._names: frozenset[str] = frozenset()
        self._listed_mtime_ns = self._listed_at_ns = 0

    def address(self, name: str) -> str:
        return f"{self.path}/{name}{SUFFIX}"

    def prepare(self) -> None:
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.verify()

    def verify(self) -> None:
        """Raise PermissionError for a stand-in another user made, who could then read along.

        The temporary directory is everybody's; a directory the operator chose is trusted.
        """
        if not self._is_stand_in:
            return
        found = self.path.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
            raise PermissionError(
                f"{self.path} is not a directory of this user alone. Remove it, or choose a"
                " shorter directory for the channel layer."
            )

    def names(self) -> frozenset[str]:
        """List the sockets, dead ones included; costs one stat while nothing changes."""
        try:
            mtime_ns = os.stat(self.path).st_mtime_ns
            is_settled = self._listed_at_ns - mtime_ns > SETTLED_NS
            if mtime_ns != self._listed_mtime_ns or not is_settled:
                self._list(mtime_ns)
        except FileNotFoundError:
            return frozenset()
        return self._names

    def _list(self, mtime_ns: int) -> None:
        self._listed_at_ns = time.time_ns()
        entries = os.listdir(self.path)
        self._names = frozenset(e.removesuffix(SUFFIX) for e in entries if e.endswith(SUFFIX))
        self._listed_mtime_ns = mtime_ns

    def forget(self, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.address(name))
