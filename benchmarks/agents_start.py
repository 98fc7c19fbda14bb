"""Measures what each kind of agent costs before it has said a word: time to start, and memory.

    python benchmarks/agents_start.py [--rounds 3]

For each agent: the time to import and build it in a process in which BotFlow is loaded already;
the time from `manage.py qcluster` to the end of the first answer, to a message that waits; the
resident memory of a web server that is ready, of the worker after that answer, and that of the
whole cluster with shared pages counted once. The model is a server on loopback that answers at
once, the database SQLite. Of the times the best round counts, of memory the middle one; agents
whose packages are missing are left out.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import psutil
from chat import ROOT, running

GRAPH = "examples.langgraph_agent.build"
#: (title, settings)
AGENTS = [
    ("`echo`", {"BOTFLOW_AGENT": "echo"}),
    ("`openai_compatible`", {"BOTFLOW_AGENT": "openai_compatible"}),
    ("the same with tools", {"BOTFLOW_AGENT": "openai_compatible", "BOTFLOW_TOOLS": "all"}),
    ("LangGraph, as in `examples/`", {"BOTFLOW_AGENT": GRAPH, "BOTFLOW_TOOLS": "all"}),
]
SETUP = "import os, time, django; django.setup()\n"
BUILD = """
from conversations import answering
from conversations.agents import get_agent
began = time.perf_counter()
get_agent()
print(time.perf_counter() - began)
"""
ASK = """
from django.db import transaction
from conversations.receiving import Incoming, receive_messages
with transaction.atomic():
    receive_messages([Incoming(channel="web", address="bench", content="hello")])
"""
STATE = "SELECT state FROM conversations_message WHERE role = 'user'"
WEB = """
import botflow_site.asgi, psutil
print(psutil.Process().memory_info().rss)
"""
MEGABYTE = 1024 * 1024


@dataclass(frozen=True)
class Figures:
    """Seconds, and bytes; those of the cluster with shared pages counted once."""

    build: float
    first_answer: float
    web: int
    worker: int
    cluster: int


@contextlib.contextmanager
def model() -> Iterator[str]:
    """Serve a model on loopback; yield its base URL."""
    command = [sys.executable, "-m", "tests.harness.model", "--every", "0", "--pieces", "3"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout
        try:
            yield server.stdout.readline().strip()
        finally:
            server.terminate()


def run(code: str, env: dict[str, str]) -> str:
    command = [sys.executable, "-c", SETUP + code]
    return subprocess.run(
        command, cwd=ROOT, env=env, check=True, stdout=subprocess.PIPE, text=True
    ).stdout


def measure(env: dict[str, str]) -> Figures:
    build = float(run(BUILD, env).split()[-1])
    web = int(run(WEB, env).split()[-1])
    manage = [sys.executable, "manage.py"]
    subprocess.run([*manage, "migrate", "-v0"], cwd=ROOT, env=env, check=True)
    run(ASK, env)
    began = time.perf_counter()
    with running([*manage, "qcluster"], env=env) as [cluster]:
        wait_for_answer(Path(env["BOTFLOW_DATA_DIR"]) / "botflow.sqlite3")
        first_answer = time.perf_counter() - began
        processes = [psutil.Process(cluster.pid)]
        processes += processes[0].children(recursive=True)
        [worker] = [one for one in processes if "worker" in " ".join(one.cmdline()).split()]
        memory = sum(one.memory_full_info().pss for one in processes)
        return Figures(build, first_answer, web, worker.memory_info().rss, memory)


def wait_for_answer(database: Path) -> None:
    deadline = time.monotonic() + 60
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as rows:
        while (state := rows.execute(STATE).fetchone()[0]) != "answered":
            assert state != "failed" and time.monotonic() < deadline, f"The message is {state}."
            time.sleep(0.01)


def rounds(settings: dict[str, str], count: int) -> list[Figures]:
    found = []
    for _ in range(count):
        folder = tempfile.mkdtemp(prefix="botflow-bench-")
        defaults = {"DJANGO_SETTINGS_MODULE": "botflow_site.settings", "BOTFLOW_DATA_DIR": folder}
        found.append(measure({**os.environ, **defaults, **settings}))
        shutil.rmtree(folder)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print("| agent | imported and built | start to first answer | web | worker | whole cluster |")
    print("|---|---|---|---|---|---|")
    with model() as base_url:
        for title, settings in AGENTS:
            if settings["BOTFLOW_AGENT"] == GRAPH and not find_spec("langgraph"):
                continue
            given = {"OPENAI_BASE_URL": base_url, "BOTFLOW_MODEL": "fake", **settings}
            found = rounds(given, options.rounds)
            print(
                f"| {title} | {1000 * min(one.build for one in found):.0f} ms"
                f" | {min(one.first_answer for one in found):.1f} s"
                f" | {statistics.median(one.web for one in found) / MEGABYTE:.0f} MB"
                f" | {statistics.median(one.worker for one in found) / MEGABYTE:.0f} MB"
                f" | {statistics.median(one.cluster for one in found) / MEGABYTE:.0f} MB |",
                flush=True,
            )


if __name__ == "__main__":
    main()
