"""Schedules for the fault tests, and the books: each occurrence happened once, or says why not."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg

from scheduling.triggers import CronTrigger, IntervalTrigger
from tests.faults import rows
from tests.faults.checker import check_logs
from tests.harness.polling import eventually
from tests.harness.site import Site

# Saves schedules that begin some seconds from now, on the second; prints that moment and their ids.
# `back` of a schedule has it begin earlier instead, as if nobody had been there since.
MAKE = """
from datetime import timedelta
from django.db.models import F
from scheduling import clock
from scheduling.models import Run, Schedule
from scheduling.writing import writing

definitions, lead, seconds = arguments
begin = (clock.now() + timedelta(seconds=lead)).replace(microsecond=0)
made = []
with writing():
    for fields in definitions:
        back = timedelta(seconds=fields.pop("back"))
        if every := fields.pop("every", None):
            fields["every"] = timedelta(seconds=every)
        end = begin + timedelta(seconds=seconds)
        schedule = Schedule(timezone="UTC", start_at=begin, end_at=end, **fields)
        schedule.save()
        made.append(schedule.pk)
        if back:
            Schedule.objects.filter(pk=schedule.pk).update(start_at=begin - back)
            Run.objects.filter(schedule=schedule).update(fire_at=F("fire_at") - back)
