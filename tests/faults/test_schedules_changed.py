"""Schedules are edited, paused and deleted by one process while others run them."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.faults import rows
from tests.faults.checker import check_logs
from tests.faults.databases import sites
from tests.faults.occurrences import as_moment, definition, make
from tests.harness.polling import eventually
from tests.harness.site import Site

# Makes changes, given as pairs of a schedule and what to do; prints between which moments, by the
# clock of the queue.
CHANGE = """
from scheduling import clock, planning
from scheduling.models import Schedule
between = []
for pk, what in arguments:
    schedule, before = Schedule.objects.get(pk=pk), clock.now()
    match what:
        case "edit":
            schedule.expression = "*/3 * * * * *"
            schedule.save()
        case "pause":
            planning.pause(schedule, now=before, by="Ann", reason="Enough.")
        case "resume":
            planning.resume(schedule, now=before)
        case "delete":
            schedule.delete()
    between.append([before.isoformat(), clock.now().isoformat()])
print(json.dumps(between))
"""
# Stores a schedule for in an hour and then has it fire in a second instead.
EARLIER = """
from datetime import timedelta
from scheduling import clock
from scheduling.models import Schedule
now = clock.now()
schedule = Schedule(name="once", kind="once", at=now + timedelta(hours=1), action="ticks.tick")
schedule.save()
schedule.at = clock.now() + timedelta(seconds=1)
schedule.save()
print(json.dumps(schedule.at.isoformat()))
"""


@dataclass(frozen=True, slots=True)
class Change:
    before: datetime
    after: datetime


@dataclass(frozen=True, slots=True)
class Past:
    """A run as history has it, whether its schedule is still there or not."""

    schedule: int | None
    fire_at: datetime
    state: str
    reason: str
    error: str
    started_at: datetime | None
    finished_at: datetime | None


@pytest.fixture(scope="module")
def both() -> Iterator[list[Site]]:
    with sites(workers=2) as found:
        for site in found:
            site.start_cluster()
        for site in found:
            site.wait_ready()
        yield found


async def change(site: Site, *changes: tuple[int, str]) -> list[Change]:
    made = await asyncio.to_thread(site.run, CHANGE, *changes)
    return [Change(as_moment(before), as_moment(after)) for before, after in made]


def history(site: Site, title: str) -> list[Past]:
    found = rows.query(
        site,
        "SELECT schedule_id, fire_at, state, skip_reason, error, started_at, finished_at"
        f" FROM scheduling_run WHERE title = '{title}' AND NOT is_next ORDER BY fire_at",
    )
    moments = ([moment and as_moment(moment) for moment in row[5:]] for row in found)
    return [
        Past(row[0], as_moment(row[1]), *row[2:5], *two)
        for row, two in zip(found, moments, strict=True)
    ]


def unfinished(site: Site) -> int:
    left = "SELECT count(*) FROM scheduling_run WHERE state IN ('pending', 'running')"
    return int(rows.query(site, left)[0][0])


async def until_more(site: Site, title: str, behind: datetime, count: int = 2) -> None:
    def look() -> bool:
        ran = [one for one in history(site, title) if one.state == "succeeded"]
        return sum(one.fire_at > behind for one in ran) >= count

    await eventually(look, f"{count} more runs of {title}", 40)


async def test_changes_from_another_process_leave_a_truthful_history(both: list[Site]) -> None:
    await asyncio.gather(*map(make_changes, both))


async def make_changes(site: Site) -> None:
    # Longer than a second, and at once: whenever a change comes, some are running.
    each: Any = {"expression": "* * * * * *", "overlap": "allow", "args": {"seconds": 1.3}}
    names = ["edited", "paused", "deleted"]
    plans = await asyncio.to_thread(
        make, site, [definition(name=name, **each) for name in names], seconds=600
    )
    begin = plans[0].begin
    pks = {plan.fields["name"]: plan.pk for plan in plans}
    await asyncio.gather(*(until_more(site, name, begin) for name in names))

    edit, pause, delete = await change(
        site, (pks["edited"], "edit"), (pks["paused"], "pause"), (pks["deleted"], "delete")
    )
    await until_more(site, "edited", edit.after)
    [resume] = await change(site, (pks["paused"], "resume"))
    await until_more(site, "paused", resume.after)
    await change(site, (pks["edited"], "delete"), (pks["paused"], "delete"))
    await eventually(lambda: unfinished(site) == 0, "what runs to end", 20)

    check_edited(history(site, "edited"), begin, edit)
    check_paused(history(site, "paused"), begin, pause, resume)
    check_deleted(history(site, "deleted"), begin, delete)
    check_logs(site, "$^")


def seconds_between(first: datetime, last: datetime, step: int = 1) -> set[datetime]:
    """Return the whole seconds from one to the other, both inclusive."""
    moments = (first.replace(microsecond=0) + timedelta(seconds=n) for n in range(1000))
    return {one for one in moments if first <= one <= last and one.second % step == 0}


def check_states(found: list[Past], *, is_one: bool = True) -> None:
    """Fail for ends that nobody caused; `is_one`: all of them are of one schedule."""
    times = [one.fire_at for one in found]
    assert len(times) == len(set(times)) or not is_one, times
    for one in found:
        assert one.schedule is None, one
        assert (one.state, one.reason, one.error) in {
            ("succeeded", "", ""),
            ("skipped", "paused", ""),
            ("cancelled", "", "Its schedule was deleted."),
        }, one


def check_edited(found: list[Past], begin: datetime, edit: Change) -> None:
    check_states(found)
    times = {one.fire_at for one in found}
    assert seconds_between(begin, edit.before) <= times
    later = {one for one in times if one > edit.after}
    assert later == seconds_between(edit.after, max(times), step=3)


def check_paused(found: list[Past], begin: datetime, pause: Change, resume: Change) -> None:
    check_states(found)
    times = {one.fire_at for one in found}
    assert seconds_between(begin, pause.before) <= times
    called_off = [one for one in found if pause.after < one.fire_at < resume.before]
    assert [one.state for one in called_off] in ([], ["skipped"]), called_off
    assert seconds_between(resume.after, max(times)) <= times
    check_kept_running(found, pause)


def check_deleted(found: list[Past], begin: datetime, delete: Change) -> None:
    check_states(found)
    times = {one.fire_at for one in found}
    assert seconds_between(begin, delete.before) <= times
    assert max(times) <= delete.after
    check_kept_running(found, delete)


def check_kept_running(found: list[Past], moment: Change) -> None:
    """What ran when the change came went on to its end, and says so."""
    running = [
        one
        for one in found
        if one.started_at and one.started_at < moment.before < moment.after < (one.finished_at or 0)
    ]
    assert running
    assert {one.state for one in running} == {"succeeded"}


async def test_an_earlier_time_takes_effect_at_once(both: list[Site]) -> None:
    await asyncio.gather(*map(make_earlier, both))


async def make_earlier(site: Site) -> None:
    wanted = as_moment(await asyncio.to_thread(site.run, EARLIER))

    await eventually(lambda: "succeeded" in str(history(site, "once")), "its run", 20)

    [one] = history(site, "once")
    assert one.fire_at == wanted
    assert one.started_at is not None
    assert timedelta() <= one.started_at - wanted < timedelta(seconds=3)


# Saves, pauses, resumes and deletes the schedules `arguments`, one after the other; at last the
# rest of them at once.
CHANGE_ALL = """
from scheduling import clock, planning
from scheduling.models import Schedule
def each():
    return Schedule.objects.filter(pk__in=arguments).order_by("pk")
for schedule in each():
    schedule.save()
for schedule in each():
    planning.pause(schedule, now=clock.now(), by="Ann")
for schedule in each():
    planning.resume(schedule, now=clock.now())
for schedule in each()[: len(arguments) // 2]:
    schedule.delete()
each().delete()
"""


async def test_changes_of_busy_schedules_are_never_refused(both: list[Site]) -> None:
    await asyncio.gather(*map(change_busy, both))


async def change_busy(site: Site) -> None:
    busy = definition(name="busy", every=0.2, overlap="allow", args={"seconds": 0.2})
    plans = await asyncio.to_thread(make, site, [busy] * 40, seconds=600)
    await until_more(site, "busy", plans[0].begin, 100)

    await asyncio.to_thread(site.run, CHANGE_ALL, *(plan.pk for plan in plans))

    await eventually(lambda: unfinished(site) == 0, "what runs to end", 20)
    check_states(history(site, "busy"), is_one=False)
    check_logs(site, "$^")
    assert "deadlock" not in site.logs()
