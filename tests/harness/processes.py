"""Processes that tests start, each with a group of its own by which all can be found and ended."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import psutil

from tests.harness.environment import ROOT
from tests.harness.polling import wait_until


class Group:
    """A process with all of its descendants, orphans included: they stay in its process group."""

    def __init__(self, command: list[str], env: dict[str, str], log: Path) -> None:
        self.log = log
        with log.open("ab") as output:
            self.main = subprocess.Popen(
                command, cwd=ROOT, env=env, stdout=output, stderr=output, start_new_session=True
            )
        self.pid = self.main.pid

    def processes(self) -> list[psutil.Process]:
        """Return those that live; a zombie does not."""
        return [process for process in psutil.process_iter() if self._is_mine(process)]

    def _is_mine(self, process: psutil.Process) -> bool:
        try:
            mine = os.getpgid(process.pid) == self.pid
            return mine and process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, ProcessLookupError):
            return False

    def is_gone(self) -> bool:
        self.main.poll()
        return not self.processes()

    def terminate(self, *, whole_group: bool = False, seconds: float = 20) -> int:
        """Send SIGTERM and return the exit code; fail unless every process is gone in `seconds`."""
        if whole_group:
            os.killpg(self.pid, signal.SIGTERM)
        else:
            self.main.terminate()
        code = self.main.wait(seconds)
        wait_until(self.is_gone, "the children to be gone", 5)
        return code

    def kill_all(self) -> None:
        """End every process of the group, whatever state it is in."""
        deadline = time.monotonic() + 10
        while True:
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self.pid, signal.SIGKILL)
            self.main.poll()
            if self.is_gone():
                break
            assert time.monotonic() < deadline, f"Cannot end {self.processes()}"
            time.sleep(0.01)
        self.main.wait(5)

    def last_words(self, characters: int = 6000) -> str:
        return self.log.read_text(errors="replace")[-characters:]


class Cluster(Group):
    """A `manage.py qcluster` and its children, which tell their roles by their titles."""

    def role(self, role: str) -> list[psutil.Process]:
        """Return the processes of a role: main, sentinel, pusher or worker."""
        return [process for process in self.processes() if _title(process, role)]

    def one(self, role: str) -> psutil.Process:
        return wait_until(lambda: self.role(role), f"a {role} to appear")[0]

    def kill(self, role: str) -> psutil.Process:
        """kill -9 the first process of a role; return it once it is gone."""
        process = self.one(role)
        process.kill()
        if process.pid == self.pid:
            self.main.wait(5)
        else:
            wait_until(lambda: _is_dead(process), f"the {role} to be gone", 5)
        return process

    def is_complete(self, workers: int = 1) -> bool:
        counts = {role: len(self.role(role)) for role in ("main", "sentinel", "pusher", "worker")}
        return counts == {"main": 1, "sentinel": 1, "pusher": 1, "worker": workers}


def _is_dead(process: psutil.Process) -> bool:
    try:
        return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def _title(process: psutil.Process, role: str) -> bool:
    try:
        words = " ".join(process.cmdline()).split()
    except psutil.Error:
        return False
    return bool(words) and words[0] == "qcluster" and role in words
