"""Names processes so that others can tell whether they still live; ties them to a parent."""

import ctypes
import gc
import hashlib
import os
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import psutil

_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def identity(pid: int | None = None) -> str:
    """Return `host/node/pid/start`: unique among all processes that ever ran."""
    return _identity(pid or os.getpid())


@cache
def _identity(pid: int) -> str:
    return f"{socket.gethostname()[:60]}/{_node()}/{pid}/{_started(pid)}"


def is_dead(name: str) -> bool:
    """Tell whether the process is known to be gone; False for one that cannot be seen from here."""
    try:
        _, node, pid, started = name.rsplit("/", 3)
    except ValueError:
        return False
    return node == _node() and _started(int(pid)) != started


@cache
def _node() -> str:
    """Return what two processes share exactly if their process ids mean the same."""
    parts = [socket.gethostname()]
    for path in ("/proc/sys/kernel/random/boot_id", "/proc/self/ns/pid"):
        try:
            parts.append(os.readlink(path) if path.endswith("pid") else Path(path).read_text())
        except OSError:
            parts.append(str(int(psutil.boot_time()) // 60))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:12]


def _started(pid: int) -> str:
    """Return the start of a living process in clock ticks since boot, "" when it is gone.

    From /proc where there is one: psutil adds the boot time, which moves when the clock is set.
    """
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        if sys.platform == "linux":
            return ""
        try:
            return str(int(psutil.Process(pid).create_time()))
        except psutil.Error:
            return ""
    is_zombie = fields[0] in "ZX"
    return "" if is_zombie else fields[19]


def raise_file_limit() -> None:
    """Allow this process as many open files as the system lets it: a socket is one each."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))


def child_main(parent: int, watch: bool, target: Callable[..., None], *args: Any) -> None:
    """Run `target` in a forked child that cannot outlive its parent and ignores group signals.

    django-q2's children do neither: killed parents leave orphans that go on taking tasks, and a
    SIGTERM to the process group cuts them off and leaves the main process hanging for ever.
    `watch` adds a thread for systems without PDEATHSIG; not in a child that forks in its turn.
    """
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if is_orphan(parent):
        return
    if watch:
        threading.Thread(target=_die_with, args=(parent,), daemon=True, name="parent").start()
    # What was loaded before the fork stays: looking through it again and again held up due work
    # by 100 ms.
    gc.freeze()
    target(*args)


def is_orphan(parent: int) -> bool:
    return os.getppid() != parent


def _die_with(parent: int) -> None:
    while not is_orphan(parent):
        time.sleep(1)
    os.kill(os.getpid(), signal.SIGKILL)
