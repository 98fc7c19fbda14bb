"""The worker: many runs at once, each with its own end, and none lost when it stops."""

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from scheduling import actions
from scheduling import worker as worker_module
from scheduling.actions import Action, ActionError, Commit
from scheduling.ending import cancel
from scheduling.models import Run, Tally
from scheduling.shared import STOP, Pulses, TaskPipe
from scheduling.states import FINISHED, RunState
from scheduling.worker import Worker
from tests.harness.polling import eventually
from tests.scheduling.parts import again, aside, store, store_many, take

pytestmark = pytest.mark.django_db(transaction=True)
Register = Callable[..., str]


@pytest.fixture
def register(monkeypatch: pytest.MonkeyPatch) -> Register:
    """Register a function as an action for this test; return the action's name."""

    def register(function: Callable[..., Any]) -> str:
        name = f"tests.{function.__name__}"
        is_async = asyncio.iscoroutinefunction(function)
        action = Action(name, function, name, is_async=is_async)
        monkeypatch.setitem(actions.registry, name, action)
        return name

    return register


@asynccontextmanager
async def working() -> AsyncIterator[Worker]:
    """A worker in this event loop; leaving the block stops it as a cluster does."""
    pipe = TaskPipe()
    one = Worker(pipe, Pulses(1), 0)
    main = asyncio.create_task(one.main())
    try:
        yield one
    finally:
        pipe.put(STOP)
        await asyncio.wait_for(main, 20)
        one.threads.shutdown(wait=False)
        pipe._reader.close()
        pipe._writer.close()


async def hand_over(worker: Worker) -> None:
    """Claim what is due and put it into the worker's pipe, as the pusher does."""

    def push() -> None:
        for claim in take(1000, now=timezone.now()):
            worker.pipe.put({"args": [claim.run, claim.attempt, claim.losses]})

    await aside(push)


async def finished(*runs: Run, seconds: float = 20) -> list[Run]:
    """Wait until all have ended; return them as they are then."""
    keys = [run.pk for run in runs]
    deadline = time.monotonic() + seconds
    while True:
        found = await aside(lambda: list(Run.objects.filter(pk__in=keys).order_by("pk")))
        if all(run.state in FINISHED for run in found):
            return found
        assert time.monotonic() < deadline, [run.state for run in found]
        await asyncio.sleep(0.02)


async def performed(worker: Worker, name: str, **fields: Any) -> Run:
    run = await aside(lambda: store(action=name, **fields))
    await hand_over(worker)
    return (await finished(run))[0]


# -- at once ---------------------------------------------------------------------------------------


async def test_two_hundred_waiting_actions_end_together(register: Register, settings: Any) -> None:
    settings.BOTFLOW_CONCURRENCY = 200

    async def wait(run: Run) -> None:
        await asyncio.sleep(0.5)

    name = register(wait)
    runs = await aside(lambda: store_many(200, action=name))
    async with working() as worker:
        started = time.monotonic()
        await hand_over(worker)
        ended = await finished(*runs)
        took = time.monotonic() - started

    assert {run.state for run in ended} == {RunState.SUCCEEDED}
    assert took < 2


async def test_a_slow_action_does_not_delay_a_quick_one(register: Register) -> None:
    released = asyncio.Event()

    async def slow(run: Run) -> None:
        await released.wait()

    async def quick(run: Run) -> str:
        return "quick"

    slow_run = await aside(lambda: store(action=register(slow)))
    async with working() as worker:
        run = await performed(worker, register(quick))
        assert (await aside(again, slow_run)).state == RunState.RUNNING
        released.set()
        await finished(slow_run)

    assert run.result == "quick"


async def test_no_more_is_taken_than_there_is_room_for(register: Register, settings: Any) -> None:
    settings.BOTFLOW_CONCURRENCY = 3
    at_once: list[int] = []

    async def count(run: Run) -> None:
        at_once.append(sum(1 for held in worker.held.values() if held.run))
        await asyncio.sleep(0.05)

    runs = await aside(lambda: store_many(12, action=register(count)))
    async with working() as worker:
        await hand_over(worker)
        await finished(*runs)

    assert max(at_once) <= 3
    assert len(at_once) == 12


async def test_a_plain_function_runs_in_a_thread(register: Register) -> None:
    def where(run: Run) -> bool:
        return threading.current_thread() is threading.main_thread()

    async with working() as worker:
        run = await performed(worker, register(where))

    assert (run.state, run.result) == (RunState.SUCCEEDED, False)


async def test_runs_suspected_of_killing_their_worker_go_one_at_a_time(register: Register) -> None:
    at_once, most = 0, 0

    async def suspect(run: Run) -> None:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0.05)
        at_once -= 1

    runs = await aside(lambda: store_many(5, action=register(suspect), losses=2))
    async with working() as worker:
        await hand_over(worker)
        await finished(*runs)

    assert most == 1


# -- how a run ends --------------------------------------------------------------------------------


