"""The commands of Django, daphne and django-q2 make the same site, from the environment alone."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.harness.environment import ROOT
from tests.harness.polling import free_port, wait_until
from tests.site.start_process import environment, is_healthy, say

BIN = Path(sys.executable).parent
Processes = list[subprocess.Popen[bytes]]


@pytest.fixture
def processes() -> Iterator[Processes]:
    started: Processes = []
    yield started
    for process in started:
        process.terminate()
    for process in started:
        process.wait(timeout=30)


def test_migrate_daphne_and_qcluster_are_a_site(tmp_path: Path, processes: Processes) -> None:
    port, folder = free_port(), tmp_path / "data"
    env = environment(BOTFLOW_DATA_DIR=str(folder), DJANGO_SETTINGS_MODULE="")
    del env["DJANGO_SETTINGS_MODULE"]
    python, daphne = str(BIN / "python"), str(BIN / "daphne")
    subprocess.run([python, "manage.py", "migrate", "-v", "0"], cwd=ROOT, env=env, check=True)

    web = [daphne, "-b", "127.0.0.1", "-p", str(port), "botflow_site.asgi:application"]
    for command in (web, [python, "manage.py", "qcluster"]):
        processes.append(subprocess.Popen(command, cwd=ROOT, env=env))
    wait_until(lambda: is_healthy(port), "a healthy site", 30)

    assert say(port, "plain commands") == "plain commands"
    for process in processes:
        process.terminate()
    assert [process.wait(timeout=30) for process in processes] == [0, 0]
