"""Measures many replies that stream at once from one worker, beside Chainlit on the same model.

    python benchmarks/streaming.py [--conversations 100] [--seconds 10] [--every 0.05]
        [--database sqlite|postgres|URL] [--redis] [--peer-python PATH]

Starts a model's server on loopback that sends each reply a piece every 50 ms, stamped with the
moment; then BotFlow (one daphne, one qcluster with one worker), and clients that each say one
message at the same moment. Prints for how many conversations the text came whole, the time from
the server's piece to the client's frame, what a thousand pieces take of the processor, and the
memory. The peer, Chainlit, is not among BotFlow's own packages: make an environment with
`python -m venv DIR && DIR/bin/pip install chainlit` and name its Python with `--peer-python`. It
answers in the web process and stores nothing, while BotFlow stores what is said, and parts of each
reply meanwhile. All processes share the machine.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
from chat import ROOT, botflow, free_port, running, wait_for
from waiting import processes

sys.path.insert(0, str(ROOT))

from tests.harness.services import postgres, redis_server

# What is carried well: no piece lost, and nearly all of them within this many milliseconds.
GOAL = 500
CLIENT_PROCESSES = 2

#: The shares of a server's processor time, by what is in the command line.
PARTS = {"worker": "qcluster worker", "web": "daphne", "chainlit": "chainlit"}


@dataclass
class Figures:
    """What came of one burst of conversations; times in milliseconds."""

    name: str
    conversations: int
    pieces: int
    late: Counter[int] = field(default_factory=Counter)
    first: list[int] = field(default_factory=list)
    whole: int = 0
    frames: int = 0
    gaps: int = 0
    problems: list[str] = field(default_factory=list)
    #: Processor seconds and megabytes of each part.
    cpu: dict[str, float] = field(default_factory=dict)
    memory: dict[str, float] = field(default_factory=dict)

    def add(self, outcome: dict[str, Any]) -> None:
        self.late.update({int(late): count for late, count in outcome["late"].items()})
        self.first += outcome["first"]
        self.problems += outcome["problems"]
        for name in ("whole", "frames", "gaps"):
            setattr(self, name, getattr(self, name) + outcome[name])

    def quantile(self, at: float) -> float:
        left = at * self.late.total()
        for late in sorted(self.late):
            left -= self.late[late]
            if left <= 0:
                return late
        return float("nan")

    @property
    def is_carried(self) -> bool:
        return self.whole == self.conversations and self.quantile(0.99) <= GOAL

    @property
    def own_cpu(self) -> float:
        """Return the milliseconds that all of the server's processes took for 1,000 pieces."""
        own = sum(s for part, s in self.cpu.items() if part not in ("model", "clients"))
        return 1e6 * own / (self.conversations * self.pieces)

    def report(self) -> None:
        late = "  ".join(f"{self.quantile(at):6.0f}" for at in (0.5, 0.99, 1.0))
        first = sorted(self.first)[len(self.first) // 2] if self.first else float("nan")
        whole = f"{self.whole:4}/{self.conversations:<4}"
        megabytes = sum(self.memory.values())
        print(
            f"{self.name:9} {whole}  {late}  {first:6.0f}  {self.frames:7} {self.gaps:5}"
            f"  {self.own_cpu:7.1f} ms  {megabytes:5.0f} MB",
            flush=True,
        )
        shares = [f"{part} {seconds:.1f} s" for part, seconds in self.cpu.items() if seconds > 0.05]
        sizes = [f"{part} {size:.0f} MB" for part, size in self.memory.items()]
        print(f"          processor: {', '.join(shares)}; memory: {', '.join(sizes)}")
        for problem, count in Counter(self.problems).most_common(3):
            print(f"          {count} x {problem}")


# -- the servers -----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Server:
    name: str
    url: str
    roots: list[psutil.Process]

    def parts(self) -> Iterator[tuple[str, psutil.Process]]:
        """Yield its processes, each with the part that it is."""
        for process in processes(self.roots):
            with contextlib.suppress(psutil.NoSuchProcess):
                line = " ".join(process.cmdline())
                yield (
                    next((part for part, title in PARTS.items() if title in line), "rest"),
                    process,
                )


@contextlib.contextmanager
def model(options: argparse.Namespace) -> Iterator[tuple[str, psutil.Process]]:
    command = [sys.executable, "-m", "tests.harness.model", "--every", str(options.every)]
    command += ["--pieces", str(options.pieces)]
    process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        yield process.stdout.readline().strip(), psutil.Process(process.pid)
    finally:
        process.terminate()
        process.wait(20)


@contextlib.contextmanager
def site(options: argparse.Namespace, model_url: str) -> Iterator[Server]:
    settings = {
        "BOTFLOW_AGENT": options.agent,
        "BOTFLOW_CONCURRENCY": str(max(options.conversations) + 100),
        "BOTFLOW_CONVERSATION_TOKENS_PER_DAY": "0",
        "BOTFLOW_SITE_TOKENS_PER_DAY": "0",
        "BOTFLOW_MODEL": "fake",
        "OPENAI_BASE_URL": model_url,
        "OPENAI_API_KEY": "unused",
    }
    roots = []
    if options.database == "postgres":
        server = postgres()
        settings["DATABASE_URL"] = server.new_database()
        roots += server.tree()[:1]
    elif options.database != "sqlite":
        settings["DATABASE_URL"] = options.database
    if options.redis:
        settings["REDIS_URL"] = redis_server().url
        roots += redis_server().tree()[:1]
    with botflow(1, settings) as (url, own):
        yield Server("BotFlow", url.removesuffix("/ws/chat"), [*own, *roots])


@contextlib.contextmanager
def peer(options: argparse.Namespace, model_url: str) -> Iterator[Server]:
    port = free_port()
    with tempfile.TemporaryDirectory(prefix="botflow-bench-") as folder:
        env = {
            **os.environ,
            "BOTFLOW_DATA_DIR": folder,
            "CHAINLIT_APP_ROOT": folder,
            "OPENAI_BASE_URL": model_url,
        }
        app = str(ROOT / "benchmarks" / "streaming_peer.py")
        chainlit = [options.peer_python, "-m", "chainlit", "run", app, "--headless"]
        with running([*chainlit, "--port", str(port)], env=env) as started:
            wait_for(f"http://127.0.0.1:{port}/")
            yield Server("Chainlit", f"ws://127.0.0.1:{port}", [psutil.Process(started[0].pid)])


# -- measuring -------------------------------------------------------------------------------------


def used(server: Server, others: dict[str, list[psutil.Process]]) -> dict[str, float]:
    """Return the processor seconds of each part so far."""
    seconds: dict[str, float] = {}
    known = [(part, one) for part, found in others.items() for one in found]
    for part, process in [*server.parts(), *known]:
        seconds[part] = seconds.get(part, 0.0) + sum(process.cpu_times()[:2])
    return seconds


def megabytes(server: Server) -> dict[str, float]:
    found: dict[str, float] = {}
    for part, process in server.parts():
        found[part] = found.get(part, 0.0) + process.memory_full_info().uss / 2**20
    return found


def start_clients(server: Server, counts: list[int], options: argparse.Namespace) -> list[Any]:
    patience = 3 * options.seconds + 30
    code = "import streaming_clients; streaming_clients.main()"
    command = [sys.executable, "-c", code, server.url, server.name.lower()]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "benchmarks")}
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    clients = [
        subprocess.Popen([*command, str(n), str(options.pieces), str(patience)], env=env, **pipes)
        for n in counts
    ]
    for client in clients:
        if client.stdout.readline() != "ready\n":
            raise RuntimeError(f"The clients of {server.name} could not open their sockets.")
    return clients


