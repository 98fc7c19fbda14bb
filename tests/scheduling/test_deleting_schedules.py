"""Deleting: what was done stays on record, what waits is cancelled, what runs goes to its end."""

from collections.abc import Callable

import pytest

from scheduling.attempts import Ending, end
from scheduling.models import Run, Schedule
from scheduling.states import RunState
from tests.scheduling.parts import again
from tests.scheduling.schedule_parts import Clock, finish, make, notice_all

pytestmark = pytest.mark.django_db

Delete = Callable[[Schedule], object]


@pytest.fixture(params=["instance", "queryset"])
def delete(request: pytest.FixtureRequest) -> Delete:
    if request.param == "instance":
        return lambda schedule: schedule.delete()
    return lambda schedule: Schedule.objects.filter(pk=schedule.pk).delete()


def test_the_history_stays_with_its_title(clock: Clock, delete: Delete) -> None:
    schedule = make(name="news")
    clock.forward(60)
    notice_all()
    finish(schedule)

    delete(schedule)

    run = Run.objects.get()
    assert (run.schedule_id, run.title, run.state) == (None, "news", RunState.SUCCEEDED)


def test_what_waits_is_cancelled_and_says_why(clock: Clock, delete: Delete) -> None:
    schedule = make(overlap="allow")
    for _ in range(2):
        clock.forward(60)
        notice_all()

    delete(schedule)

    runs = Run.objects.all()
    assert [run.state for run in runs] == [RunState.CANCELLED] * 2
    assert {run.error for run in runs} == {"Its schedule was deleted."}
    assert {run.finished_at for run in runs} == {clock.moment}


def test_what_runs_goes_on_and_its_end_is_recorded(clock: Clock, delete: Delete) -> None:
    schedule = make()
    clock.forward(60)
    notice_all()
    run = Run.objects.unfinished().get()
    Run.objects.filter(pk=run.pk).update(
        state=RunState.RUNNING, attempt=1, lease_expires_at=clock.moment
    )

    delete(schedule)
    end([Ending(run.pk, 1, RunState.FAILED, clock.moment, error="No.")])

    after = again(run)
    assert (after.state, after.error, after.schedule_id) == (RunState.FAILED, "No.", None)


def test_another_schedule_is_left_alone(clock: Clock, delete: Delete) -> None:
    kept, gone = make(), make()

    delete(gone)

    assert Schedule.objects.get() == kept
    assert Run.objects.get().schedule_id == kept.pk
