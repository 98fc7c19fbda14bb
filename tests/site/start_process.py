"""A real `manage.py start` on a data folder and a port of its own, for tests/site."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parents[2]
# What a setting of the machine that runs the tests must not decide.
KEPT = ("PATH", "HOME", "LANG", "TMPDIR")


def wait_until(condition: Callable[[], object], what: str, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"Not within {seconds} s: {what}"
        time.sleep(0.05)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(**settings: str) -> dict[str, str]:
    return {name: os.environ[name] for name in KEPT if name in os.environ} | settings


class Start:
    """The command while it runs; its output goes to a file, as a service's would."""

    def __init__(self, folder: Path, port: int | None = None, **settings: str) -> None:
        folder.mkdir(exist_ok=True)
        self.port = port or free_port()
        self.log = folder / f"output-{time.monotonic_ns()}"
        env = environment(BOTFLOW_DATA_DIR=str(folder), BOTFLOW_PORT=str(self.port), **settings)
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "manage.py", "start"],
                cwd=ROOT,
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.seen: dict[int, psutil.Process] = {}

    @property
    def output(self) -> str:
        return self.log.read_text(encoding="utf-8")

    @property
    def password(self) -> str | None:
        found = re.search(r"Password: +(\S+)", self.output)
        return found[1] if found else None

    def ready(self) -> "Start":
        """Wait for the banner and for every part to be well."""
        wait_until(lambda: self._is_over() or "is running" in self.output, "the banner")
        wait_until(lambda: self._is_over() or self.is_healthy(), "a healthy site")
        assert not self._is_over(), self.output
        self.processes()
        return self

    def _is_over(self) -> bool:
        return self.process.poll() is not None

    def is_healthy(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=3) as page:
                return bool(page.status == 200)
        except (OSError, urllib.error.URLError):
            return False

    def processes(self) -> list[psutil.Process]:
        """Return every process below the command, noting them for `survivors`."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        self.seen |= {process.pid: process for process in below}
        return below

    def child(self, name: str) -> psutil.Process:
        """Return the command's own child whose command line or title has `name` in it."""
        children = psutil.Process(self.process.pid).children()
        return next(child for child in children if name in " ".join(child.cmdline()))

    def survivors(self) -> list[psutil.Process]:
        alive = [process for process in self.seen.values() if process.is_running()]
        return [process for process in alive if process.status() != psutil.STATUS_ZOMBIE]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send the signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(timeout=30)

    def clean_up(self) -> None:
        if not self._is_over():
            self.processes()
            self.process.kill()
            self.process.wait()
        for process in self.survivors():
            process.kill()
