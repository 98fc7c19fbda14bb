"""Many connections in the same moment are all accepted, however busy daphne is just then."""

import os
import signal
import socket
from contextlib import ExitStack

from daphne_process import Daphne


def test_connections_wait_for_a_busy_daphne_instead_of_being_dropped(daphne: Daphne) -> None:
    os.kill(daphne.process.pid, signal.SIGSTOP)

    with ExitStack() as stack:
        for _ in range(300):
            # A dropped one would be tried again only after a second.
            stack.enter_context(socket.create_connection(("127.0.0.1", daphne.port), timeout=0.9))

        os.kill(daphne.process.pid, signal.SIGCONT)
