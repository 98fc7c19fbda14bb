"""Sites for the fault tests: two workers, and an agent that takes its time over every word."""

from collections.abc import AsyncIterator, Iterator

import pytest

from tests.faults.traffic import Traffic
from tests.harness.leaks import no_socket_left
from tests.harness.site import Site


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    """A site that heals by itself, shared by the tests of a file."""
    with Site(agent="tests.agents.slow", workers=2) as site:
        site.start_web()
        site.start_cluster()
        site.wait_ready()
        yield site


@pytest.fixture(autouse=True)
def sockets_left() -> Iterator[None]:
    """Blame a socket that was left open on the test that left it."""
    with no_socket_left():
        yield


@pytest.fixture
async def traffic(running: Site) -> AsyncIterator[Traffic]:
    async with Traffic(running) as traffic:
        yield traffic
