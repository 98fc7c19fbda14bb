"""The address the site listens on: is it free, does it answer, how is it typed."""

from __future__ import annotations

import errno
import socket
import time

# Seconds a taken port is given to become free: a site that was just killed is still closing it.
PATIENCE = 3.0


class AddressError(Exception):
    """The site cannot listen there; the message is a sentence with a remedy."""


def require_free(host: str, port: int) -> None:
    """Raise AddressError unless a server could listen on `host` and `port` within PATIENCE."""
    try:
        family, *_, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise AddressError(
            f"BOTFLOW_HOST: {host!r} is no address of this machine: {error}."
        ) from None
    deadline = time.monotonic() + PATIENCE
    while (code := _bind(family, address)) == errno.EADDRINUSE and time.monotonic() < deadline:
        time.sleep(0.1)
    if code == errno.EADDRINUSE:
        raise AddressError(
            f"Port {port} on {host} is in use by another program. Stop that one, or choose another"
            f" port: BOTFLOW_PORT={port + 1 if port < 65535 else 8000}"
        )
    if code == errno.EACCES:
        raise AddressError(
            f"This user may not listen on port {port}. Choose one above 1023 with BOTFLOW_PORT,"
            " and let a web server such as nginx pass requests on to it."
        )
    if code:
        raise AddressError(
            f"BOTFLOW_HOST: cannot listen on {host} port {port}: {errno.errorcode[code]}."
        )


def _bind(family: int, address: tuple[object, ...]) -> int:
    """Return the error number of trying to listen there, 0 for none."""
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(address)
            listener.listen(1)
        except OSError as error:
            return error.errno or errno.EINVAL
    return 0


def answers(host: str, port: int) -> bool:
    """Tell whether somebody listens there now."""
    try:
        socket.create_connection((reachable(host), port), timeout=0.2).close()
    except OSError:
        return False
    return True


def reachable(host: str) -> str:
    """Return where to reach, from this machine, a server that listens on `host`."""
    return {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  (read, not bound)


def url(host: str, port: int) -> str:
    name = reachable(host)
    return f"http://[{name}]:{port}/" if ":" in name else f"http://{name}:{port}/"
