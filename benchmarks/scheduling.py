"""Measures how late schedules start, with many stored, beside other schedulers.

    python benchmarks/scheduling.py [--stored 10000,100000] [--database sqlite] [--rounds 3]
        [--patience 20] [--peers apscheduler,django-q2,celery-beat | none] [--install-peers]

Starts one `qcluster` with its defaults on a database of its own in which so many schedules are
stored, none of them due meanwhile; half have an interval, half a cron expression. Then has 50 fall
due in each of some seconds, 200 in one second, and 2,000 at once, and reads from the rows how long
after its fire time each began; and what a pass with nothing due and an idle cluster cost. The first
rounds come while the cluster, just started, still recomputes what is stored.

The peers get the same number stored and 200 due in one second: django-q2's own scheduler on its ORM
broker, APScheduler 3 on an SQLAlchemy store, celery beat with django-celery-beat, which needs Redis
and only hands tasks to it (here nobody works on them: its lateness ends at the hand-over). Those
that cannot be imported are skipped with a reason; --install-peers installs them with pip in
temporary environments. The actions do nothing.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import math
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parent.parent
# This file is not the package of the same name.
sys.path.insert(0, str(ROOT))

import django  # noqa: E402
import scheduling_peers  # noqa: E402

from tests.harness.services import PostgresServer  # noqa: E402


class DurablePostgres(PostgresServer):
    """As a site runs it: each commit reaches the disk."""

    def command(self) -> list[str]:
        settings = {"--fsync=off": "--fsync=on", "--max_connections=300": "--max_connections=100"}
        return [settings.get(argument, argument) for argument in super().command()]


@contextlib.contextmanager
def site(database: str) -> Iterator[Any]:
    """Set Django up on an empty database; yields the module that stores and reads its rows."""
    folder = tempfile.mkdtemp(prefix="botflow-bench-")
    settings = {
        "BOTFLOW_DATA_DIR": folder,
        "BOTFLOW_AGENT": "benchmarks.scheduling_actions.silent",
        "LOG_LEVEL": "WARNING",
        "DJANGO_SETTINGS_MODULE": "botflow_site.settings",
    }
    server = None
    if database == "postgresql":
        server = DurablePostgres()
        server.start()
        settings["DATABASE_URL"] = server.new_database()
    os.environ |= settings
    try:
        subprocess.run([sys.executable, "manage.py", "migrate", "-v0"], cwd=ROOT, check=True)
        django.setup()
        import scheduling_rows  # noqa: PLC0415  (its models need what was just set up)

        yield scheduling_rows
    finally:
        if server:
            server.close()
        shutil.rmtree(folder)


@contextlib.contextmanager
def cluster(rows: Any) -> Iterator[psutil.Process]:
    with Path(os.environ["BOTFLOW_DATA_DIR"], "log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "qcluster"], cwd=ROOT, stdout=log, stderr=log
        )
    try:
        while not rows.is_running():
            time.sleep(0.2)
        yield psutil.Process(process.pid)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(20)


def soon(seconds: float) -> datetime:
    """Return the whole second that is at least so far away."""
    return datetime.fromtimestamp(math.ceil(time.time() + seconds), UTC)


def fall_due(rows: Any, moments: list[datetime]) -> Any:
    ids = rows.store_due(moments)
    time.sleep(max(0.0, moments[-1].timestamp() - time.time() + 0.5))
    started = rows.wait_until_ended(ids, seconds=120)
    rows.remove(ids)
    return started


def milliseconds(seconds: float) -> str:
    return f"{1000 * seconds:.0f} ms"


def percentiles(late: list[float]) -> str:
    if len(late) < 2:
        return "none"
    cuts = statistics.quantiles(late, n=100)
    figures = (("p50", cuts[49]), ("p99", cuts[98]), ("last", max(late)))
    return ", ".join(f"{name} {milliseconds(value)}" for name, value in figures)


def each_second(rows: Any, count: int, seconds: int) -> None:
    start = soon(2 + count * seconds / 2000)
    moments = [start + timedelta(seconds=n) for n in range(seconds) for _ in range(count)]
    started = fall_due(rows, moments)
    print(f"  {count} due each second: {percentiles(started.late)}; not run {started.missing}")


def at_once(rows: Any, count: int, rounds: int) -> list[float]:
    """Have `count` fall due together, some times over; return the last one's lateness of each."""
    last = []
    for _ in range(rounds):
        started = fall_due(rows, [soon(2 + count / 1000)] * count)
        last.append(max(started.late))
        rate = f", {count / started.drained:.0f}/s" if started.drained > 1 else ""
        print(
            f"  {count} due at once: {percentiles(started.late)}{rate};"
            f" not run {started.missing}, out of order {started.out_of_order}"
        )
    return last