assert clock.now() < begin, "Saving took longer than the time until the first occurrence."
print(json.dumps([begin.isoformat(), made]))
"""

_FINAL = "('succeeded', 'failed', 'cancelled', 'skipped')"
_EFFECTS = "CREATE TABLE tick_effect (run bigint, attempt int)"
_ENDS = "CREATE TABLE tick_end (run bigint, state text)"
_SQLITE = [
    _EFFECTS,
    _ENDS,
    "CREATE TRIGGER tick_ended AFTER UPDATE OF state ON scheduling_run"
    f" WHEN OLD.state <> NEW.state AND NEW.state IN {_FINAL}"
    " BEGIN INSERT INTO tick_end VALUES (NEW.id, NEW.state); END",
    "CREATE TRIGGER tick_deleted AFTER DELETE ON scheduling_run WHEN NOT OLD.is_next"
    " BEGIN INSERT INTO tick_end VALUES (OLD.id, 'deleted'); END",
]
_POSTGRES = [
    _EFFECTS,
    _ENDS,
    "CREATE FUNCTION tick_ended() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO tick_end VALUES (NEW.id, NEW.state); RETURN NULL; END $$",
    "CREATE FUNCTION tick_deleted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO tick_end VALUES (OLD.id, 'deleted'); RETURN NULL; END $$",
    "CREATE TRIGGER tick_ended AFTER UPDATE OF state ON scheduling_run FOR EACH ROW"
    f" WHEN (OLD.state <> NEW.state AND NEW.state IN {_FINAL}) EXECUTE FUNCTION tick_ended()",
    "CREATE TRIGGER tick_deleted AFTER DELETE ON scheduling_run FOR EACH ROW"
    " WHEN (NOT OLD.is_next) EXECUTE FUNCTION tick_deleted()",
]


@dataclass(frozen=True, slots=True)
class Plan:
    """A schedule that was made: its fields, and when it begins and ends, inclusive."""

    pk: int
    fields: dict[str, Any]
    begin: datetime
    end: datetime

    @property
    def trigger(self) -> CronTrigger | IntervalTrigger:
        if self.fields["kind"] == "cron":
            return CronTrigger(self.fields["expression"], "UTC", self.begin, self.end)
        return IntervalTrigger(timedelta(seconds=self.fields["every"]), self.begin, self.end)

    def fire_times(self) -> list[datetime]:
        """Step through all that the trigger has."""
        return list(self._step(self.begin, self.end))

    def within(self, first: datetime, last: datetime) -> list[datetime]:
        return list(self._step(first, last))

    def _step(self, first: datetime, last: datetime) -> Iterator[datetime]:
        moment = self.trigger.next_after(first - timedelta(microseconds=1))
        while moment is not None and moment <= last:
            yield moment
            moment = self.trigger.next_after(moment)


@dataclass(frozen=True, slots=True)
class Occurrence:
    run: int
    schedule: int
    fire_at: datetime
    state: str
    reason: str
    attempt: int
    until: datetime | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(slots=True)
class Books:
    """What became of each occurrence, by schedule and in order of fire time."""

    of: dict[int, list[Occurrence]] = field(default_factory=lambda: defaultdict(list))

    def all(self) -> Iterator[Occurrence]:
        for found in self.of.values():
            yield from found

    def counts(self) -> Counter[str]:
        return Counter(one.reason or one.state for one in self.all())


def keep_books(site: Site) -> None:
    """Have the database itself note each end of a run, and each run that is deleted."""
    if url := site.env["DATABASE_URL"]:
        with psycopg.connect(url) as connection:
            for statement in _POSTGRES:
                connection.execute(statement)
        return
    for statement in _SQLITE:
        rows.query(site, statement)


def definition(
    *, expression: str = "", every: float = 0, back: float = 0, **fields: Any
) -> dict[str, Any]:
    """Return the fields of a schedule that begins `back` seconds ago; see MAKE."""
    kind = {"kind": "cron", "expression": expression} if expression else {"kind": "interval"}
    if every:
        kind["every"] = every  # type: ignore[assignment]
    usual = {"name": "tick", "action": "ticks.tick", "max_attempts": 30, "backoff_seconds": 0.1}
    return {"back": back, **usual, **kind, **fields}


def make(
    site: Site, definitions: list[dict[str, Any]], *, seconds: float, lead: float = 3
) -> list[Plan]:
    """Store schedules that begin in some `lead` seconds and fire for `seconds` more."""
    begin_text, ids = site.run(MAKE, definitions, lead, seconds)
    begin = datetime.fromisoformat(begin_text)
    end = begin + timedelta(seconds=seconds)
    return [
        Plan(pk, fields, begin - timedelta(seconds=fields["back"]), end)
        for pk, fields in zip(ids, definitions, strict=True)
    ]


def read(site: Site) -> Books:
    found = rows.query(
        site,
        "SELECT id, schedule_id, fire_at, state, skip_reason, attempt, CAST(result AS TEXT),"
        " created_at, started_at, finished_at FROM scheduling_run"
        " WHERE schedule_id IS NOT NULL AND requested_by = '' ORDER BY schedule_id, fire_at",
    )
    books = Books()
    for pk, schedule, fire_at, state, reason, attempt, result, *moments in found:
        until = result.split('"')[3] if state == "skipped" and result and "until" in result else ""
        one = Occurrence(
            pk,
            schedule,
            as_moment(fire_at),
            state,
            reason,
            attempt,
            as_moment(until) if until else None,
            as_moment(moments[0]),
            *(as_moment(moment) if moment else None for moment in moments[1:]),
        )
        books.of[schedule].append(one)
    return books


def as_moment(value: Any) -> datetime:
    """SQLite keeps moments as text, in UTC without saying so."""
    moment = datetime.fromisoformat(value) if isinstance(value, str) else value
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)


async def settle(site: Site, seconds: float = 60) -> None:
    """Return once every schedule is finished and no run of one is left to do."""
    left = (
        "SELECT (SELECT count(*) FROM scheduling_schedule WHERE finished_at IS NULL),"
        " (SELECT count(*) FROM scheduling_run WHERE state IN ('pending', 'running'))"
    )
    look = lambda: rows.query(site, left) == [(0, 0)]  # noqa: E731
    try:
        await eventually(look, "every schedule to be finished", seconds, pause=0.2)
    except AssertionError as error:
        found = rows.query(
            site,
            "SELECT id, schedule_id, state, is_next, attempt, due_at, worker, lease_expires_at"
            " FROM scheduling_run WHERE state IN ('pending', 'running') ORDER BY id LIMIT 20",
        )
        raise AssertionError(f"{error} Left: {rows.query(site, left)} {found}") from None


def check(site: Site, plans: list[Plan], *, expected_errors: str = "$^") -> Books:
    """Fail unless every fire time of every schedule was run once, or skipped with a reason."""
    books = read(site)
    assert set(books.of) <= {plan.pk for plan in plans}
    for plan in plans:
        check_accounts(plan, books.of[plan.pk])
    check_ends(site, books)
    check_logs(site, expected_errors)
    return books


def check_accounts(plan: Plan, found: list[Occurrence]) -> None:
    """Each expected fire time is there, no other is, and none twice."""
    accounted: Counter[datetime] = Counter()
    for one in found:
        assert one.state in ("succeeded", "skipped"), one
        assert bool(one.reason) == (one.state == "skipped"), one
        accounted.update(plan.within(one.fire_at, one.until) if one.until else [one.fire_at])
    expected = Counter(plan.fire_times())
    missing, extra = expected - accounted, accounted - expected
    assert not missing, f"{len(missing)} lost of {plan}: {sorted(missing)[:10]}"
    assert not extra, f"{extra.total()} doubled or made up of {plan}: {sorted(extra)[:10]}"


def check_ends(site: Site, books: Books) -> None:
    """Each run that was begun ended once, with the effect of one attempt, the last one."""
    ends = Counter(run for run, _state in rows.query(site, "SELECT run, state FROM tick_end"))
    twice = {run: count for run, count in ends.items() if count > 1}
    assert not twice, f"Ended more than once, or deleted: {twice}"
    succeeded = {one.run: one.attempt for one in books.all() if one.state == "succeeded"}
    assert set(succeeded) <= set(ends)
    effects = rows.query(site, "SELECT run, attempt FROM tick_effect")
    if effects:
        tried = {int(line.split()[2]) for line in site.calls() if line.split()[1] == "tick"}
        assert len(effects) == len(dict(effects)), "An effect happened twice."
        assert {run: succeeded[run] for run in tried if run in succeeded} == dict(effects)
