"""What the database keeps of this app: schedules, runs, clusters, counters."""

from scheduling.models.runs import (
    ACTION_LENGTH,
    KEY_LENGTH,
    NAME_LENGTH,
    UNFINISHED,
    Run,
    RunQuerySet,
)

from scheduling.models.clusters import ClusterStatus, Tally  # isort: skip
from scheduling.models.schedules import Schedule, ScheduleQuerySet  # isort: skip

__all__ = [
    "ACTION_LENGTH",
    "KEY_LENGTH",
    "NAME_LENGTH",
    "UNFINISHED",
    "ClusterStatus",
    "Run",
    "RunQuerySet",
    "Schedule",
    "ScheduleQuerySet",
    "Tally",
]
