"""Runs `manage.py` very often: forks one process that has the libraries loaded, but no settings.

As a program it reads one JSON object a line, `{"arguments": […], "environment": {…}}`, and writes
one back: `{"returncode": …, "stdout": "…", "stderr": "…"}`.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import subprocess
import sys
import tempfile
import traceback
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
# What takes long to import and reads no settings while it is imported.
LIBRARIES = ["aiohttp", "channels.layers", "cronsim", "django.contrib.admin", "django.db.models"]
LIBRARIES += ["django.core.management.commands.check", "environ", "markdown_it", "nh3", "psutil"]
LIBRARIES += ["prometheus_client", "pydantic", "redis.asyncio", "structlog", "wechatpy.crypto"]


class Forks:
    """The process that forks; each `manage` is one fork of it."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def manage(
        self, environment: dict[str, str], *arguments: str
    ) -> subprocess.CompletedProcess[str]:
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin and stdout
        stdin.write(json.dumps({"arguments": arguments, "environment": environment}) + "\n")
        stdin.flush()
        answer = json.loads(stdout.readline())
        return subprocess.CompletedProcess(arguments, **answer)

    def close(self) -> None:
        self._process.communicate(timeout=60)


def fork(arguments: list[str], environment: dict[str, str]) -> dict[str, Any]:
    """Run `manage.py` in a fork with exactly this environment."""
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as errors:
        pid = os.fork()
        if pid == 0:
            os.dup2(out.fileno(), 1)
            os.dup2(errors.fileno(), 2)
            os._exit(run(arguments, environment))
        _, status = os.waitpid(pid, 0)
        texts = []
        for file in (out, errors):
            file.seek(0)
            texts.append(file.read())
    code = os.waitstatus_to_exitcode(status)
    return {"returncode": code, "stdout": texts[0], "stderr": texts[1]}


def run(arguments: list[str], environment: dict[str, str]) -> int:
    """Be `manage.py`, and return what it would exit with."""
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["manage.py", *arguments]
    code = 0
    try:
        runpy.run_path(str(ROOT / "manage.py"), run_name="__main__")
    except SystemExit as ending:
        if isinstance(ending.code, str):
            print(ending.code, file=sys.stderr)
        code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    except Exception:  # noqa: BLE001  Boundary: what Python itself does at the end of a program.
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def main() -> None:
    sys.path.insert(0, str(ROOT))
    for name in LIBRARIES:
        importlib.import_module(name)
    for line in sys.stdin:
        wanted = json.loads(line)
        sys.stdout.write(json.dumps(fork(wanted["arguments"], wanted["environment"])) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
