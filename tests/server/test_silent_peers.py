"""A peer that has gone silent does not hold its connection."""

import socket
import subprocess
import sys
import time
from collections.abc import Callable

import pytest
from daphne_process import ROOT, Daphne, wait_until


def test_a_peer_that_answers_no_ping_is_dropped(start_daphne: Callable[..., Daphne]) -> None:
    daphne = start_daphne("--ping-interval", "1", "--ping-timeout", "2")
    client = daphne.connect()

    wait_until(client.is_gone, "the silent peer to be dropped", 15)

    wait_until(lambda: "disconnect handled, code 1006" in daphne.log(), "the disconnect event")


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: a"], ids=["nothing", "half"])
def test_a_connection_without_a_request_is_closed(daphne: Daphne, sent: bytes) -> None:
    with socket.create_connection(("127.0.0.1", daphne.port), timeout=20) as peer:
        start = time.monotonic()
        peer.sendall(sent)

        assert peer.recv(100) == b""

        assert 2 < time.monotonic() - start < 15


def test_under_another_server_nothing_of_twisted_is_imported() -> None:
    program = (
        "import sys; from botflow_site.daphne_limits import install;"
        "install(max_frame_bytes=1, max_unsent_bytes=1);"
        "sys.exit('twisted' in sys.modules or 'daphne' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0
