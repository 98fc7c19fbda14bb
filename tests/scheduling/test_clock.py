"""The queue's clock: on PostgreSQL the server's, so that a host's wrong clock changes nothing."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.utils import timezone

from scheduling import actions, clock, noticing
from scheduling.attempts import renew, starter
from scheduling.claiming import claim
from scheduling.ending import rescue
from scheduling.models import Run, Schedule
from scheduling.processes import identity
from scheduling.states import RunState
from tests.harness.environment import chosen_database
from tests.scheduling.parts import LEASE, again
from tests.scheduling.schedule_parts import notice_all
from tests.scheduling.workers import Register

pytestmark = pytest.mark.django_db

needs_a_server = pytest.mark.skipif(
    chosen_database() != "postgresql", reason="the processes of SQLite share one clock"
)
real_now, real_time = timezone.now, time.time


class Host:
    """The host's own clock, in the hands of a test."""

    def __init__(self) -> None:
        self.wrong_by = 0.0

    def now(self) -> datetime:
        return real_now() + timedelta(seconds=self.wrong_by)

    def time(self) -> float:
        return real_time() + self.wrong_by


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch, register: Register) -> Iterator[Host]:
    async def nothing(run: Run) -> None: ...

    register(nothing)
    one = Host()
    monkeypatch.setattr(clock, "_reading", None)
    monkeypatch.setattr(timezone, "now", one.now)
    monkeypatch.setattr(time, "time", one.time)
    yield one
    clock._reading = None


def server_time() -> datetime:
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        moment: datetime = cursor.fetchone()[0]
    return moment


WRONG = pytest.mark.parametrize("wrong_by", [-3600.0, -5.0, 5.0, 3600.0])


def take(cluster: str = "one") -> list[Run]:
    """Claim what is due by the queue's clock and start it."""
    claims = claim(now=clock.now(), cluster=cluster, worker=identity(), capacity=99, lease=LEASE)
    return [run for run in starter(identity())(claims) if run] if claims else []


def test_it_is_aware_and_in_utc() -> None:
    assert clock.now().utcoffset() == timedelta()
    assert clock.reckon().utcoffset() == timedelta()


@needs_a_server
@WRONG
def test_it_follows_the_server(host: Host, wrong_by: float) -> None:
    host.wrong_by = wrong_by

    assert abs(clock.now() - server_time()) < timedelta(seconds=0.5)
    assert abs(clock.reckon() - server_time()) < timedelta(seconds=0.5)


@needs_a_server
def test_a_step_of_the_hosts_clock_between_two_readings_changes_nothing(host: Host) -> None:
    clock.now()

    for wrong_by in (-3600.0, 3600.0, 0.0):
        host.wrong_by = wrong_by
        assert abs(clock.now() - server_time()) < timedelta(seconds=0.5)


@needs_a_server
def test_the_server_is_asked_now_and_then_only(
    host: Host, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: object
) -> None:
    moment = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: moment[0])

    with django_assert_num_queries(1):  # type: ignore[operator]
        for _ in range(10):
            clock.now()
    moment[0] += clock.ASK_EVERY + 0.1
    with django_assert_num_queries(1):  # type: ignore[operator]
        for _ in range(10):
            clock.now()


@needs_a_server
@WRONG
def test_what_is_submitted_is_due_at_once(host: Host, wrong_by: float) -> None:
    host.wrong_by = wrong_by

    run = actions.submit("tests.nothing")

    assert [taken.pk for taken in take()] == [run.pk]


@needs_a_server
@WRONG
def test_a_lease_holds_as_long_as_it_says(host: Host, wrong_by: float) -> None:
    actions.submit("tests.nothing")
    host.wrong_by = wrong_by
    [run] = take()

    expires = again(run).lease_expires_at
    assert expires is not None
    assert abs(expires - server_time() - timedelta(seconds=20)) < timedelta(seconds=1)

    # Another host, whose clock is right, finds it held, and so does one that renews it.
    host.wrong_by = 0
    Run.objects.update(worker="elsewhere:1:1")
    assert rescue(now=clock.now()) == []
    assert renew({(run.pk, run.attempt)}, now=clock.now()) == {(run.pk, run.attempt)}


@needs_a_server
@pytest.mark.parametrize("wrong_by", [-90.0, -5.0, 5.0, 90.0])
def test_hosts_with_different_clocks_double_and_lose_no_occurrence(
    host: Host, wrong_by: float
) -> None:
    schedule = Schedule(
        name="tick",
        kind="interval",
        every=timedelta(minutes=1),
        start_at=datetime(2026, 1, 1, 0, 0, 30, tzinfo=UTC),
        action="tests.nothing",
        overlap="allow",
    )
    host.wrong_by = wrong_by
    schedule.save()
    head = schedule.next_run
    assert head is not None
    assert timedelta() < head.fire_at - server_time() <= timedelta(minutes=1)

    # Its moment comes; one host after the other looks, each with its own idea of the time.
    Run.objects.filter(pk=head.pk).update(fire_at=head.fire_at - timedelta(minutes=1))
    for each in (wrong_by, 0.0, -wrong_by, wrong_by):
        host.wrong_by = each
        noticing.notice(now=clock.now())
        notice_all()

    runs = Run.objects.filter(schedule=schedule).order_by("fire_at")
    assert [(run.fire_at, run.state, run.is_next) for run in runs] == [
        (head.fire_at - timedelta(minutes=1), RunState.PENDING, False),
        (head.fire_at, RunState.PENDING, True),
    ]


@needs_a_server
@WRONG
def test_a_one_shot_is_past_or_not_by_the_queues_clock(host: Host, wrong_by: float) -> None:
    host.wrong_by = wrong_by

    schedule = Schedule(
        name="soon",
        kind="once",
        at=server_time() + timedelta(seconds=2),
        action="tests.nothing",
    )
    schedule.save()

    assert schedule.next_run is not None
