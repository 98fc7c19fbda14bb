"""Measures many slow replies in one worker process, and what an idle site costs.

    python benchmarks/waiting.py [--replies 200] [--seconds 5]

Starts BotFlow on SQLite with one worker. First leaves it alone with one open page and prints the
share of a core that all its processes take together; then has every one of 200 conversations wait
5 s for its agent at once, with a quick one asking in between, and prints how long they took and the
memory that the worker and the web process grew by for each.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import time

import psutil
from chat import ROOT, botflow
from websockets.asyncio.client import connect


async def turn(url: str, text: str) -> float:
    """Return the seconds from the message to its whole reply."""
    async with connect(url) as ws:
        await ws.recv()
        started = time.perf_counter()
        await ws.send(json.dumps({"type": "message", "content": text}))
        while True:
            frame = json.loads(await asyncio.wait_for(ws.recv(), 120))
            if frame["type"] == "message" and frame["role"] == "assistant":
                return time.perf_counter() - started


def processes(roots: list[psutil.Process]) -> list[psutil.Process]:
    return [one for root in roots for one in [root, *root.children(recursive=True)]]


def used_cpu(roots: list[psutil.Process]) -> float:
    return sum(sum(process.cpu_times()[:2]) for process in processes(roots))


async def idle(url: str, roots: list[psutil.Process], seconds: float) -> None:
    async with connect(url):
        await asyncio.sleep(3)
        before = used_cpu(roots)
        await asyncio.sleep(seconds)
        share = (used_cpu(roots) - before) / seconds
    print(f"idle, one page open: {100 * share:.2f} % of a core, all processes together")


async def crowd(url: str, roots: list[psutil.Process], options: argparse.Namespace) -> None:
    def memory(title: str) -> int:
        found = [p for p in processes(roots) if title in " ".join(p.cmdline())]
        return sum(process.memory_full_info().uss for process in found)

    await turn(url, "0")
    before = {title: memory(title) for title in ("qcluster worker", "daphne")}
    slow = [asyncio.create_task(turn(url, str(options.seconds))) for _ in range(options.replies)]
    await asyncio.sleep(options.seconds * 0.6)
    quick = [await turn(url, "0") for _ in range(10)]
    grown = {title: (memory(title) - size) / 1024 for title, size in before.items()}
    took = sorted(await asyncio.gather(*slow))
    print(
        f"{options.replies} replies that wait {options.seconds:g} s: all within {took[-1]:.2f} s;"
        f" quick ones in between {1000 * sorted(quick)[5]:.0f} ms (median)"
    )
    for title, kilobytes in grown.items():
        print(f"memory for each waiting reply, {title}: {kilobytes / options.replies:.0f} KB")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--replies", default=200, type=int)
    parser.add_argument("--seconds", default=5.0, type=float)
    parser.add_argument("--idle-seconds", default=20.0, type=float)
    options = parser.parse_args()
    settings = {
        "BOTFLOW_AGENT": "benchmarks.agents.waits",
        "BOTFLOW_CONCURRENCY": str(options.replies + 20),
        "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]),
    }
    with botflow(1, settings) as (url, roots):
        asyncio.run(idle(url, roots, options.idle_seconds))
        asyncio.run(crowd(url, roots, options))


if __name__ == "__main__":
    main()
