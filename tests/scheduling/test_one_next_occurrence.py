"""Whatever is done to a schedule, in whatever order: enabled it has one next occurrence, else none.

Its count is that of the occurrences that were accepted, and nothing but noticing accepts any.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from hypothesis.stateful import run_state_machine_as_test as run_machine

from scheduling import noticing
from scheduling.models import Run, Schedule
from scheduling.planning import pause, resume, run_now
from scheduling.reconciling import Reconciler
from scheduling.states import FINISHED, RunState
from tests.scheduling.schedule_parts import NOON, Clock, finish, make, reconcile

pytestmark = pytest.mark.django_db

TRIGGERS = [
    {"kind": "cron", "expression": "* * * * *"},
    {"kind": "cron", "expression": "*/10 * * * * *", "max_runs": 7},
    {"kind": "cron", "expression": "* * * * *", "end_at": NOON + timedelta(minutes=9)},
    {"kind": "interval", "every": timedelta(seconds=45)},
    {"kind": "interval", "every": timedelta(seconds=45), "start_at": NOON + timedelta(minutes=5)},
    {"kind": "once", "at": NOON + timedelta(minutes=4)},
    {"kind": "once", "at": NOON + timedelta(hours=9)},
]
EMPTY = {"at": None, "every": None, "expression": "", "start_at": None, "end_at": None}


class Rollback(Exception):
    """Ends the transaction of one example."""


class Life(RuleBasedStateMachine):
    """One schedule and what may happen to it, on a clock that goes forward by seconds or hours."""

    clock: Clock

    def __init__(self) -> None:
        super().__init__()
        self.clock.moment = NOON
        self.atomic = transaction.atomic()
        self.atomic.__enter__()
        self.watching = Reconciler()
        reconcile(self.watching)
        self.schedule = make(created_at=NOON)

    def teardown(self) -> None:
        self.atomic.__exit__(Rollback, Rollback(), None)

    @rule(seconds=st.sampled_from([0, 1, 10, 59, 60, 61, 600, 7200]))
    def wait(self, seconds: int) -> None:
        self.clock.forward(seconds)

    @rule()
    def notice(self) -> None:
        noticing.notice(now=self.clock.moment)

    @rule()
    def finish(self) -> None:
        finish(self.schedule)

    @rule()
    def begin(self) -> None:
        first = Run.objects.pending().filter(is_next=False, fire_at__lte=self.clock.moment).first()
        if first and not Run.objects.running().filter(key=first.key).exists():
            Run.objects.filter(pk=first.pk).update(
                state=RunState.RUNNING, attempt=1, lease_expires_at=self.clock.moment
            )

    @rule(
        trigger=st.sampled_from(TRIGGERS),
        misfire=st.sampled_from(["run_once", "skip", "run_all"]),
        overlap=st.sampled_from(["skip", "queue", "allow"]),
        jitter=st.sampled_from([0, 0, 20]),
        is_fresh=st.booleans(),
    )
    def edit(self, trigger: dict[str, Any], is_fresh: bool, jitter: int, **policies: str) -> None:
        if trigger.get("at", self.clock.moment) < self.clock.moment:
            return
        schedule = Schedule.objects.get(pk=self.schedule.pk) if is_fresh else self.schedule
        for name, value in {**EMPTY, "max_runs": None, **trigger, **policies}.items():
            setattr(schedule, name, value)
        schedule.jitter_seconds = jitter
        if schedule.at != self.clock.moment:
            before = self.accepted
            schedule.save()
            assert self.accepted == before
            self.schedule = schedule

    @rule(name=st.sampled_from("abc"), is_fresh=st.booleans())
    def rename(self, name: str, is_fresh: bool) -> None:
        if is_fresh:
            self.schedule = Schedule.objects.get(pk=self.schedule.pk)
        stored = Schedule.objects.get(pk=self.schedule.pk)
        self.schedule.name = name
        before = list(self.runs.values("fire_at", "state", "is_next"))
        if self.schedule.at is None or stored.at == self.schedule.at:
            self.schedule.save()
            assert list(self.runs.values("fire_at", "state", "is_next")) == before

    @rule()
    def pause(self) -> None:
        pause(self.schedule, now=self.clock.moment)

    @rule()
    def resume(self) -> None:
        before = self.accepted
        resume(self.schedule, now=self.clock.moment)
        assert self.accepted == before

    @rule(enabled=st.booleans())
    def set_enabled(self, enabled: bool) -> None:
        self.schedule = Schedule.objects.get(pk=self.schedule.pk)
        self.schedule.enabled = enabled
        self.schedule.save()

    @rule()
    def run_now(self) -> None:
        run_now(self.schedule, now=self.clock.moment, by="ann")

    @rule(is_start=st.booleans())
    def reconcile(self, is_start: bool) -> None:
        before = list(Run.objects.order_by("pk").values("pk", "fire_at", "state"))
        reconcile(None if is_start else self.watching)
        assert list(Run.objects.order_by("pk").values("pk", "fire_at", "state")) == before

    @precondition(lambda self: self.clock.moment > NOON + timedelta(minutes=10))
    @rule(in_bulk=st.booleans())
    def delete_and_begin_anew(self, in_bulk: bool) -> None:
        pk, kept = self.schedule.pk, set(self.runs.filter(state__in=FINISHED).values_list("pk"))
        (Schedule.objects.filter(pk=pk) if in_bulk else Schedule.objects.get(pk=pk)).delete()
        assert not Run.objects.pending().exists()
        assert kept <= set(Run.objects.filter(schedule=None).values_list("pk"))
        Run.objects.all().delete()
        self.schedule = make(created_at=self.clock.moment)

    @property
    def runs(self) -> Any:
        return Run.objects.filter(schedule=self.schedule.pk).order_by("fire_at")

    @property
    def accepted(self) -> list[int]:
        return list(Run.objects.unfinished().order_by("pk").values_list("pk", flat=True))

    @invariant()
    def it_has_one_next_occurrence_if_it_is_enabled(self) -> None:
        schedule = Schedule.objects.get(pk=self.schedule.pk)
        heads = list(Run.objects.next_occurrences().filter(schedule=schedule))
        assert len(heads) == schedule.enabled
        assert not (schedule.enabled and schedule.finished_at)
        for head in heads:
            assert head.state == RunState.PENDING
            assert schedule.trigger.next_after(head.fire_at - timedelta.resolution) == head.fire_at
            earlier = self.runs.filter(is_next=False, requested_by="").last()
            assert earlier is None or earlier.fire_at < head.fire_at

    @invariant()
    def its_count_is_that_of_its_accepted_occurrences(self) -> None:
        accepted = self.runs.filter(is_next=False, requested_by="").exclude(state=RunState.SKIPPED)
        assert Schedule.objects.get(pk=self.schedule.pk).run_count == accepted.count()


@pytest.fixture
def life(clock: Clock) -> Iterator[type[Life]]:
    Life.clock = clock
    yield Life
    del Life.clock


def test_it_has_exactly_one_while_it_is_enabled(life: type[Life]) -> None:
    checks = [HealthCheck.too_slow, HealthCheck.function_scoped_fixture]
    run_machine(
        life,
        settings=settings(
            max_examples=40,
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=checks,
            # Without shrinking, which takes minutes here.
            phases=(Phase.generate,),
        ),
    )
