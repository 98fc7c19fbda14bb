"""A client that sends faster than its consumer reads waits in its own buffers, not in daphne's."""

import statistics
import time
from collections.abc import Callable
from threading import Thread

from daphne_process import MEBIBYTE, Daphne, RawSocket, frame, wait_until


def send_until_refused(client: RawSocket, data: bytes, times: int) -> Thread:
    def send() -> None:
        try:
            for _ in range(times):
                client.tcp.sendall(data)
        except (TimeoutError, OSError):
            pass  # the test has seen enough and closed the socket

    thread = Thread(target=send, daemon=True)
    thread.start()
    return thread


def round_trip_seconds(client: RawSocket) -> float:
    start = time.monotonic()
    client.tcp.sendall(frame(b"hello"))
    assert client.read_text() == "hello"
    return time.monotonic() - start


def test_100_mebibytes_for_a_slow_consumer_are_not_kept(daphne: Daphne) -> None:
    sender, other, start = daphne.connect("/slow"), daphne.connect(), daphne.memory()
    usual = statistics.median(round_trip_seconds(other) for _ in range(20))
    trips: list[float] = []
    end = time.monotonic() + 4

    send_until_refused(sender, frame(b"a" * 60_000), times=1_750)

    def enough() -> bool:
        trips.append(round_trip_seconds(other))
        return time.monotonic() > end

    assert daphne.peak_growth(start, enough) < 20 * MEBIBYTE
    assert statistics.median(trips) < 0.1 + 10 * usual


def test_many_tiny_frames_in_one_read_are_not_kept_as_objects(daphne: Daphne) -> None:
    sender, start = daphne.connect("/nap"), daphne.memory()
    end = time.monotonic() + 3

    send_until_refused(sender, frame(b"a") * 10_000, times=1_000)

    assert daphne.peak_growth(start, lambda: time.monotonic() > end) < 20 * MEBIBYTE


def test_every_frame_of_a_burst_arrives_in_order(daphne: Daphne) -> None:
    client = daphne.connect()
    expected = [f"message {number}" for number in range(3_000)]

    sending = send_until_refused(client, b"".join(frame(text.encode()) for text in expected), 1)

    assert [client.read_text() for _ in expected] == expected
    sending.join(10)


def test_a_close_behind_a_long_queue_reaches_the_consumer(daphne: Daphne) -> None:
    client = daphne.connect("/slow")

    client.tcp.sendall(frame(b"a") * 100 + frame(b"\x03\xe8", opcode=8))

    wait_until(lambda: "disconnect handled, code 1000" in daphne.log(), "the disconnect event")


def test_what_is_sent_before_the_connection_is_accepted_is_not_kept(daphne: Daphne) -> None:
    start = daphne.memory()
    early = daphne.knock("/late")
    wait_until(lambda: "WSCONNECTING /late" in daphne.log(), "the upgrade")
    end = time.monotonic() + 1.5

    send_until_refused(early, frame(b"a" * 60_000), times=1_750)

    assert daphne.peak_growth(start, lambda: time.monotonic() > end) < 8 * MEBIBYTE


def test_a_client_that_waits_for_its_consumer_is_not_taken_for_dead(
    start_daphne: Callable[..., Daphne],
) -> None:
    client = start_daphne("--ping-interval", "1", "--ping-timeout", "2").connect("/nap")
    assert client.read_frame()[0] == 9  # a ping, whose pong would come behind all the frames

    send_until_refused(client, frame(b"a" * 100) * 200, times=1)

    assert [client.read_text() for _ in range(200)] == ["a" * 100] * 200
