"""The worker: many runs at once, each with its own end."""

import asyncio
import threading
import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from scheduling.actions import ActionError, Commit
from scheduling.models import Run, Tally
from scheduling.states import RunState
from tests.harness.polling import eventually
from tests.scheduling.parts import again, aside, store, store_many
from tests.scheduling.workers import Register, finished, hand_over, performed, working

pytestmark = pytest.mark.django_db(transaction=True)


# -- at once ---------------------------------------------------------------------------------------


async def test_two_hundred_waiting_actions_end_together(register: Register, settings: Any) -> None:
    settings.BOTFLOW_CONCURRENCY = 200
    all_are_here = asyncio.Barrier(200)

    async def wait(run: Run) -> None:
        await all_are_here.wait()

    name = register(wait)
    runs = await aside(lambda: store_many(200, action=name))
    async with working() as worker:
        await hand_over(worker)
        ended = await finished(*runs)

    assert {run.state for run in ended} == {RunState.SUCCEEDED}


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
