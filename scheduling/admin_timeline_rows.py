"""What the timeline draws: schedules, their runs by quarter hour, and what is due of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db.models import Count, DateTimeField, Func, IntegerField, Min, Q, Subquery

from scheduling.admin_schedule_rows import READ_ERRORS, load_one_by_one, nth_newest
from scheduling.models import Run, Schedule
from scheduling.triggers import InvalidTrigger

MOST_ROWS = 100
#: Rows that the busiest have for sure, however many are due sooner.
BUSIEST = 50
#: The latest runs among which the busiest are looked for.
SAMPLE = 5_000
#: Runs that are counted for one drawing; beyond them the older ones of a schedule are left out.
MOST_COUNTED = 150_000
QUARTER = timedelta(minutes=15)
#: Fire times that are drawn one by one; more are drawn as a density.
MOST_AHEAD = 60


class Quarter(Func):
    """The number of the quarter hour that a moment is in, since 1970."""

    output_field = IntegerField()

    def as_sqlite(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "(CAST(strftime('%%%%s', %(expressions)s) AS INTEGER) / 900)"
        return self.as_sql(compiler, connection, template=template, **more)

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        template = "(FLOOR(EXTRACT(EPOCH FROM %(expressions)s) / 900)::integer)"
        return self.as_sql(compiler, connection, template=template, **more)


@dataclass
class Bucket:
    """The runs of a schedule in one quarter hour."""

    start: datetime
    first: datetime
    states: dict[str, int] = field(default_factory=dict)

    @property
    def number(self) -> int:
        return sum(self.states.values())


@dataclass
class Ahead:
    """Fire times: each of them, or, when there are too many, the quarter hours that have some."""

    moments: list[datetime]
    quarters: list[datetime]
    #: In each of the quarter hours.
    per_quarter: int = 0


def chosen_schedules(*, now: datetime) -> tuple[list[Any], bool]:
    """Return the schedules to draw, those due next first, and whether there are more.

    Four queries, each the head of an index.
    """
    heads = Run.objects.next_occurrences().order_by("due_at", "id")
    nearest = list(heads.values_list("schedule_id", flat=True)[: MOST_ROWS + 1])
    latest = Run.objects.filter(finished_at__gt=now - timedelta(days=1), finished_at__lte=now)
    sample = latest.order_by("-finished_at").values_list("schedule_id", flat=True)[:SAMPLE]
    counts: dict[int, int] = defaultdict(int)
    for pk in sample:
        if pk is not None:
            counts[pk] += 1
    busiest = sorted(counts, key=lambda pk: -counts[pk])
    chosen = list(dict.fromkeys([*busiest[:BUSIEST], *nearest, *busiest[BUSIEST:]]))
    rows = Schedule.objects.filter(pk__in=chosen[:MOST_ROWS])
    order = {pk: place for place, pk in enumerate([*nearest, *chosen])}
    found = sorted(_read(rows), key=lambda row: order[row.pk])
    return found, len(chosen) > MOST_ROWS


def _read(rows: Any) -> Iterable[Any]:
    rows = rows.defer("args")
    try:
        return list(rows)
    except READ_ERRORS:
        return load_one_by_one(rows)


def counted(
    pks: list[int], *, since: datetime, now: datetime
) -> tuple[dict[int, list[Bucket]], dict[int, datetime]]:
    """Return the runs since a moment by schedule and quarter hour, and how far back they reach.

    Two queries over ranges of the index on (schedule, fire time), bounded together.
    """
    buckets: dict[int, list[Bucket]] = defaultdict(list)
    if not pks:
        return buckets, {}
    most = max(MOST_COUNTED // len(pks), 500)
    oldest = Subquery(nth_newest(most), output_field=DateTimeField())
    bounds = Schedule.objects.filter(pk__in=pks).order_by().values_list("pk", oldest)
    reached = {pk: moment for pk, moment in bounds if moment is not None and moment > since}
    ranges = Q(pk__in=[])
    for pk in pks:
        ranges |= Q(schedule=pk, fire_at__gte=reached.get(pk, since))
    runs = Run.objects.filter(ranges, is_next=False, fire_at__lte=now).order_by()
    groups = runs.values_list("schedule_id", Quarter("fire_at"), "state")
    for pk, quarter, state, number, first in groups.annotate(Count("pk"), Min("fire_at")).order_by(
        "schedule_id", Quarter("fire_at")
    ):
        start = datetime.fromtimestamp(quarter * 900, UTC)
        own = buckets[pk]
        if not own or own[-1].start != start:
            own.append(Bucket(start, first))
        own[-1].first = min(own[-1].first, first)
        own[-1].states[state] = own[-1].states.get(state, 0) + number
    return buckets, reached


def fire_times(schedule: Any, *, now: datetime, until: datetime) -> Ahead:
    """Return what an enabled schedule has due up to `until`; cheap for one each second."""
    if not schedule.enabled or hasattr(schedule, "defect"):
        return Ahead([], [])
    try:
        trigger = schedule.trigger
    except InvalidTrigger:
        return Ahead([], [])
    most = MOST_AHEAD
    if schedule.max_runs is not None:
        most = min(most, max(schedule.max_runs - schedule.run_count, 0))
    moments: list[datetime] = []
    moment = trigger.next_after(now)
    while moment is not None and moment <= until and len(moments) < most:
        moments.append(moment)
        moment = trigger.next_after(moment)
    if len(moments) < MOST_AHEAD or moment is None or moment > until:
        return Ahead(moments, [])
    gap = (moments[-1] - moments[0]) / (len(moments) - 1)
    per_quarter = max(int(QUARTER / gap), 1) if gap else 1
    return Ahead([], list(_quarters(trigger, now, until)), per_quarter)


def _quarters(trigger: Any, start: datetime, until: datetime) -> Iterable[datetime]:
    """Yield the quarter hours in which a trigger fires; one question to it for each at most."""
    moment = trigger.next_after(start)
    while moment is not None and moment <= until:
        quarter = datetime.fromtimestamp(moment.timestamp() // 900 * 900, UTC)
        yield max(quarter, start)
        moment = trigger.next_after(quarter + QUARTER - timedelta(microseconds=1))
