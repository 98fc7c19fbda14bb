"""What the processes of a cluster share: a reader that is killed takes nothing along."""

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any

import pytest

from scheduling.shared import STOP, Flag, Pulses, Roster, TaskPipe
from tests.harness.polling import wait_until

fork = get_context("fork")


@pytest.fixture
def pipe() -> Iterator[TaskPipe]:
    one = TaskPipe()
    yield one
    one._reader.close()
    one._writer.close()


def read_all(pipe: TaskPipe, told: Connection) -> None:
    """Tell every task that is read, until STOP."""
    pipe._reader.setblocking(True)
    while (task := pipe.get_nowait()) != STOP:
        told.send(task)
    told.close()


def reader_of(pipe: TaskPipe) -> tuple[BaseProcess, Connection]:
    ours, theirs = fork.Pipe(duplex=False)
    process = fork.Process(target=read_all, args=(pipe, theirs))
    process.start()
    theirs.close()
    return process, ours


def collected(told: Connection) -> list[Any]:
    found = []
    try:
        while told.poll(10):
            found.append(told.recv())
    except EOFError:
        told.close()
        return found
    raise AssertionError("The reader did not end.")


def put_all(pipe: TaskPipe, tasks: list[Any]) -> threading.Thread:
    """Write from a thread: a full pipe waits for readers, and they for whoever hears them."""
    writing = threading.Thread(target=lambda: [pipe.put(task) for task in tasks])
    writing.start()
    return writing


def is_idle(process: BaseProcess) -> bool:
    """Tell whether a process sleeps in the kernel."""
    with open(f"/proc/{process.pid}/stat") as stat:
        return stat.read().rpartition(")")[2].split()[0] == "S"


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_a_reader_that_is_killed_while_idle_leaves_all_to_the_other(pipe: TaskPipe) -> None:
    victim, last_words = reader_of(pipe)
    survivor, told = reader_of(pipe)
    wait_until(lambda: is_idle(victim) and is_idle(survivor), "the readers to be idle")

    os.kill(victim.pid or 0, signal.SIGKILL)
    victim.join(5)
    last_words.close()
    tasks = [{"args": [number, 0, 0], "text": "x" * (number % 900)} for number in range(500)]
    writing = put_all(pipe, [*tasks, STOP])

    assert collected(told) == tasks
    writing.join(5)
    survivor.join(5)
    assert survivor.exitcode == 0


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_each_task_is_read_whole_by_one_reader(pipe: TaskPipe) -> None:
    readers = [reader_of(pipe) for _ in range(3)]
    tasks = [{"args": [number], "text": "文" * 500} for number in range(600)]

    writing = put_all(pipe, [*tasks, STOP, STOP, STOP])
    with ThreadPoolExecutor(3) as pool:
        found = [
            task for some in pool.map(collected, [told for _, told in readers]) for task in some
        ]

    writing.join(5)
    assert sorted(found, key=lambda task: task["args"]) == tasks
    for process, _ in readers:
        process.join(5)


def test_an_empty_pipe_has_nothing_to_give_and_does_not_block(pipe: TaskPipe) -> None:

    with pytest.raises(BlockingIOError):
        pipe.get_nowait()

    assert pipe.empty()
    pipe.put({"args": [1]})
    assert (pipe.qsize(), pipe.empty()) == (1, False)
    assert pipe.get_nowait() == {"args": [1]}


def test_what_is_drained_is_gone(pipe: TaskPipe) -> None:
    for number in range(5):
        pipe.put({"args": [number]})

    pipe.drain()

    assert pipe.empty()


def test_a_full_pipe_makes_the_writer_wait_and_loses_nothing(pipe: TaskPipe) -> None:
    writer = threading.Thread(target=lambda: [pipe.put({"n": n}) for n in range(3000)])
    writer.start()
    found: list[Any] = []

    def read_some() -> bool:
        while not pipe.empty():
            found.append(pipe.get_nowait())
        return len(found) == 3000

    wait_until(read_some, "all tasks to be read")

    writer.join(5)
    assert found == [{"n": n} for n in range(3000)]


@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_flags_pulses_and_rosters_are_seen_across_processes() -> None:
    flag, pulses, roster = Flag(), Pulses(2), Roster(2)

    def change() -> None:
        flag.set()
        pulses.beat(1)
        roster.enter(1, 77)
        roster.enter(1, 78)

    assert not flag.is_set()
    child = fork.Process(target=change)
    child.start()
    child.join(5)

    assert flag.is_set()
    assert pulses.silence(1) < 5 < pulses.silence(0)
    assert (list(roster.pids), roster.replaced) == ([0, 78], 1)


def test_silence_grows_from_beat_to_beat() -> None:
    pulses = Pulses(1)
    pulses.beat(0)
    time.sleep(0.05)
    assert pulses.silence(0) >= 0.05

    moment = time.monotonic()
    pulses.beat(0)

    assert pulses.silence(0) <= time.monotonic() - moment
