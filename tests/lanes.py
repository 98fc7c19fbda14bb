"""Runs the whole suite as `make test` does: three lanes side by side, then a look at what failed.

What failed while the lanes shared the machine runs once more by itself at the end, if it is no
more than a few tests: each that passes only then is named, for it waits for something it should
not, or the code does. A test that fails both times fails the run.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

ROOT = Path(__file__).resolve().parents[1]
KEPT = ROOT / ".pytest_cache" / "lanes"
#: Tests that start processes of their own and mostly wait for them.
PROCESSES = [f"tests/{name}" for name in ("faults", "layers", "server", "sockets")]
#: Tests that use a site as people do: in a browser, and in WeChat.
PAGES = [f"tests/{name}" for name in ("admin", "browser", "site", "wechat_site")]
ON_POSTGRES = ["--database=postgresql", "tests/scheduling", "tests/conversations", "tests/wechat"]
#: More failures than that are no accident of a busy machine.
MOST_AGAIN = 5
FAILED_TESTS = 1  # pytest's own number; others are for wrong usage, interruption, its own errors


@dataclass
class Lane:
    """One run of pytest over a part of the suite, with a cache of its own."""

    title: str
    name: str
    arguments: list[str]
    #: It computes and hardly waits: those that wait for moments go first.
    is_patient: bool = False
    status: int = 0
    failed: list[str] = field(default_factory=list)

    @property
    def cache(self) -> Path:
        return KEPT / self.name

    def start(self, *more: str, out: IO[str] | None = None) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pytest", "-o", f"cache_dir={self.cache}"]
        if self.is_patient:
            command = ["nice", *command]
        return subprocess.Popen(
            [*command, *self.arguments, *more],
            cwd=ROOT,
            stdout=out,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def note(self, status: int) -> None:
        """Keep how it ended, and which tests failed."""
        self.status = status
        path = self.cache / "v/cache/lastfailed"
        self.failed = list(json.loads(path.read_text())) if path.exists() else []

    def look_again(self) -> bool:
        """Run what failed once more; tell whether it passed."""
        return self.start("--last-failed").wait() == 0


def run_together(beside: list[Lane], others: list[Lane]) -> None:
    """Run lanes while the others run one after the other; print their output behind theirs."""
    with contextlib.ExitStack() as stack:
        running = []
        for lane in beside:
            out = stack.enter_context(_log(lane).open("w", encoding="utf-8"))
            process = lane.start(out=out)
            stack.callback(process.wait)
            stack.callback(process.terminate)
            running.append((lane, process))
        for lane in others:
            print(f"{lane.title}:", flush=True)
            lane.note(lane.start().wait())
        for lane, process in running:
            lane.note(process.wait())
            print(f"{lane.title}:\n{_log(lane).read_text(encoding='utf-8')}", flush=True)


def _log(lane: Lane) -> Path:
    return KEPT / f"{lane.name}.log"


def settle(lanes: list[Lane]) -> int:
    """Have a few failed tests run again, alone; return the exit status of the whole."""
    ended_badly = [lane for lane in lanes if lane.status]
    failed = [name for lane in ended_badly for name in lane.failed]
    if not ended_badly:
        return 0
    is_accident = all(lane.status == FAILED_TESTS for lane in ended_badly)
    if not (is_accident and 0 < len(failed) <= MOST_AGAIN):
        return 1
    print("What failed runs once more, by itself:", flush=True)
    if not all(lane.look_again() for lane in ended_badly):
        return 1
    print("PASSED ONLY BY THEMSELVES, to be mended:", *failed, sep="\n  ", flush=True)
    return 0


def main() -> int:
    shutil.rmtree(KEPT, ignore_errors=True)
    KEPT.mkdir(parents=True)
    everything_else = [f"--ignore={path}" for path in [*PROCESSES, *PAGES]]
    beside = [
        Lane("The tests that start processes", "processes", PROCESSES),
        Lane("The tests of pages and of WeChat's site", "pages", PAGES),
    ]
    others = [
        Lane("All other tests", "others", everything_else, is_patient=True),
        Lane("What touches the database, on PostgreSQL", "postgres", ON_POSTGRES, is_patient=True),
    ]
    run_together(beside, others)
    return settle([*others, *beside])


if __name__ == "__main__":
    sys.exit(main())
