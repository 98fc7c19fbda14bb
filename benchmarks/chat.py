"""Measures a chat turn end to end, beside a small program that keeps none of the guarantees.

    python benchmarks/chat.py [--clients 1,20,100] [--seconds 6] [--workers 1]

Starts BotFlow (daphne and qcluster on SQLite, in a folder of its own) and the peer (FastAPI and
aiosqlite: save, in-process task, reply on the socket), one after the other, on loopback, and sends
turns over real WebSockets from this process, each client waiting for its reply before the next
message. Prints, for each number of clients, the time from the `message` frame to the first `delta`
and to the final frame, the turns per second, and the ratio to the peer. The load generator shares
the machine with what it measures.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parent.parent
TEXT = "how are you today"


@dataclass
class Figures:
    """Seconds of each turn, and how many there were in `elapsed` seconds."""

    first: list[float] = field(default_factory=list)
    final: list[float] = field(default_factory=list)
    elapsed: float = 0.0

    @property
    def rate(self) -> float:
        return len(self.final) / self.elapsed

    def row(self) -> str:
        cells = []
        for values in (self.first, self.final):
            cuts = statistics.quantiles(values, n=100)
            cells += [f"{1000 * cuts[49]:7.1f}", f"{1000 * cuts[98]:7.1f}"]
        return "  ".join([*cells, f"{self.rate:8.0f}"])


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running(*commands: list[str], env: dict[str, str]) -> Iterator[list[subprocess.Popen[bytes]]]:
    log = Path(env["BOTFLOW_DATA_DIR"], "log").open("ab")  # noqa: SIM115  (for the children)
    processes = [
        subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log) for command in commands
    ]
    try:
        yield processes
    finally:
        for process in processes:
            process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait(20)


@contextlib.contextmanager
def botflow(workers: int, settings: dict[str, str]) -> Iterator[tuple[str, list[psutil.Process]]]:
    folder, port = tempfile.mkdtemp(prefix="botflow-bench-"), free_port()
    env = {
        **os.environ,
        "BOTFLOW_DATA_DIR": folder,
        "BOTFLOW_WORKERS": str(workers),
        "LOG_LEVEL": "INFO",
        **settings,
    }
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    daphne = [sys.executable, "-m", "daphne", "--access-log", "/dev/null", "-b", "127.0.0.1"]
    daphne += ["-p", str(port), "botflow_site.asgi:application"]
    with running(daphne, [*manage, "qcluster"], env=env) as processes:
        wait_for(f"http://127.0.0.1:{port}/health")
        yield f"ws://127.0.0.1:{port}/ws/chat", [psutil.Process(p.pid) for p in processes]
    shutil.rmtree(folder)


@contextlib.contextmanager
def peer(*, durable: bool) -> Iterator[tuple[str, list[psutil.Process]]]:
    folder, port = tempfile.mkdtemp(prefix="botflow-bench-"), free_port()
    env = {**os.environ, "BOTFLOW_DATA_DIR": folder, "DURABLE": "1" if durable else ""}
    uvicorn = [sys.executable, "-m", "uvicorn", "--app-dir", "benchmarks", "chat_peer:app"]
    uvicorn += ["--port", str(port), "--log-level", "warning"]
    with running(uvicorn, env=env) as processes:
        wait_for(f"http://127.0.0.1:{port}/health")
        yield f"ws://127.0.0.1:{port}/ws/chat", [psutil.Process(p.pid) for p in processes]
    shutil.rmtree(folder)


def wait_for(url: str) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError):
            if urllib.request.urlopen(url, timeout=2).status == 200:
                return
        time.sleep(0.1)
    raise TimeoutError(f"{url} does not answer.")


async def turns(url: str, *, until: float, figures: Figures) -> None:
    async with connect(url, max_size=None) as ws:
        await ws.recv()
        while time.perf_counter() < until:
            sent = time.perf_counter()
            first = None
            await ws.send(json.dumps({"type": "message", "content": TEXT}))
            while True:
                frame = json.loads(await asyncio.wait_for(ws.recv(), 30))
                if first is None and frame["type"] == "delta":
                    first = time.perf_counter() - sent
                if frame["type"] == "message" and frame["role"] == "assistant":
                    break
            figures.first.append(first if first is not None else time.perf_counter() - sent)
            figures.final.append(time.perf_counter() - sent)


async def measure(url: str, clients: int, seconds: float) -> Figures:
    warm_up = time.perf_counter() + min(1.0, seconds / 3)
    await asyncio.gather(*(turns(url, until=warm_up, figures=Figures()) for _ in range(clients)))
    figures = Figures()
    start = time.perf_counter()
    await asyncio.gather(
        *(turns(url, until=start + seconds, figures=figures) for _ in range(clients))
    )
    figures.elapsed = time.perf_counter() - start
    return figures


def cpu_by_title(roots: list[psutil.Process]) -> dict[str, float]:
    seconds: dict[str, float] = {}
    for root in roots:
        for process in [root, *root.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                title = " ".join(process.cmdline()) or process.name()
                title = next((n for n in ("daphne", "uvicorn") if n in title), title[-40:])
                seconds[title] = seconds.get(title, 0.0) + times.user + times.system
    return seconds


def report(
    name: str, url: str, roots: list[psutil.Process], options: argparse.Namespace
) -> list[Figures]:
    found = []
    for clients in options.clients:
        before = cpu_by_title(roots)
        figures = asyncio.run(measure(url, clients, options.seconds))
        found.append(figures)
        print(f"{name:22} {clients:7}  {figures.row()}")
        if options.cpu:
            spent = {k: v - before.get(k, 0.0) for k, v in cpu_by_title(roots).items()}
            count = len(figures.final)
            for title, seconds in sorted(spent.items(), key=lambda item: -item[1]):
                if seconds > 0.05:
                    print(f"      {1000 * seconds / count:6.2f} ms CPU a turn, in {title}")
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--clients", default="1,20,100", type=lambda t: [int(n) for n in t.split(",")]
    )
    parser.add_argument("--seconds", default=6.0, type=float)
    parser.add_argument("--workers", default=1, type=int)
    parser.add_argument("--cpu", action="store_true", help="say where the processor time goes")
    parser.add_argument("--no-peer", action="store_true")
    options = parser.parse_args()
    print("milliseconds               clients  first p50/p99     final p50/p99     turns/s")
    with botflow(options.workers, {}) as (url, roots):
        own = report("BotFlow", url, roots, options)
    for durable in () if options.no_peer else (True, False):
        name = "peer, durable writes" if durable else "peer, deferred writes"
        with peer(durable=durable) as (url, roots):
            other = report(name, url, roots, options)
        for clients, ours, theirs in zip(options.clients, own, other, strict=True):
            latency = statistics.median(ours.final) / statistics.median(theirs.final)
            print(
                f"  {clients} clients: BotFlow takes {latency:.1f} times as long"
                f" and does {ours.rate / theirs.rate:.2f} of the turns"
            )


if __name__ == "__main__":
    main()
