"""Timeouts, cancelling, stopping: what a worker interrupts ends as it should or goes back."""

import asyncio
import threading
import time
from typing import Any

import pytest
from django.utils import timezone

from scheduling import worker as worker_module
from scheduling.ending import cancel
from scheduling.models import Run
from scheduling.states import RunState
from tests.harness.polling import wait_until
from tests.scheduling.parts import again, aside, store
from tests.scheduling.workers import Register, finished, hand_over, performed, working

# What is quick is quick at one of them: the machine may be busy with something else.
TRIES = 5
pytestmark = pytest.mark.django_db(transaction=True)


async def test_a_coroutine_that_takes_too_long_is_cut_off(register: Register) -> None:
    async def hang(run: Run) -> None:
        await asyncio.sleep(60)

    async with working() as worker:
        run = await performed(worker, register(hang), timeout_seconds=0.2)

    assert (run.state, "0.2 seconds" in run.error) == (RunState.FAILED, True)


async def test_a_function_that_takes_too_long_ends_its_run_all_the_same(register: Register) -> None:
    released = threading.Event()

    def hang(run: Run) -> None:
        released.wait(20)

    async with working() as worker:
        run = await performed(worker, register(hang), timeout_seconds=0.2)
        released.set()

    assert (run.state, "0.2 seconds" in run.error) == (RunState.FAILED, True)


async def test_a_timeout_of_the_action_s_own_is_a_failure_like_any_other(
    register: Register,
) -> None:
    async def own(run: Run) -> None:
        raise TimeoutError("the model did not answer")

    async with working() as worker:
        run = await performed(worker, register(own))

    assert run.error == "TimeoutError: the model did not answer"


async def test_a_cancelled_run_stops_within_a_second(register: Register) -> None:
    interrupted = asyncio.Event()
    begun = asyncio.Event()

    async def hang(run: Run) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            interrupted.set()

    name, took = register(hang), float("inf")
    async with working() as worker:
        for _ in range(TRIES):
            begun.clear()
            interrupted.clear()
            run = await aside(lambda: store(action=name))
            await hand_over(worker)
            await asyncio.wait_for(begun.wait(), 10)
            asked = time.monotonic()
            assert await aside(cancel_now, run)
            await asyncio.wait_for(interrupted.wait(), 10)
            took = min(took, time.monotonic() - asked)
            (stored,) = await finished(run)
            assert (stored.state, stored.error) == (RunState.CANCELLED, "Cancelled.")
            if took < 1:
                break

    assert took < 1


def cancel_now(run: Run) -> bool:
    return cancel(run, now=timezone.now())


async def test_a_stop_lets_finish_what_ends_within_the_grace(
    register: Register, settings: Any
) -> None:
    settings.BOTFLOW_STOP_GRACE = 5
    begun = asyncio.Event()

    async def soon(run: Run) -> str:
        begun.set()
        await asyncio.sleep(0.3)
        return "done"

    run = await aside(lambda: store(action=register(soon)))
    async with working() as worker:
        await hand_over(worker)
        await asyncio.wait_for(begun.wait(), 10)

    stored = await aside(again, run)
    assert (stored.state, stored.result) == (RunState.SUCCEEDED, "done")


async def test_a_stop_gives_back_what_does_not_end(register: Register, settings: Any) -> None:
    settings.BOTFLOW_STOP_GRACE = 0.1
    begun = asyncio.Event()

    async def hang(run: Run) -> None:
        begun.set()
        await asyncio.sleep(60)

    run = await aside(lambda: store(action=register(hang)))
    async with working() as worker:
        await hand_over(worker)
        await asyncio.wait_for(begun.wait(), 10)

    stored = await aside(again, run)
    assert (stored.state, stored.attempt, stored.max_attempts) == (RunState.PENDING, 1, 2)
    assert stored.lease_expires_at is None


async def test_a_lease_is_kept_through_a_grace_that_is_longer(
    register: Register, settings: Any
) -> None:
    settings.BOTFLOW_STOP_GRACE, settings.BOTFLOW_LEASE = 10, 2
    begun, released = asyncio.Event(), asyncio.Event()

    async def hang(run: Run) -> None:
        begun.set()
        await released.wait()

    run = await aside(lambda: store(action=register(hang)))
    async with working() as worker:
        await hand_over(worker)
        await asyncio.wait_for(begun.wait(), 10)
        first = (await aside(again, run)).lease_expires_at
        worker.stopping.set()
        deadline = time.monotonic() + 5
        while (await aside(again, run)).lease_expires_at <= first:
            assert time.monotonic() < deadline, "The lease is not renewed."
            await asyncio.sleep(0.05)
        released.set()

    assert (await aside(again, run)).state == RunState.SUCCEEDED


async def test_a_run_that_was_lost_to_another_is_dropped_here(
    register: Register, settings: Any
) -> None:
    settings.BOTFLOW_LEASE = 2
    begun, interrupted = asyncio.Event(), asyncio.Event()

    async def hang(run: Run) -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        finally:
            interrupted.set()

    run = await aside(lambda: store(action=register(hang)))
    async with working() as worker:
        await hand_over(worker)
        await asyncio.wait_for(begun.wait(), 10)
        await aside(lambda: Run.objects.filter(pk=run.pk).update(attempt=2, worker="another"))
        await asyncio.wait_for(interrupted.wait(), 10)

    stored = await aside(again, run)
    assert (stored.state, stored.attempt, stored.worker) == (RunState.RUNNING, 2, "another")


async def test_an_action_that_blocks_the_loop_is_named_in_the_log(
    register: Register,
    settings: Any,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    settings.BOTFLOW_LEASE = 2
    monkeypatch.setattr(worker_module, "STALL_WARNING", 0.1)
    monkeypatch.setattr(worker_module, "BEAT_EVERY", 0.02)

    async def block_the_loop(run: Run) -> None:
        wait_until(lambda: "must not block" in caplog.text, "the log to say so", 10)

    async with working() as worker:
        run = await performed(worker, register(block_the_loop))

    assert run.state == RunState.SUCCEEDED
    assert "must not block" in caplog.text
    assert "block_the_loop" in caplog.text
