"""The states of a run and the moves between them, as data that is checked when it is imported."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class RunState(models.TextChoices):
    PENDING = "pending", _("Pending")
    RUNNING = "running", _("Running")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELLED = "cancelled", _("Cancelled")
    SKIPPED = "skipped", _("Skipped")


class SkipReason(models.TextChoices):
    """Why an occurrence was not run."""

    LATE = "late", _("Late")
    OVERLAP = "overlap", _("Overlap")
    PAUSED = "paused", _("Paused")


#: state → the states a run may go to from it; docs/architecture.md draws it.
TRANSITIONS: dict[RunState, frozenset[RunState]] = {
    RunState.PENDING: frozenset({RunState.RUNNING, RunState.CANCELLED, RunState.SKIPPED}),
    RunState.RUNNING: frozenset(
        {RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.PENDING}
    ),
    RunState.SUCCEEDED: frozenset(),
    # By hand in the admin: a finished run is given one more attempt.
    RunState.FAILED: frozenset({RunState.PENDING}),
    RunState.CANCELLED: frozenset({RunState.PENDING}),
    RunState.SKIPPED: frozenset({RunState.PENDING}),
}

#: Where a run rests until somebody asks for it again.
FINISHED = frozenset({RunState.SUCCEEDED, RunState.FAILED, RunState.CANCELLED, RunState.SKIPPED})


class IllegalTransition(ValueError):
    """A move that TRANSITIONS does not declare."""


def check_transition(old: RunState, new: RunState) -> None:
    """Raise IllegalTransition unless the graph has an edge from `old` to `new`."""
    if new not in TRANSITIONS[old]:
        raise IllegalTransition(f"A run cannot go from {old.value} to {new.value}.")


def check_graph() -> None:
    """Raise ValueError when a state is undeclared or cannot be reached from PENDING."""
    if set(TRANSITIONS) != set(RunState):
        raise ValueError("Every run state needs its transitions declared.")
    reached, waiting = {RunState.PENDING}, [RunState.PENDING]
    while waiting:
        found = TRANSITIONS[waiting.pop()] - reached
        reached |= found
        waiting += found
    if reached != set(RunState):
        raise ValueError(f"Unreachable run states: {set(RunState) - reached}.")


check_graph()
