"""A frame daphne cannot take is answered with a close code that says why, and is not kept."""

import time
from threading import Thread

import pytest
from daphne_process import MEBIBYTE, Daphne, frame, wait_until

LIMIT = 64 * 1024


def test_a_message_at_the_limit_is_taken(daphne: Daphne) -> None:
    client = daphne.connect()

    client.tcp.sendall(frame(b"a" * LIMIT))

    assert len(client.read_text()) == LIMIT


@pytest.mark.parametrize(
    ("data", "code"),
    [
        pytest.param(frame(b"a" * (LIMIT + 1)), 1009, id="one byte too long"),
        pytest.param(
            frame(b"a" * LIMIT, fin=False) + frame(b"a", opcode=0),
            1009,
            id="too long in two frames",
        ),
        pytest.param(frame(b"\xff\xfe"), 1007, id="not UTF-8"),
        pytest.param(frame(b"\xe4\xbd"), 1007, id="half a character"),
        pytest.param(frame(b"hello", masked=False), 1002, id="unmasked"),
        pytest.param(frame(b"", opcode=3), 1002, id="reserved opcode"),
        pytest.param(frame(b"", opcode=11), 1002, id="reserved control opcode"),
        pytest.param(frame(b"a" * 126, opcode=9), 1002, id="long ping"),
        pytest.param(frame(b"", opcode=0), 1002, id="continuation of nothing"),
        pytest.param(frame(b"x", opcode=3, masked=False) * 9000, 1002, id="fault upon fault"),
    ],
)
def test_a_bad_frame_is_answered_with_its_code(daphne: Daphne, data: bytes, code: int) -> None:
    client = daphne.connect()

    client.tcp.sendall(data)

    assert client.read_close_code() == code
    wait_until(lambda: "disconnect handled" in daphne.log(), "the disconnect event")


def test_a_client_that_waits_for_the_end_after_a_failure_has_it_at_once(daphne: Daphne) -> None:
    client = daphne.connect()

    client.tcp.sendall(frame(b"\xff"))

    assert client.read_close_code() == 1007
    wait_until(client.is_gone, "the end of the connection", 0.7)


def test_a_client_still_sending_16_mebibytes_reads_the_code(daphne: Daphne) -> None:
    client, start = daphne.connect(), daphne.memory()

    client.tcp.sendall(frame(b"a" * (16 * MEBIBYTE)))

    assert client.read_close_code() == 1009
    assert daphne.memory() - start < 8 * MEBIBYTE


def test_a_ping_without_end_is_not_kept(daphne: Daphne) -> None:
    client, start = daphne.connect(), daphne.memory()
    header_of_a_long_ping = b"\x89\xff" + (1 << 40).to_bytes(8, "big") + b"\0" * 4

    client.tcp.sendall(header_of_a_long_ping + b"a" * (100 * MEBIBYTE))

    assert client.read_close_code() == 1002
    assert daphne.memory() - start < 20 * MEBIBYTE


def test_empty_fragments_without_end_are_not_kept(daphne: Daphne) -> None:
    client, start = daphne.connect(), daphne.memory()
    message = frame(b"start ", fin=False) + frame(b"", opcode=0, fin=False) * 1_000_000

    sending = Thread(target=client.tcp.sendall, args=[message + frame(b"end", opcode=0)])
    sending.start()

    # A list of a million of them takes 8 MB.
    assert daphne.peak_growth(start, client.has_news) < 4 * MEBIBYTE
    assert client.read_text() == "start end"
    sending.join()


def test_a_client_that_sends_on_after_the_close_is_cut_off(daphne: Daphne) -> None:
    client = daphne.connect()
    client.tcp.sendall(frame(b"\xff"))
    start = time.monotonic()

    with pytest.raises(ConnectionError):
        while time.monotonic() - start < 10:
            client.tcp.sendall(frame(b"more"))
            time.sleep(0.01)

    assert time.monotonic() - start < 5


def test_frames_after_the_close_of_the_application_are_ignored(daphne: Daphne) -> None:
    client = daphne.connect("/closes")
    assert client.read_close_code() == 4000

    client.tcp.sendall(frame(b"still here") + frame(b"\x0f\xa0", opcode=8))

    wait_until(lambda: "disconnect handled, code 4000" in daphne.log(), "the disconnect event")
    assert "heard after close" not in daphne.log()


def test_a_client_that_never_answers_the_close_is_dropped(daphne: Daphne) -> None:
    client = daphne.connect("/closes")
    assert client.read_close_code() == 4000

    wait_until(client.is_gone, "the connection to end", 5)


def test_a_consumer_that_sends_after_a_failure_still_gets_its_disconnect(daphne: Daphne) -> None:
    client = daphne.connect("/talks")

    client.tcp.sendall(frame(b"\xff"))

    assert client.read_close_code() == 1007
    wait_until(lambda: "disconnect handled" in daphne.log(), "the disconnect event")
    assert "Traceback" not in daphne.log()
