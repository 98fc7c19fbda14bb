"""Finds the sockets that a test left open, so that it is blamed itself and not one after it."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

import psutil


@contextmanager
def no_socket_left() -> Iterator[None]:
    """Fail if a TCP connection of this process that was opened within is still open after.

    Those that nobody refers to anymore are found by the garbage collector, whose warnings are
    errors of the test that runs; the others by looking at what this process holds open.
    """
    # What others have left is not looked at: it is not this test's, and each look takes 0.1 s.
    gc.freeze()
    before = _connections()
    try:
        yield
    finally:
        gc.collect()
        gc.unfreeze()
    left = _connections() - before
    assert not left, f"Left open: {left}"


def _connections() -> set[tuple[object, ...]]:
    found = psutil.Process().net_connections("tcp")
    return {(one.fd, one.laddr, one.raddr) for one in found}