def idle(rows: Any, process: psutil.Process, seconds: float, patience: float) -> None:
    """Print what nothing costs: a pass of the broker, and the cluster's share of a core."""

    def used() -> dict[str, float]:
        found = [process, *process.children(recursive=True)]
        return {one.cmdline()[0].split("qcluster ")[-1]: sum(one.cpu_times()[:2]) for one in found}

    deadline, before = time.monotonic() + patience, used()
    while True:
        time.sleep(seconds)
        # While it recomputes what is stored it takes a fifth of a core.
        if sum(used().values()) - sum(before.values()) < seconds / 20:
            break
        if time.monotonic() > deadline:
            print("  the cluster still recomputes what is stored:")
            break
        before = used()
    before = used()
    time.sleep(seconds)
    spent = {name: 100 * (now - before[name]) / seconds for name, now in used().items()}
    each = ", ".join(f"{name} {share:.2f}" for name, share in spent.items())
    print(
        f"  nothing due: a pass {1000 * rows.empty_pass():.2f} ms;"
        f" the cluster {sum(spent.values()):.2f} % of a core ({each})"
    )


@contextlib.contextmanager
def python_of(name: str, *, install: bool) -> Iterator[str]:
    """Yield an interpreter for a peer: this one, or with `install` one of a new environment."""
    if not install or name == "django-q2":
        yield sys.executable
        return
    with tempfile.TemporaryDirectory(prefix="botflow-bench-") as folder:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
        python = str(Path(folder, "bin", "python"))
        packages = scheduling_peers.PACKAGES[name]
        subprocess.run([python, "-m", "pip", "install", "-q", *packages], check=True)
        yield python


def run_peer(name: str, python: str, stored: int, count: int) -> list[float]:
    """Return how late each task of a peer began; in a folder and a process of its own."""
    with tempfile.TemporaryDirectory(prefix="botflow-bench-") as folder:
        env = os.environ | {"PEER_FOLDER": folder, "PYTHONPATH": str(ROOT / "benchmarks")}
        code = "from scheduling_peers import main; main()"
        command = [python, "-c", code, name, str(stored), str(count)]
        done = subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if line.startswith("late:"):
            return json.loads(line.removeprefix("late:"))
    raise RuntimeError(f"{name} failed: {done.stderr[-2000:]}")


def compare(name: str, own: dict[int, float], options: argparse.Namespace) -> None:
    """Print a peer's figures, and the ratio of its last task of 200 to BotFlow's."""
    with python_of(name, install=options.install_peers) as python:
        if reason := scheduling_peers.missing(name, python):
            print(f"{name}: skipped, {reason}")
            return
        for stored, last in own.items():
            rounds = 1 if name == "django-q2" else options.rounds
            found = [run_peer(name, python, stored, 200) for _ in range(rounds)]
            theirs = statistics.median(max(late, default=math.nan) for late in found)
            counts = ", ".join(str(200 - len(late)) for late in found)
            print(
                f"{name}, {stored:,} stored, 200 due at once: {percentiles(found[-1])}; not run"
                f" {counts}; the last {theirs / last:.1f} times as late as BotFlow's"
            )
        if name == "apscheduler":
            for kind in (name, f"{name} by default"):
                late = run_peer(kind, python, min(own), 2000)
                print(f"{kind}, 2000 due at once: {percentiles(late)}; not run {2000 - len(late)}")


def measure(rows: Any, stored: int, options: argparse.Namespace) -> float:
    """Print the figures with so many stored; return the median of the last of 200 due at once."""
    print(f"{stored:,} stored:")
    with cluster(rows) as process:
        last = at_once(rows, 200, options.rounds)
        each_second(rows, 50, options.seconds)
        at_once(rows, 2000, 1)
        idle(rows, process, options.idle_seconds, options.patience)
    return statistics.median(last)


def numbers(text: str) -> list[int]:
    return sorted(int(number) for number in text.split(","))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stored", default=[10_000, 100_000], type=numbers)
    parser.add_argument("--database", default="sqlite", choices=("sqlite", "postgresql"))
    parser.add_argument("--rounds", default=3, type=int)
    parser.add_argument("--seconds", default=10, type=int, help="of 50 due each second")
    parser.add_argument("--idle-seconds", default=10.0, type=float)
    parser.add_argument("--patience", default=20.0, type=float, help="until it recomputed all")
    parser.add_argument("--peers", default="apscheduler,django-q2,celery-beat", help="or none")
    parser.add_argument("--install-peers", action="store_true")
    options = parser.parse_args()
    stored, own = 0, {}
    with site(options.database) as rows:
        for wanted in options.stored:
            started = time.monotonic()
            rows.store_many(wanted - stored)
            rows.analyze()
            print(f"(storing took {time.monotonic() - started:.0f} s)")
            stored = wanted
            own[stored] = measure(rows, stored, options)
    for name in [] if options.peers == "none" else options.peers.split(","):
        compare(name, own, options)


if __name__ == "__main__":
    main()
