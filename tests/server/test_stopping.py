"""SIGTERM tells every client to come back and lets every consumer finish its disconnect."""

import socket
import time

import pytest
from daphne_process import Daphne, frame


def test_every_socket_is_closed_with_1012(daphne: Daphne) -> None:
    clients = [daphne.connect() for _ in range(50)]

    daphne.process.terminate()
    codes = []
    for client in clients:
        codes.append(client.read_close_code())
        client.tcp.sendall(frame(b"\x03\xf4", opcode=8))

    assert codes == [1012] * 50
    assert daphne.process.wait(10) == 0
    assert daphne.log().count("disconnect handled, code 1012") == 50


@pytest.mark.parametrize("path", ["/echo", "/talks"])
def test_a_client_that_does_not_answer_delays_the_end_by_a_second_at_most(
    daphne: Daphne, path: str
) -> None:
    client = daphne.connect(path)
    start = time.monotonic()

    assert daphne.terminate() == 0

    assert time.monotonic() - start < 4
    assert client.read_close_code() == 1012
    assert "disconnect handled, code" in daphne.log()
    assert "Traceback" not in daphne.log()


def test_half_a_request_does_not_keep_daphne_from_ending_a_busy_consumer(daphne: Daphne) -> None:
    with socket.create_connection(("127.0.0.1", daphne.port)) as half:
        half.sendall(b"GET / HTTP/1.1\r\nHost: a")
        client = daphne.connect("/nap")

        assert daphne.terminate() == 0

    assert client.read_close_code() == 1012
    assert "Killed 1 pending application" in daphne.log()


def test_without_sockets_it_stops_at_once(daphne: Daphne) -> None:
    start = time.monotonic()

    assert daphne.terminate() == 0

    assert time.monotonic() - start < 3
