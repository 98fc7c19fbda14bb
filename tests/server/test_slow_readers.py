"""A client that does not read what it is sent is dropped before it fills the memory."""

import time

from daphne_process import MEBIBYTE, Daphne, frame, wait_until


def test_50_megabytes_for_a_client_that_does_not_read_are_not_kept(daphne: Daphne) -> None:
    other, start = daphne.connect(), daphne.memory()
    silent = daphne.connect("/flood")

    silent.tcp.sendall(frame(b"go"))

    def flood_is_over() -> bool:
        other.tcp.sendall(frame(b"hello"))
        assert other.read_text() == "hello"
        return "disconnect handled" in daphne.log() or "flood sent" in daphne.log()

    assert daphne.peak_growth(start, flood_is_over) < 20 * MEBIBYTE
    wait_until(lambda: "disconnect handled, code 1006" in daphne.log(), "the disconnect event")
    assert daphne.log().count("WARNING") == 1
    assert "bytes unread" in daphne.log()


def test_a_client_that_reads_gets_all_50_megabytes(daphne: Daphne) -> None:
    client = daphne.connect("/flood")

    client.tcp.sendall(frame(b"go"))

    assert sum(len(client.read_text()) for _ in range(1_600)) == 1_600 * 32_000
    assert "WARNING" not in daphne.log()


def test_unread_pongs_count_too(daphne: Daphne) -> None:
    client, start = daphne.connect(), daphne.memory()
    pings = frame(b"a" * 125, opcode=9) * 500
    end = time.monotonic() + 20

    def is_dropped() -> bool:
        assert time.monotonic() < end
        try:
            client.tcp.sendall(pings)
        except ConnectionError:
            return True
        return False

    assert daphne.peak_growth(start, is_dropped) < 20 * MEBIBYTE
