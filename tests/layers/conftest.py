"""Channel layers for the tests: the local one, Channels' in-memory one, and the one on a Redis."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import redis
from layer_process import LayerProcess, Settings, StartProcess, make_layer


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


@pytest.fixture(scope="session")
def layer_redis_url() -> Iterator[str]:
    """A real Redis on a free port, kept in memory only."""
    binary = shutil.which("redis-server")
    if binary is None:
        reason = "redis-server is not installed"
        if os.environ.get("BOTFLOW_TEST_ALL") == "1":
            pytest.fail(reason)
        pytest.skip(reason)
    port = free_port()
    server = subprocess.Popen(
        [binary, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
        stdout=subprocess.DEVNULL,
    )
    try:
        wait_for_redis(port)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(10)


def wait_for_redis(port: int) -> None:
    deadline = time.monotonic() + 10
    with redis.Redis(port=port) as client:
        while True:
            try:
                client.ping()
                return
            except redis.ConnectionError:
                assert time.monotonic() < deadline, "Redis did not start."
                time.sleep(0.02)


@pytest.fixture
def local_settings(tmp_path: Path) -> Settings:
    return {
        "BACKEND": "conversations.local_layer.LocalChannelLayer",
        "CONFIG": {"directory": str(tmp_path / "sockets")},
    }


@pytest.fixture(params=["local", "memory", "redis"])
def layer_settings(request: pytest.FixtureRequest) -> Settings:
    return settings_of(request, request.param)


@pytest.fixture(params=["local", "redis"])
def shared_settings(request: pytest.FixtureRequest) -> Settings:
    """The layers that reach other processes."""
    return settings_of(request, request.param)


def settings_of(request: pytest.FixtureRequest, kind: str) -> Settings:
    if kind == "local":
        return request.getfixturevalue("local_settings")
    if kind == "memory":
        return {"BACKEND": "channels.layers.InMemoryChannelLayer", "CONFIG": {"capacity": 1000}}
    return {
        "BACKEND": "conversations.redis_layer.RedisChannelLayer",
        "CONFIG": {"hosts": [request.getfixturevalue("layer_redis_url")]},
    }


@pytest.fixture
async def layer(layer_settings: Settings) -> AsyncIterator[Any]:
    layer = make_layer(layer_settings)
    yield layer
    await layer.flush()


@pytest.fixture
async def shared_layer(shared_settings: Settings) -> AsyncIterator[Any]:
    layer = make_layer(shared_settings)
    yield layer
    await layer.flush()


@pytest.fixture
async def local_layer(local_settings: Settings) -> Any:
    return make_layer(local_settings)


@pytest.fixture
async def processes() -> AsyncIterator[list[LayerProcess]]:
    started: list[LayerProcess] = []
    yield started
    for process in started:
        await process.kill()


@pytest.fixture
def start_shared(shared_settings: Settings, processes: list[LayerProcess]) -> StartProcess:
    """Start another process with the settings of `shared_layer`."""
    return starter(shared_settings, processes)


@pytest.fixture
def start_local(local_settings: Settings, processes: list[LayerProcess]) -> StartProcess:
    """Start another process with the settings of `local_layer`."""
    return starter(local_settings, processes)


def starter(settings: Settings, processes: list[LayerProcess]) -> StartProcess:
    async def start() -> LayerProcess:
        process = await LayerProcess.start(settings)
        processes.append(process)
        return process

    return start
