"""Start the toy application under a real daphne on a free loopback port."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from daphne_process import ROOT, Daphne, free_port, wait_until


@pytest.fixture
def start_daphne(tmp_path: Path) -> Iterator[Callable[..., Daphne]]:
    """Yield a function that starts daphne with more options; all are ended after the test."""
    started: list[Daphne] = []

    def start(*options: str) -> Daphne:
        port, log_path = free_port(), tmp_path / f"daphne-{len(started)}.log"
        command = [sys.executable, "-m", "daphne", "-b", "127.0.0.1", "-p", str(port), *options]
        with log_path.open("wb") as log:
            process = subprocess.Popen(
                [*command, "tests.server.toy_app:application"],
                cwd=ROOT,
                # Unbuffered: tests read the access log as it grows.
                env={**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"},
                stdout=log,
                stderr=log,
            )
        daphne = Daphne(process, port, log_path)
        started.append(daphne)
        wait_until(lambda: "Listening on TCP" in daphne.log(), "daphne to listen")
        return daphne

    yield start
    for daphne in started:
        daphne.kill()


@pytest.fixture
def daphne(start_daphne: Callable[..., Daphne]) -> Daphne:
    return start_daphne()
