"""The queue through django-q2's broker interface: its pusher, its status, its `async_task`."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import psycopg
import pytest
from django.db import OperationalError, connection
from django.utils import timezone
from django_q.brokers import get_broker
from django_q.conf import Conf
from django_q.signing import SignedPackage
from django_q.status import Stat
from django_q.tasks import async_task

from scheduling import broker as broker_module
from scheduling import clock, performing
from scheduling.actions import submit
from scheduling.broker import FireTimeBroker
from scheduling.models import ClusterStatus, Run
from scheduling.states import RunState
from tests.scheduling.parts import (
    again,
    begin,
    store,
    store_many,
    store_running,
    with_own_connection,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def broker() -> Iterator[FireTimeBroker]:
    one = get_broker()
    yield one
    one._forget_connections()


def first_dequeue(broker: FireTimeBroker) -> None:
    """Let the broker hang up its bell; from then on it sleeps."""
    assert broker.dequeue() == []


def shortest(measure: Callable[[], float], wanted: float, tries: int = 10) -> float:
    """Return the first duration below `wanted`, else the least: the machine may be busy."""
    durations: list[float] = []
    while len(durations) < tries and min(durations, default=wanted) >= wanted:
        durations.append(measure())
    return min(durations)


def delay_until_dequeued(broker: FireTimeBroker, cause: Callable[[], Any]) -> float:
    """Return the seconds from `cause`, in a thread, to the dequeue that it woke."""
    first_dequeue(broker)
    moments: list[float] = []

    def ring() -> None:
        moments.append(time.monotonic())
        with_own_connection(cause)

    timer = threading.Timer(0.15, ring)
    timer.start()
    deadline = time.monotonic() + 10
    while not (tasks := broker.dequeue()):
        assert time.monotonic() < deadline
    woke = time.monotonic()
    timer.join()
    assert len(tasks) == 1
    return woke - moments[0]


def test_the_configured_broker_is_ours(broker: FireTimeBroker) -> None:
    assert type(broker) is FireTimeBroker
    assert broker.ping()
    assert connection.vendor in broker.info()


def test_a_due_run_is_dequeued_as_a_signed_task_that_names_it(broker: FireTimeBroker) -> None:
    run = store(fire_at=timezone.now(), attempt=2, losses=1)

    ((ack_id, signed),) = broker.dequeue()

    task = SignedPackage.loads(signed)
    assert ack_id == run.pk
    assert tuple(task["args"]) == (run.pk, 2, 1)
    assert again(run).state == RunState.RUNNING
    assert again(run).cluster == broker.cluster


def test_runs_are_dequeued_nearest_fire_time_first(broker: FireTimeBroker) -> None:
    now = timezone.now()
    late, early = store(fire_at=now), store(fire_at=now - timedelta(seconds=5))

    assert [pk for pk, _ in broker.dequeue()] == [early.pk, late.pk]


def test_no_more_is_dequeued_than_the_workers_have_room_for(broker: FireTimeBroker) -> None:
    broker.capacity = 3
    store_many(10, fire_at=timezone.now())

    assert len(broker.dequeue()) == 3
    assert broker.dequeue() == []


def test_lost_runs_are_rescued_on_the_way(broker: FireTimeBroker) -> None:
    run = store_running(max_attempts=2)  # its lease ended long ago

    assert [pk for pk, _ in broker.dequeue()] == [run.pk]
    assert again(run).losses == 1


@pytest.mark.django_db(transaction=True)
def test_an_idle_broker_sleeps_for_a_second_and_no_longer(broker: FireTimeBroker) -> None:
    def nap() -> float:
        first_dequeue(broker)
        started = time.monotonic()
        assert broker.dequeue() == []
        return time.monotonic() - started

    assert 0.8 < shortest(nap, 1.5) < 1.5


@pytest.mark.django_db(transaction=True)
def test_a_run_submitted_elsewhere_wakes_the_broker_at_once(broker: FireTimeBroker) -> None:
    def delay() -> float:
        return delay_until_dequeued(broker, lambda: submit("tests.nothing"))

    assert shortest(delay, 0.1) < 0.1


@pytest.mark.django_db(transaction=True)
def test_a_row_written_without_a_bell_is_noticed(broker: FireTimeBroker) -> None:
    """At once on SQLite; PostgreSQL tells nobody, so there the longest sleep bounds the delay."""
    limit = 0.1 if connection.vendor == "sqlite" else 1.2

    def delay() -> float:
        return delay_until_dequeued(
            broker, lambda: Run.objects.create(action="a", fire_at=timezone.now())
        )

    assert shortest(delay, limit) < limit


@pytest.mark.django_db(transaction=True)
def test_a_delayed_run_is_dequeued_at_its_moment(broker: FireTimeBroker) -> None:
    def lateness() -> float:
        # The queue's time: on PostgreSQL it is some milliseconds off this process's own.
        fire_at = clock.now() + timedelta(seconds=0.4)
        submit("tests.nothing", fire_at=fire_at)
        while not broker.dequeue():
            pass
        return (clock.now() - fire_at).total_seconds()

    assert 0 <= shortest(lateness, 0.1) < 0.1


# -- without a database ----------------------------------------------------------------------------


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_does_not_escape_and_the_broker_goes_on_after(
    broker: FireTimeBroker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    first_dequeue(broker)
    run = store(fire_at=timezone.now())

    def away(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("the database is away")

    with monkeypatch.context() as patch:
        patch.setattr(broker_module.claiming, "claim", away)
        assert broker.dequeue() == []
        assert broker.dequeue() == []

    assert [pk for pk, _ in broker.dequeue()] == [run.pk]
    assert "the database is away" in caplog.text


@pytest.mark.django_db(transaction=True)
def test_a_broken_bell_does_not_escape_and_is_replaced(broker: FireTimeBroker) -> None:
    first_dequeue(broker)
    assert broker._bell is not None
    break_bell(broker)

    assert broker.dequeue() == []

    run = store(fire_at=timezone.now())
    assert [pk for pk, _ in broker.dequeue()] == [run.pk]


def break_bell(broker: FireTimeBroker) -> None:
    if connection.vendor == "postgresql":
        pid = broker._bell.connection.info.backend_pid  # type: ignore[union-attr]
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s)", [pid])
    else:
        connection.ensure_connection()
        connection.connection.close()


@pytest.mark.django_db(transaction=True)
def test_a_bell_that_cannot_be_hung_up_does_not_escape(
    broker: FireTimeBroker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*args: Any, **kwargs: Any) -> Any:
        error = psycopg.OperationalError if connection.vendor == "postgresql" else OSError
        raise error("no bell today")

    with monkeypatch.context() as patch:
        patch.setattr("psycopg.connect", refuse)
        patch.setattr("os.mkfifo", refuse)
        assert broker.dequeue() == []

    assert "no bell today" in caplog.text
    first_dequeue(broker)


def test_a_status_that_cannot_be_stored_is_no_error(
    broker: FireTimeBroker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*args: Any, **kwargs: Any) -> Any:
        raise OperationalError("the database is away")

    monkeypatch.setattr(ClusterStatus.objects, "update_or_create", away)
    monkeypatch.setattr(ClusterStatus.objects, "filter", away)
    monkeypatch.setattr(connection, "close", lambda: None)

    broker.set_stat("a", "b", 3)
    broker.remove_stat("a")


# -- sizes, deleting, status -----------------------------------------------------------------------


def test_the_queue_size_is_what_is_due_and_the_lock_size_what_runs(broker: FireTimeBroker) -> None:
    store_many(3, fire_at=timezone.now())
    store(fire_at=timezone.now() + timedelta(hours=1))
    store_running()

    assert (broker.queue_size(), broker.lock_size()) == (3, 1)


def test_only_what_waits_is_deleted(broker: FireTimeBroker) -> None:
    waiting, other, running = store(), store(), store_running()

    broker.delete(waiting.pk)
    broker.delete(running.pk)
    assert set(Run.objects.all()) == {other, running}

    broker.purge_queue()
    assert list(Run.objects.all()) == [running]


def test_acknowledging_and_failing_leave_the_run_to_its_worker(broker: FireTimeBroker) -> None:
    run = store_running()

    broker.acknowledge(run.pk)
    broker.fail(run.pk)

    assert again(run).state == RunState.RUNNING


def sentinel(broker: FireTimeBroker, cluster_id: str = "c1") -> Any:
    return SimpleNamespace(
        broker=broker,
        parent_pid=1,
        pid=2,
        cluster_id=cluster_id,
        tob=timezone.now(),
        reincarnations=0,
        status=lambda: Conf.IDLE,
        monitor=None,
        pusher=None,
        pool=[],
        task_queue=SimpleNamespace(qsize=lambda: 0),
        result_queue=SimpleNamespace(qsize=lambda: 0),
    )


def test_a_cluster_is_seen_through_its_status(broker: FireTimeBroker) -> None:
    Stat(sentinel(broker)).save()

    assert Stat.get(pid=1, cluster_id="c1", broker=broker).status == Conf.IDLE
    assert [stat.cluster_id for stat in Stat.get_all(broker=broker)] == ["c1"]

    broker.remove_stat(Stat.get_key("c1"))
    assert Stat.get_all(broker=broker) == []
    assert Stat.get(pid=1, cluster_id="c1", broker=broker).status == Conf.STOPPED


def test_a_cluster_that_fell_silent_does_not_count_as_alive(broker: FireTimeBroker) -> None:
    Stat(sentinel(broker)).save()

    ClusterStatus.objects.update(seen_at=timezone.now() - timedelta(seconds=60))

    assert Stat.get_all(broker=broker) == []


def test_the_status_is_stored_every_two_seconds_at_most(broker: FireTimeBroker) -> None:
    broker.set_stat("a", "first", 3)
    broker.set_stat("a", "second", 3)

    assert broker.get_stat("a") == "first"


# -- async_task ------------------------------------------------------------------------------------


def join(*words: str, end: str = "") -> str:
    return " ".join(words) + end


async def answer() -> int:
    return 42


def perform(run: Run) -> performing.Ending:
    """Call the action of a run that has begun as a worker does."""
    with ThreadPoolExecutor(1) as threads:
        return asyncio.run(performing.perform(run, threads=threads, reason=lambda: ""))


def queued() -> Run:
    return Run.objects.get(action="django_q.task")


def test_a_task_of_django_q_is_queued_as_a_run_and_performed() -> None:
    async_task(f"{__name__}.join", "so", "it", end="!")

    ending = perform(begin(queued()))

    assert (ending.state, ending.result) == (RunState.SUCCEEDED, "so it!")


@pytest.mark.parametrize(("function", "result"), [(join, ""), (answer, 42)])
def test_a_task_may_be_a_function_itself_sync_or_async(function: Any, result: Any) -> None:
    async_task(function)

    assert perform(begin(queued())).result == result


def test_a_task_with_a_foreign_signature_fails_for_good() -> None:
    run = submit("django_q.task", {"task": "forged:abc:def"}, max_attempts=5)

    ending = perform(begin(run))

    assert (ending.state, ending.retry_at) == (RunState.FAILED, None)
    assert "signature" in ending.error


@pytest.mark.parametrize("function", ["nowhere.to_be_found", "os.no_such_name", "nonsense"])
def test_a_task_without_its_function_fails_for_good(function: str) -> None:
    async_task(function)

    ending = perform(begin(queued()))

    assert ending.state == RunState.FAILED
    assert "not to be found" in ending.error


def test_a_task_that_asks_for_what_is_not_done_here_says_so() -> None:
    async_task(join, hook="os.getpid")

    ending = perform(begin(queued()))

    assert ending.error == "Not supported for a task: hook."