async def test_an_expected_failure_speaks_for_itself(register: Register) -> None:
    async def refuse(run: Run) -> None:
        raise ActionError("No such room.", permanent=True)

    async with working() as worker:
        run = await performed(worker, register(refuse), max_attempts=9)

    assert (run.state, run.error, run.attempt) == (RunState.FAILED, "No such room.", 1)


async def test_an_unexpected_failure_is_tried_again_later(register: Register) -> None:
    async def stumble(run: Run) -> None:
        raise ActionError("Busy.", retry_after=timedelta(hours=1))

    run = await aside(lambda: store(action=register(stumble), max_attempts=2))
    async with working() as worker:
        await hand_over(worker)
        deadline = time.monotonic() + 10
        while not (stored := await aside(again, run)).error:
            assert time.monotonic() < deadline, "The attempt does not end."
            await asyncio.sleep(0.02)

    assert (stored.state, stored.error, stored.attempt) == (RunState.PENDING, "Busy.", 1)
    assert stored.due_at > timezone.now() + timedelta(minutes=59)
    assert stored.fire_at == run.fire_at


@pytest.mark.parametrize("text", ["a\0b", "a\ud800b"], ids=["nul", "lone surrogate"])
async def test_an_error_that_no_database_can_store_is_stored_without_its_fault(
    register: Register, text: str
) -> None:
    async def fail(run: Run) -> None:
        raise ValueError(text)

    async with working() as worker:
        run = await performed(worker, register(fail))

    assert run.state == RunState.FAILED
    assert run.error.startswith("ValueError: a")


async def test_a_result_that_is_not_json_is_kept_as_text(register: Register) -> None:
    async def collect(run: Run) -> set[str]:
        return {"a\0"}

    async with working() as worker:
        run = await performed(worker, register(collect))

    assert (run.state, run.result) == (RunState.SUCCEEDED, repr({"a\0"}))


async def test_an_action_that_awaits_something_cancelled_has_failed(register: Register) -> None:
    async def await_cancelled(run: Run) -> None:
        inner = asyncio.ensure_future(asyncio.sleep(60))
        inner.cancel()
        await inner

    async with working() as worker:
        run = await performed(worker, register(await_cancelled))

    assert run.state == RunState.FAILED
    assert "CancelledError" in run.error


@pytest.mark.parametrize("args", [{"wrong": 1}, [], "text"])
async def test_arguments_that_do_not_fit_fail_for_good(register: Register, args: Any) -> None:
    async def greet(run: Run, *, name: str) -> None:
        raise AssertionError("It was called.")

    async with working() as worker:
        run = await performed(worker, register(greet), args=args, max_attempts=5)

    assert (run.state, run.attempt) == (RunState.FAILED, 1)
    assert run.error.startswith("The arguments")


async def test_an_unknown_action_fails_with_its_name() -> None:
    async with working() as worker:
        run = await performed(worker, "nowhere.known")

    assert (run.state, "'nowhere.known'" in run.error) == (RunState.FAILED, True)


async def test_the_last_write_is_committed_with_the_end_and_then_told(register: Register) -> None:
    told: list[Any] = []

    async def tell(result: Any) -> None:
        told.append(result)

    def write(names: list[str]) -> list[str]:
        Tally.objects.bulk_create(Tally(metric=name) for name in names)
        return [f"wrote {name}" for name in names]

    async def commit(run: Run) -> Commit:
        return Commit(write, "a", then=tell, result=7)

    async with working() as worker:
        run = await performed(worker, register(commit))
        await eventually(lambda: told, "the commit to be told")

    assert (run.result, told) == (7, ["wrote a"])


async def test_a_last_write_that_fails_fails_the_run(register: Register) -> None:
    def write(names: list[str]) -> list[str]:
        Tally.objects.bulk_create(Tally(metric=name) for name in names)
        raise LookupError

    async def commit(run: Run) -> Commit:
        return Commit(write, "a")

    async with working() as worker:
        run = await performed(worker, register(commit))

    assert (run.state, run.error) == (RunState.FAILED, "LookupError")
    assert not await aside(Tally.objects.filter(metric="a").exists)


# -- interrupting ----------------------------------------------------------------------------------


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

    run = await aside(lambda: store(action=register(hang)))
    async with working() as worker:
        await hand_over(worker)
        await asyncio.wait_for(begun.wait(), 10)
        asked = time.monotonic()
        assert await aside(lambda: cancel(run, now=timezone.now()))
        await asyncio.wait_for(interrupted.wait(), 10)
        took = time.monotonic() - asked
        (stored,) = await finished(run)

    assert took < 1
    assert (stored.state, stored.error) == (RunState.CANCELLED, "Cancelled.")


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
        time.sleep(0.6)

    async with working() as worker:
        run = await performed(worker, register(block_the_loop))

    assert run.state == RunState.SUCCEEDED
    assert "must not block" in caplog.text
    assert "block_the_loop" in caplog.text
