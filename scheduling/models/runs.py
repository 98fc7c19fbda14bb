"""The queue: one row for each thing to do once."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from scheduling.models.lenient import Lenient, LenientIterable
from scheduling.states import FINISHED, RunState, SkipReason, check_transition

UNFINISHED = (RunState.PENDING, RunState.RUNNING)

ACTION_LENGTH, KEY_LENGTH, NAME_LENGTH = 100, 200, 200


class RunQuerySet(models.QuerySet["Run"]):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._iterable_class = LenientIterable

    def pending(self) -> Self:
        return self.filter(state=RunState.PENDING)

    def waiting(self) -> Self:
        """The accepted ones that wait to be begun: what there is to do for workers."""
        return self.pending().filter(is_next=False)

    def running(self) -> Self:
        return self.filter(state=RunState.RUNNING)

    def due(self, *, now: datetime) -> Self:
        return self.pending().filter(due_at__lte=now)

    def next_occurrences(self) -> Self:
        return self.filter(is_next=True)

    def unfinished(self) -> Self:
        """The accepted ones that wait, run, or wait for another attempt."""
        return self.filter(state__in=UNFINISHED, is_next=False)

    def finished(self) -> Self:
        return self.filter(state__in=FINISHED)

    def move(self, old: RunState, new: RunState, **fields: Any) -> int:
        """Move the rows that are still in `old` to `new`; return how many.

        The update is conditional: of two processes that compete for a row one moves it, the other
        counts 0. Raises IllegalTransition for an edge the graph does not have.
        """
        check_transition(old, new)
        if old == RunState.PENDING:
            fields.setdefault("is_next", False)
        return self.filter(state=old).update(state=new, **fields)


class Run(Lenient):
    """One thing to do, once: an action with its arguments and the moment it is for."""

    action = models.CharField(_("action"), max_length=ACTION_LENGTH)
    args = models.JSONField(_("arguments"), default=dict, blank=True)
    key = models.CharField(
        _("key"),
        max_length=KEY_LENGTH,
        blank=True,
        default="",
        help_text=_("Of the runs with one key at most one is running, oldest fire time first."),
    )
    fire_at = models.DateTimeField(_("fire time"))
    # Moves the moment (a retry's back-off), never the identity that fire_at is.
    not_before = models.DateTimeField(_("not before"), null=True, blank=True)
    due_at = models.GeneratedField(
        expression=Coalesce("not_before", "fire_at"),
        output_field=models.DateTimeField(),
        db_persist=True,
        verbose_name=_("due"),
    )
    # Kept when its schedule is deleted: what was done stays true.
    schedule = models.ForeignKey(
        "scheduling.Schedule",
        models.SET_NULL,
        null=True,
        blank=True,
        db_index=False,
        related_name="runs",
        verbose_name=_("schedule"),
    )
    title = models.CharField(_("title"), max_length=NAME_LENGTH, blank=True, default="")
    #: The schedule's next occurrence: decided about, accepted or skipped, when its moment comes.
    is_next = models.BooleanField(_("next occurrence"), default=False)
    requested_by = models.CharField(_("requested by"), max_length=150, blank=True, default="")
    state = models.CharField(
        _("state"), max_length=10, choices=RunState.choices, default=RunState.PENDING
    )
    skip_reason = models.CharField(
        _("reason for skipping"),
        max_length=10,
        choices=SkipReason.choices,
        blank=True,
        default="",
    )
    attempt = models.PositiveIntegerField(_("attempt"), default=0)
    max_attempts = models.PositiveIntegerField(_("maximum attempts"), default=1)
    # Seconds before the second attempt, doubled with each further one; empty: the usual ones.
    backoff_seconds = models.FloatField(_("back-off in seconds"), null=True, blank=True)
    # Attempts that ended with their process: such a run is suspected of having killed it.
    losses = models.PositiveIntegerField(_("attempts lost with their worker"), default=0)
    timeout_seconds = models.FloatField(_("timeout in seconds"), null=True, blank=True)
    cluster = models.CharField(_("cluster"), max_length=32, blank=True, default="")
    worker = models.CharField(_("worker"), max_length=120, blank=True, default="")
    lease_expires_at = models.DateTimeField(_("lease expires"), null=True, blank=True)
    cancel_requested_at = models.DateTimeField(_("cancel requested"), null=True, blank=True)
    created_at = models.DateTimeField(_("created"), default=timezone.now)
    started_at = models.DateTimeField(_("started"), null=True, blank=True)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True)
    error = models.TextField(_("error"), blank=True, default="")
    result = models.JSONField(_("result"), null=True, blank=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        verbose_name = _("run")
        verbose_name_plural = _("runs")
        permissions = [("retry_run", _("Can retry runs")), ("cancel_run", _("Can cancel runs"))]
        constraints = [
            # The database keeps runs of one key apart; the claim's own check only avoids the error.
            models.UniqueConstraint(
                fields=["key"],
                condition=Q(state="running") & ~Q(key=""),
                name="run_one_running_per_key",
            ),
            models.CheckConstraint(
                condition=Q(state__in=RunState.values), name="run_state_is_declared"
            ),
            models.CheckConstraint(
                condition=~Q(state="running") | Q(lease_expires_at__isnull=False),
                name="run_running_has_a_lease",
            ),
            # An occurrence happens once, whoever competes.
            models.UniqueConstraint(
                fields=["schedule", "fire_at"],
                condition=Q(schedule__isnull=False),
                name="run_occurrence",
            ),
            models.UniqueConstraint(
                fields=["schedule"], condition=Q(is_next=True), name="run_one_next_per_schedule"
            ),
            models.CheckConstraint(
                condition=Q(is_next=False) | Q(state="pending", schedule__isnull=False),
                name="run_next_is_pending",
            ),
        ]
        indexes = [
            # Claiming reads the head of this index, however many rows wait behind it.
            models.Index(
                "due_at", "id", condition=Q(state="pending", is_next=False), name="run_due"
            ),
            models.Index("due_at", "id", condition=Q(is_next=True), name="run_next"),
            models.Index(
                "schedule",
                condition=Q(
                    state__in=["pending", "running"], is_next=False, schedule__isnull=False
                ),
                name="run_unfinished_of_schedule",
            ),
            models.Index(
                "key",
                "fire_at",
                "id",
                condition=Q(state__in=["pending", "running"], is_next=False),
                name="run_key_order",
            ),
            models.Index("lease_expires_at", condition=Q(state="running"), name="run_leases"),
            models.Index(
                "id", condition=Q(cancel_requested_at__isnull=False), name="run_cancel_requests"
            ),
            models.Index(
                "state", "finished_at", condition=Q(finished_at__isnull=False), name="run_ended"
            ),
            models.Index(F("created_at").desc(), name="run_created"),
        ]

    def __str__(self) -> str:
        return f"{self.title or self.action} #{self.pk}"

    @property
    def lateness(self) -> timedelta | None:
        """How long after it was due the latest attempt began; None before the first."""
        return self.started_at - self.due_at if self.started_at and self.due_at else None

    @property
    def duration(self) -> timedelta | None:
        """How long the latest attempt took; None while it has not ended."""
        if self.started_at is None or self.finished_at is None:
            return None
        return self.finished_at - self.started_at
