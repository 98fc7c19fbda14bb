"""One running site for each server; the agent says as many words as a message asks for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from tests.harness.client import ChatClient
from tests.harness.leaks import no_socket_left
from tests.harness.site import Site

MAX_LENGTH, MAX_WAITING, MAX_FRAME = 2_000, 20, 65_536

Reader = Callable[..., Awaitable[ChatClient]]


@pytest.fixture(scope="package", params=["daphne", "uvicorn"])
def served(request: pytest.FixtureRequest) -> Iterator[Site]:
    with Site(
        server=request.param,
        agent="tests.agents.slow",
        BOTFLOW_MAX_MESSAGE_LENGTH=MAX_LENGTH,
        BOTFLOW_MAX_WAITING=MAX_WAITING,
        BOTFLOW_MAX_FRAME_BYTES=MAX_FRAME,
    ) as site:
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
async def reader(served: Site) -> AsyncIterator[Reader]:
    """Connect clients that are closed after the test; none of them may have seen anything wrong."""
    clients: list[ChatClient] = []
    async with AsyncExitStack() as stack:

        async def connect(handshake: dict[str, Any] | None = None, **query: object) -> ChatClient:
            client = ChatClient(served.socket_url, **(handshake or {}))
            clients.append(client)
            return await stack.enter_async_context(await client.connect(**query))

        yield connect
    assert [fault for client in clients for fault in client.faults] == []


@pytest.fixture
async def client(reader: Reader) -> ChatClient:
    return await reader()


@pytest.fixture
async def clean_logs(served: Site) -> AsyncIterator[None]:
    """What the test does must leave no traceback in any log."""
    before = served.logs().count("Traceback")
    yield
    await asyncio.sleep(0)
    assert served.logs().count("Traceback") == before
