"""Process names: what is dead is known to be, what cannot be seen is not taken for dead."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from scheduling import processes
from scheduling.processes import identity, is_dead
from tests.harness.environment import ROOT
from tests.harness.polling import wait_until

# A child of child_main that says its pid and then waits for ever, below a parent that waits too.
FAMILY = """
import multiprocessing, os, sys, time
from scheduling.processes import child_main
def child():
    print(os.getpid(), flush=True)
    time.sleep(600)
fork = multiprocessing.get_context("fork")
fork.Process(target=child_main, args=(os.getpid(), {watch}, child)).start()
time.sleep(600)
"""


def started(code: str) -> subprocess.Popen[str]:
    return subprocess.Popen([sys.executable, "-c", code], cwd=ROOT, stdout=-1, text=True)


def test_this_process_has_one_name_and_lives() -> None:
    assert identity() == identity(os.getpid())
    assert not is_dead(identity())


def test_a_process_that_ended_is_dead() -> None:
    child = started("input()")
    name = identity(child.pid)
    assert not is_dead(name)

    child.kill()
    child.communicate()

    assert is_dead(name)


def test_a_zombie_is_dead() -> None:
    child = started("import time; time.sleep(600)")
    name = identity(child.pid)

    child.kill()

    wait_until(lambda: is_dead(name), "the zombie to count as dead", 5)
    assert psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE
    child.communicate()


def test_another_process_with_a_recycled_pid_is_not_the_one_that_had_it() -> None:
    before_it = identity().rpartition("/")[0] + "/1"

    assert is_dead(before_it)


@pytest.mark.parametrize("name", ["", "one/two/three", "host/another node/1/1"])
def test_what_cannot_be_seen_from_here_is_not_called_dead(name: str) -> None:
    assert not is_dead(name)


def test_names_of_two_processes_differ() -> None:
    child = started("input()")

    assert identity(child.pid) != identity()

    child.kill()
    child.communicate()


def test_the_name_fits_its_column(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes.socket, "gethostname", lambda: "h" * 64)
    processes._identity.cache_clear()

    assert len(identity(os.getpid())) <= 120

    processes._identity.cache_clear()


@pytest.mark.parametrize("watch", [True, False])
def test_a_child_dies_with_its_parent(watch: bool) -> None:
    parent = started(FAMILY.format(watch=watch))
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))

    parent.kill()
    parent.wait(5)

    psutil.wait_procs([child], timeout=5)
    assert not child.is_running()
    parent.stdout.close()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_a_child_ignores_what_is_sent_to_its_group(signum: signal.Signals) -> None:
    parent = started(FAMILY.format(watch=True))
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))

    child.send_signal(signum)

    ignored = int(next(line for line in status_of(child.pid) if "SigIgn" in line).split()[1], 16)
    assert ignored >> (signum - 1) & 1
    assert child.is_running()
    parent.kill()
    parent.communicate()
    psutil.wait_procs([child], timeout=5)


def test_a_child_whose_parent_is_gone_already_does_nothing() -> None:
    code = "from scheduling.processes import child_main; child_main(1, True, print, 'ran')"
    lone = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)

    assert (lone.returncode, lone.stdout) == (0, "")


def status_of(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/status").read_text().splitlines()
