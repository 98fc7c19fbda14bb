"""A request that is too large is refused before it is read, and the next one is served."""

import json
import socket

from daphne_process import MEBIBYTE, Daphne

HEAD = b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\n"


def answer(daphne: Daphne, *pieces: bytes) -> tuple[int, bytes]:
    """Send the pieces, as long as the server takes them; return status and body of the answer."""
    with socket.create_connection(("127.0.0.1", daphne.port), timeout=20) as tcp:
        for piece in pieces:
            tcp.sendall(piece)
        received = b""
        while b"\r\n\r\n" not in received or not received.partition(b"\r\n\r\n")[2]:
            data = tcp.recv(65536)
            assert data, received
            received += data
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


def chunk(size: int) -> bytes:
    return b"%x\r\n%s\r\n" % (size, b"x" * size)


def test_what_is_too_large_is_refused_unread_and_the_rest_is_served(daphne: Daphne) -> None:
    announced = answer(daphne, HEAD + b"Content-Length: 5000000\r\n\r\n")
    in_chunks = answer(
        daphne, HEAD + b"Transfer-Encoding: chunked\r\n\r\n", *[chunk(MEBIBYTE)] * 5, b"0\r\n\r\n"
    )

    for status, body in (announced, in_chunks):
        assert status == 413
        assert json.loads(body)["code"] == "too_large"
    allowed = HEAD + b"Content-Length: %d\r\n\r\n" % MEBIBYTE
    assert answer(daphne, allowed, b"x" * MEBIBYTE)[0] == 200
    assert "Traceback" not in daphne.log()
