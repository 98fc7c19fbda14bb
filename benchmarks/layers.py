"""Times the local channel layer beside channels-redis' pub/sub layer, process to process.

    python benchmarks/layers.py [--events 200] [--burst 20000]

A second process echoes what it receives in one group to another. Starts a Redis of its own on a
free loopback port; without the redis-server binary only the local layer is measured.
"""

import argparse
import asyncio
import contextlib
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from channels_redis.pubsub import RedisPubSubChannelLayer
from redis import Redis, RedisError

from conversations.local_layer import LocalChannelLayer

EVENTS_PER_SECOND = 20
WARM_UP_EVENTS = 10
TEXT = "word " * 10  # about the size of a delta


def make_layer(address: str) -> Any:
    if address.startswith("redis:"):
        return RedisPubSubChannelLayer(hosts=[address])
    return LocalChannelLayer(address)


async def echo(address: str) -> None:
    """The other process: answers each ping, and says when a burst has been received whole."""
    layer = make_layer(address)
    channel = await layer.new_channel()
    await layer.group_add("there", channel)
    await layer.group_send("back", {"type": "ready"})
    received = 0
    while True:
        message = await layer.receive(channel)
        if message["type"] == "ping":
            await layer.group_send("back", message)
        elif message["type"] == "burst":
            received += 1
        else:
            await layer.group_send("back", {"type": "done", "received": received})
            received = 0


async def measure(address: str, events: int, burst: int) -> dict[str, float]:
    layer = make_layer(address)
    channel = await layer.new_channel()
    await layer.group_add("back", channel)
    other = await asyncio.create_subprocess_exec(sys.executable, __file__, "--echo", address)
    try:
        await layer.receive(channel)
        for _ in range(WARM_UP_EVENTS):
            await round_trip(layer, channel)
        trips = [await round_trip(layer, channel) for _ in range(events)]
        rate, lost = await throughput(layer, channel, burst)
    finally:
        other.kill()
        await other.wait()
        await layer.flush()
    return {
        "p50_ms": statistics.median(trips) * 1000,
        "p99_ms": statistics.quantiles(trips, n=100)[98] * 1000,
        "per_second": rate,
        "lost": lost,
    }


async def round_trip(layer: Any, channel: str) -> float:
    started = time.perf_counter()
    await layer.group_send("there", {"type": "ping", "text": TEXT})
    await layer.receive(channel)
    elapsed = time.perf_counter() - started
    await asyncio.sleep(max(1 / EVENTS_PER_SECOND - elapsed, 0))
    return elapsed


async def throughput(layer: Any, channel: str, burst: int) -> tuple[float, int]:
    started = time.perf_counter()
    for n in range(burst):
        await layer.group_send("there", {"type": "burst", "n": n, "text": TEXT})
    await layer.group_send("there", {"type": "end"})
    answer = await layer.receive(channel)
    return answer["received"] / (time.perf_counter() - started), burst - answer["received"]


@contextlib.contextmanager
def redis_server() -> Iterator[str | None]:
    binary = shutil.which("redis-server")
    if binary is None:
        yield None
        return
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port = sock.getsockname()[1]
    arguments = ["--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
    server = subprocess.Popen([binary, *arguments], stdout=subprocess.DEVNULL)
    try:
        wait_for(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait()


def wait_for(port: int) -> None:
    for _ in range(500):
        with contextlib.suppress(RedisError):
            Redis(port=port).ping()
            return
        time.sleep(0.01)
    sys.exit("redis-server did not start.")


def report(name: str, figures: dict[str, float]) -> None:
    print(
        f"{name:16} round trip p50 {figures['p50_ms']:.2f} ms, p99 {figures['p99_ms']:.2f} ms; "
        f"burst {figures['per_second']:,.0f} messages/s, lost {figures['lost']:.0f}"
    )


def compare(events: int, burst: int) -> None:
    with tempfile.TemporaryDirectory() as directory, redis_server() as redis_url:
        local = asyncio.run(measure(directory, events, burst))
        report("local", local)
        if redis_url is None:
            return
        redis = asyncio.run(measure(redis_url, events, burst))
        report("redis pub/sub", redis)
    print(
        f"redis / local    round trip p50 {redis['p50_ms'] / local['p50_ms']:.1f}, "
        f"p99 {redis['p99_ms'] / local['p99_ms']:.1f}; "
        f"local / redis burst {local['per_second'] / redis['per_second']:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--events", type=int, default=200)
    parser.add_argument("--burst", type=int, default=20_000)
    parser.add_argument("--echo", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.echo:
        asyncio.run(echo(arguments.echo))
    else:
        compare(arguments.events, arguments.burst)


if __name__ == "__main__":
    main()
