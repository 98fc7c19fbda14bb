"""Limits: said so in an `error` frame at first; what goes on regardless is closed with a code."""

import asyncio
import json
from contextlib import suppress

import psutil
import pytest
import websockets
from websockets.asyncio.client import connect

from tests.harness.client import ChatClient
from tests.harness.polling import eventually
from tests.harness.site import Site
from tests.sockets.conftest import MAX_FRAME, MAX_LENGTH, MAX_WAITING, Reader

SOCKETS = 1_000
KIBIBYTE = 1024


async def test_a_message_may_be_as_long_as_its_limit_in_code_points(client: ChatClient) -> None:
    longest = "words=0 " + "😀" * (MAX_LENGTH - 8)
    await client.say(longest, "a")

    assert (await client.answered("a"))["content"] == f"end of {longest}"


async def test_a_longer_message_is_too_long(client: ChatClient) -> None:
    error = await client.ask(
        {"type": "message", "content": "x" * (MAX_LENGTH + 1), "client_id": "a"}, "error"
    )

    assert (error["code"], error["client_id"]) == ("too_long", "a")
    await client.say("words=0", "b")
    await client.answered("b")


async def test_messages_beyond_those_that_may_wait_are_refused_one_by_one(
    client: ChatClient,
) -> None:
    for number in range(MAX_WAITING + 5):
        await client.say("words=0" if number else "words=10 every=0.1", f"m{number}")

    await client.wait_for(lambda one: errors(one) == 5)
    refused = [f["client_id"] for f in client.frames if f.get("code") == "rate_limited"]
    assert refused == [f"m{number}" for number in range(MAX_WAITING, MAX_WAITING + 5)]
    await client.answered(f"m{MAX_WAITING - 1}", 20)
    await client.say("words=0", "again")
    await client.answered("again")


def errors(client: ChatClient) -> int:
    return sum(frame["type"] == "error" for frame in client.frames)


async def test_a_flood_is_told_to_slow_down_and_then_closed(
    client: ChatClient, reader: Reader
) -> None:
    other = await reader()

    with suppress(websockets.ConnectionClosed):
        for _ in range(3_000):
            await client.send_raw('{"type":"ping"}')
    code = await client.wait_closed()

    assert code == 4429
    assert "rate_limited" in {frame.get("code") for frame in client.frames}
    assert (await other.ask({"type": "ping"}, "pong", seconds=5))["type"] == "pong"


@pytest.mark.parametrize("size", [MAX_FRAME + 1, 20 * MAX_FRAME])
async def test_an_oversized_frame_closes_the_socket_with_1009(
    client: ChatClient, size: int
) -> None:
    with suppress(websockets.ConnectionClosed):
        await client.send_raw("x" * size)

    assert await client.wait_closed() == 1009


async def test_a_thousand_idle_sockets_are_small_and_closed_with_1012_at_a_stop() -> None:
    with Site() as site:
        site.start_web()
        await asyncio.to_thread(site.wait_ready)
        process = psutil.Process(site.web.pid)
        before = process.memory_info().rss
        sockets = []
        for _ in range(SOCKETS // 50):
            batch = (connect(site.socket_url, ping_interval=None) for _ in range(50))
            sockets += await asyncio.gather(*batch)
        for socket in sockets:
            assert json.loads(await socket.recv())["type"] == "welcome"

        grown = process.memory_info().rss - before
        code = await asyncio.to_thread(site.web.terminate)

        await eventually(
            lambda: all(socket.close_code is not None for socket in sockets), "every close"
        )
        assert {socket.close_code for socket in sockets} == {1012}
        assert grown / SOCKETS < 60 * KIBIBYTE
        assert code == 0