def burst(
    server: Server, model_process: psutil.Process, conversations: int, options: argparse.Namespace
) -> Figures:
    figures = Figures(server.name, conversations, options.pieces)
    share = conversations // CLIENT_PROCESSES
    counts = [conversations - share * (CLIENT_PROCESSES - 1), *[share] * (CLIENT_PROCESSES - 1)]
    clients = start_clients(server, [count for count in counts if count], options)
    others = {"model": [model_process], "clients": [psutil.Process(one.pid) for one in clients]}
    before = used(server, others)
    for client in clients:
        client.stdin.write("go\n")
        client.stdin.flush()
    time.sleep(options.seconds * 0.9)
    figures.memory = megabytes(server)
    outcomes = [json.loads(client.stdout.readline()) for client in clients]
    figures.cpu = {part: s - before.get(part, 0.0) for part, s in used(server, others).items()}
    for client, outcome in zip(clients, outcomes, strict=True):
        client.wait(20)
        figures.add(outcome)
    return figures


def most_carried(found: list[Figures]) -> int:
    return max((one.conversations for one in found if one.is_carried), default=0)


def compare(ours: list[Figures], theirs: list[Figures]) -> None:
    for own, other in zip(ours, theirs, strict=True):
        p50, p99 = (own.quantile(at) / max(other.quantile(at), 1) for at in (0.5, 0.99))
        memory = sum(own.memory.values()) / sum(other.memory.values())
        print(
            f"  {own.conversations} conversations: BotFlow takes p50 {p50:.2f}, p99 {p99:.2f} times"
            f" as long, {own.own_cpu / other.own_cpu:.2f} of the processor, {memory:.2f} of the"
            " memory"
        )
    print(
        f"  carried with 99 % of the pieces within {GOAL} ms: BotFlow {most_carried(ours)},"
        f" Chainlit {most_carried(theirs)}"
    )


def measure(
    serve: Callable[..., AbstractContextManager[Server]], options: argparse.Namespace
) -> list[Figures]:
    """Return the figures for each number of conversations, each with servers of its own."""
    found = []
    for conversations in options.conversations:
        with model(options) as (url, process), serve(options, url) as server:
            found.append(burst(server, process, conversations, options))
        found[-1].report()
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--conversations",
        default="100",
        type=lambda text: [int(count) for count in text.split(",")],
        help="how many at once; several numbers, as 20,100,500, are tried one after the other",
    )
    parser.add_argument("--seconds", default=10.0, type=float)
    parser.add_argument("--every", default=0.05, type=float)
    parser.add_argument("--database", default="sqlite", help="sqlite, postgres or a URL")
    parser.add_argument("--redis", action="store_true", help="start a Redis for the live frames")
    parser.add_argument("--agent", default="openai_compatible")
    parser.add_argument("--peer-python", type=Path, help="the Python that has Chainlit")
    options = parser.parse_args()
    options.pieces = round(options.seconds / options.every)
    print(
        "server    whole         p50     p99     max   first   frames  gaps CPU/1000 pieces memory",
        flush=True,
    )
    ours = measure(site, options)
    if options.peer_python:
        compare(ours, measure(peer, options))
    else:
        print("  No peer: name a Python that has Chainlit with --peer-python (see --help).")


if __name__ == "__main__":
    main()
