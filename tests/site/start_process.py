"""A real `manage.py start` on a data folder and a port of its own, for tests/site."""

import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import suppress
from pathlib import Path

import psutil
from websockets.sync.client import connect

from tests.harness.environment import ROOT, neutral
from tests.harness.polling import free_port, wait_until


def environment(**settings: str) -> dict[str, str]:
    """Return an environment with no settings but these; manage.py names the settings module."""
    kept = {name: value for name, value in neutral().items() if name != "DJANGO_SETTINGS_MODULE"}
    return kept | settings


def say(port: int, text: str) -> str:
    """Return the agent's whole reply to one message."""
    with connect(f"ws://127.0.0.1:{port}/ws/chat") as chat:
        chat.send(text)
        while True:
            frame = json.loads(chat.recv(timeout=30))
            if frame["type"] == "message" and frame["state"] == "done":
                return str(frame["content"])


def is_healthy(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=3) as page:
            return bool(page.status == 200)
    except (OSError, urllib.error.URLError):
        return False


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
        return is_healthy(self.port)

    def processes(self) -> list[psutil.Process]:
        """Return every process below the command, noting them for `survivors`."""
        below = psutil.Process(self.process.pid).children(recursive=True)
        self.seen |= {process.pid: process for process in below}
        return below

    def find(self, name: str) -> psutil.Process | None:
        """Return the living child of the command that has `name` in its command line or title."""
        for child in psutil.Process(self.process.pid).children():
            # One that dies meanwhile is none; nor is one that is not yet the program it will be.
            with suppress(psutil.NoSuchProcess):
                if name in " ".join(child.cmdline()):
                    return child
        return None

    def child(self, name: str) -> psutil.Process:
        return wait_until(lambda: self.find(name), f"a process {name}")

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
