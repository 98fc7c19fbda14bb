"""A process with a channel layer of its own, driven by lines of JSON on its standard input.

Started as a script it is that process; imported it gives the tests `LayerProcess`, their handle
on one.
"""

import asyncio
import contextlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from importlib import import_module
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
ANSWER_SECONDS = 30

Settings = dict[str, Any]


def make_layer(settings: Settings) -> Any:
    module, _, name = settings["BACKEND"].rpartition(".")
    return getattr(import_module(module), name)(**settings["CONFIG"])


class LayerProcess:
    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.pid = process.pid

    @classmethod
    async def start(cls, settings: Settings) -> "LayerProcess":
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            __file__,
            json.dumps(settings),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            limit=64 * 1024 * 1024,
        )
        return cls(process)

    async def ask(self, command: str, **arguments: Any) -> Any:
        self.tell(command, **arguments)
        return await self.answer()

    def tell(self, command: str, **arguments: Any) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps([command, arguments]).encode() + b"\n")

    async def answer(self) -> Any:
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), ANSWER_SECONDS)
        assert line, "The process ended without an answer."
        return json.loads(line)

    async def kill(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()

    async def stop(self) -> None:
        """End it as a person would, by closing its input."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.wait_for(self._process.wait(), ANSWER_SECONDS)


StartProcess = Callable[[], Awaitable[LayerProcess]]


class Commands:
    """What the process does, one method per command; the result is its answer."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.receiving: asyncio.Task[list[Any]] | None = None

    async def join(self, group: str) -> str:
        channel = await self.layer.new_channel()
        await self.layer.group_add(group, channel)
        return channel

    async def receive(self, channel: str, count: int = 1) -> list[Any]:
        received = []
        for _ in range(count):
            received.append(await self.layer.receive(channel))
            for _ in range(3):  # as many turns of the loop as Channels takes to dispatch one
                await asyncio.sleep(0)
        return received

    async def start_receiving(self, channel: str, count: int) -> None:
        self.receiving = asyncio.create_task(self.receive(channel, count))
        await asyncio.sleep(0)

    async def received(self) -> list[Any]:
        assert self.receiving is not None
        return await self.receiving

    async def receive_until(self, channel: str, key: str) -> list[Any]:
        """Receive up to and with the message that has this key."""
        received = [await self.layer.receive(channel)]
        while key not in received[-1]:
            received.append(await self.layer.receive(channel))
        return received

    async def send(self, channel: str, message: dict[str, Any]) -> None:
        await self.layer.send(channel, message)

    async def group_send(self, group: str, count: int = 1, **extra: Any) -> None:
        for n in range(count):
            await self.layer.group_send(group, {"type": "note", "n": n, **extra})

    async def sleep_in_loop(self, seconds: float) -> None:
        print(json.dumps("asleep"), flush=True)
        time.sleep(seconds)

    async def exit_in_loop(self) -> None:
        sys.exit()

    async def fork(self) -> int:
        """Leave a child behind that does nothing; answers with its process id."""
        pid = os.fork()
        if pid == 0:
            os.close(0)  # a kill of the parent is seen at the end of its pipes
            os.close(1)
            time.sleep(60)
            os._exit(0)
        return pid

    async def settle(self, channel: str) -> None:
        """Start receiving and give up: a plain name is known from then on."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.layer.receive(channel), 0.05)

    async def peak_megabytes(self) -> float:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

    async def dropped(self) -> int:
        return self.layer.dropped


async def serve(settings: Settings) -> None:
    commands = Commands(make_layer(settings))
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    while line := await lines.readline():
        command, arguments = json.loads(line)
        print(json.dumps(await getattr(commands, command)(**arguments)), flush=True)


if __name__ == "__main__":
    asyncio.run(serve(json.loads(sys.argv[1])))
