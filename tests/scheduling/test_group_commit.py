"""Group commit: a burst of writes in few transactions, each caller with its own outcome."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from django.db.backends.base.base import BaseDatabaseWrapper

from scheduling import group_commit as group_commit_module
from scheduling.group_commit import GroupCommit, group_commit
from scheduling.models import Tally
from tests.scheduling.parts import aside

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def commit() -> AsyncIterator[GroupCommit]:
    one = GroupCommit(name="test", patience=5)
    yield one
    await asyncio.to_thread(one.close)


@pytest.fixture
def transactions(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The transactions that were committed from now on."""
    found: list[str] = []
    real = BaseDatabaseWrapper.commit

    def count(self: BaseDatabaseWrapper) -> None:
        found.append("commit")
        real(self)

    monkeypatch.setattr(BaseDatabaseWrapper, "commit", count)
    return found


def write(names: list[str]) -> list[str]:
    Tally.objects.bulk_create(Tally(metric=name) for name in names)
    return [name.upper() for name in names]


def picky(names: list[str]) -> list[str]:
    written = write(names)
    if any(name.startswith("bad") for name in names):
        raise LookupError(names)
    return written


async def stored() -> list[str]:
    return await aside(lambda: list(Tally.objects.order_by("pk").values_list("metric", flat=True)))


async def test_a_burst_takes_few_transactions_and_each_caller_gets_its_result(
    commit: GroupCommit, transactions: list[str]
) -> None:
    names = [f"name {number}" for number in range(300)]

    results = await asyncio.gather(*[commit(write, name) for name in names])

    assert results == [name.upper() for name in names]
    assert await stored() == names
    assert 0 < len(transactions) <= 5


async def test_a_lone_write_is_committed_when_it_returns(commit: GroupCommit) -> None:
    assert await commit(write, "alone") == "ALONE"

    assert await stored() == ["alone"]


async def test_different_writes_share_a_transaction_where_there_is_one_writer(
    commit: GroupCommit, transactions: list[str]
) -> None:
    def other(names: list[str]) -> list[int]:
        return [len(name) for name in names]

    results = await asyncio.gather(commit(write, "a"), commit(other, "four"), commit(write, "b"))

    assert results == ["A", 4, "B"]
    # Where rows are locked one by one, each write keeps the order of its own locks.
    assert len(transactions) == (1 if connection.vendor == "sqlite" else 2)


async def test_one_bad_item_fails_alone(commit: GroupCommit) -> None:
    names = ["a", "bad", "b"]

    results = await asyncio.gather(*[commit(picky, n) for n in names], return_exceptions=True)

    assert [results[0], results[2]] == ["A", "B"]
    assert isinstance(results[1], LookupError)
    assert await stored() == ["a", "b"]


async def test_a_result_that_is_an_exception_is_raised_to_its_caller_alone(
    commit: GroupCommit, transactions: list[str]
) -> None:
    def refuse_some(names: list[str]) -> list[Any]:
        written = write(names)
        return [KeyError(n) if n == "b" else w for n, w in zip(names, written, strict=True)]

    results = await asyncio.gather(
        *[commit(refuse_some, name) for name in "abc"], return_exceptions=True
    )

    assert [results[0], results[2]] == ["A", "C"]
    assert isinstance(results[1], KeyError)
    assert len(transactions) == 1


async def test_a_write_that_answers_for_too_few_fails_and_leaves_nothing(
    commit: GroupCommit,
) -> None:
    with pytest.raises(ValueError, match="zip"):
        await commit(lambda names: write(names)[:-1], "a")

    assert await stored() == []


async def test_a_database_that_is_away_is_asked_again(commit: GroupCommit) -> None:
    calls: list[list[str]] = []

    def shaky(names: list[str]) -> list[str]:
        calls.append(names)
        written = write(names)
        if len(calls) <= 2:
            raise OperationalError("away")
        return written

    results = await asyncio.gather(*[commit(shaky, name) for name in "abc"])

    assert results == ["A", "B", "C"]
    assert calls == [["a", "b", "c"]] * 3
    assert await stored() == ["a", "b", "c"]


async def test_patience_ends_once_for_all_of_a_batch() -> None:
    commit = GroupCommit(name="test", patience=0.3)
    calls: list[list[str]] = []

    def away(names: list[str]) -> list[str]:
        calls.append(names)
        raise OperationalError("away")

    results = await asyncio.gather(*[commit(away, n) for n in "abcde"], return_exceptions=True)

    assert [type(result) for result in results] == [OperationalError] * 5
    assert all(len(names) == 5 for names in calls)
    assert await commit(write, "next") == "NEXT"
    await asyncio.to_thread(commit.close)


async def test_a_caller_that_is_cancelled_leaves_the_others(commit: GroupCommit) -> None:
    callers = [asyncio.create_task(commit(write, name)) for name in "abc"]
    await asyncio.sleep(0)  # each has asked
    callers[1].cancel()

    results = await asyncio.gather(*callers, return_exceptions=True)

    assert [results[0], results[2]] == ["A", "C"]
    assert isinstance(results[1], asyncio.CancelledError)


async def test_what_is_asked_during_a_transaction_goes_into_the_next(
    commit: GroupCommit, transactions: list[str]
) -> None:
    loop, batches = asyncio.get_running_loop(), []
    late: list[asyncio.Task[str]] = []

    def note(names: list[str]) -> list[str]:
        batches.append(names)
        if names == ["first"]:
            asyncio.run_coroutine_threadsafe(ask_more(), loop).result(5)
        return write(names)

    async def ask_more() -> None:
        late.extend(asyncio.create_task(commit(note, name)) for name in "bcd")
        await asyncio.sleep(0)

    await commit(note, "first")
    await asyncio.gather(*late)

    assert batches == [["first"], ["b", "c", "d"]]
    assert len(transactions) == 2


async def test_reads_alone_open_no_transaction(
    commit: GroupCommit, transactions: list[str]
) -> None:
    def look(names: list[str]) -> list[bool]:
        return [connection.in_atomic_block for _ in names]

    seen = await asyncio.gather(*[commit.look(look, name) for name in "abc"])

    assert seen == [False, False, False]
    assert transactions == []


async def test_a_read_beside_the_writes_does_not_wait_for_them(commit: GroupCommit) -> None:
    loop, read_done = asyncio.get_running_loop(), asyncio.Event()

    def slow(names: list[str]) -> list[str]:
        asyncio.run_coroutine_threadsafe(read_done.wait(), loop).result(5)
        return write(names)

    writing = asyncio.create_task(commit(slow, "slow"))
    assert await commit.read(lambda: connection.in_atomic_block) is False
    read_done.set()

    assert await writing == "SLOW"


async def test_an_event_loop_has_one_group_commit() -> None:
    assert group_commit() is group_commit()

    group_commit_module._of_loop.pop(asyncio.get_running_loop()).close()


def test_the_commit_that_is_counted_is_the_one_transactions_use(transactions: list[str]) -> None:
    with transaction.atomic():
        write(["a"])

    assert transactions == ["commit"]
