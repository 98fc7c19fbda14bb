"""The stored definition of something to do at certain times: a trigger, an action, policies."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.base import ModelBase
from django.utils.timezone import now as local_now
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from scheduling import actions, clock, planning, validating
from scheduling.deciding import Misfire, Overlap, Policy
from scheduling.ending import end_outside
from scheduling.models.lenient import Lenient, LenientIterable
from scheduling.models.runs import ACTION_LENGTH, KEY_LENGTH, NAME_LENGTH, Run
from scheduling.states import RunState
from scheduling.triggers import CronTrigger, IntervalTrigger, InvalidTrigger, OnceTrigger
from scheduling.writing import writing

#: What only the queue writes of a stored schedule.
PAUSE_FIELDS = ("paused_at", "paused_by", "paused_reason", "resumed_at")
RUNTIME_FIELDS = ("run_count", "finished_at", *PAUSE_FIELDS)


def default_timezone() -> str:
    return settings.TIME_ZONE


def _withdraw(schedule_ids: list[int]) -> None:
    """Take back what schedules that are about to be deleted have in the queue.

    Runs that were accepted and have not begun are cancelled; what runs goes on to its end, and what
    was done stays on record.
    """
    # Before any run, as whoever notices an occurrence does: two that meet cannot deadlock.
    held = Schedule.objects.filter(pk__in=schedule_ids).order_by("pk").select_for_update()
    list(held.values_list("pk", flat=True))
    runs = Run.objects.filter(schedule__in=schedule_ids)
    runs.next_occurrences().delete()
    ended = {"finished_at": clock.now(), "error": gettext("Its schedule was deleted.")}
    for pk in list(runs.pending().order_by("pk").values_list("pk", flat=True)):
        # One that a worker claims in this moment runs.
        same = Run.objects.filter(pk=pk)
        end_outside(same, pk, RunState.PENDING, RunState.CANCELLED, **ended)


class ScheduleQuerySet(models.QuerySet["Schedule"]):
    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._iterable_class = LenientIterable

    def enabled(self) -> Self:
        return self.filter(enabled=True)

    def paused(self) -> Self:
        return self.filter(enabled=False, finished_at__isnull=True)

    def finished(self) -> Self:
        return self.filter(finished_at__isnull=False)

    def with_next_fire_at(self) -> Self:
        """Annotate `next_fire_at`, the fire time of the next occurrence, None without one."""
        upcoming = Run.objects.next_occurrences().filter(schedule=OuterRef("pk"))
        return self.annotate(next_fire_at=Subquery(upcoming.values("fire_at")[:1]))

    def delete(self) -> tuple[int, dict[str, int]]:
        with writing():
            _withdraw(list(self.values_list("pk", flat=True)))
            return super().delete()

    delete.alters_data = True  # type: ignore[attr-defined]
    delete.queryset_only = True  # type: ignore[attr-defined]


class Schedule(Lenient):
    """What to do, when, and what becomes of occurrences that are missed, overlap or fail.

    An enabled schedule has exactly one pending run marked `is_next`: saving, pausing, resuming and
    deleting adjust that row in the same transaction. A bulk insert is completed within seconds.
    """

    class Kind(models.TextChoices):
        ONCE = "once", _("Once")
        INTERVAL = "interval", _("At an interval")
        CRON = "cron", _("Cron expression")

    Misfire = Misfire
    Overlap = Overlap

    name = models.CharField(_("name"), max_length=NAME_LENGTH)
    kind = models.CharField(_("kind"), max_length=10, choices=Kind.choices)
    timezone = models.CharField(
        _("time zone"),
        max_length=64,
        default=default_timezone,
        help_text=_("An IANA name such as Asia/Shanghai."),
    )
    at = models.DateTimeField(_("at"), null=True, blank=True)
    every = models.DurationField(
        _("every"), null=True, blank=True, help_text=_("Elapsed time between two occurrences.")
    )
    expression = models.CharField(
        _("cron expression"),
        max_length=200,
        blank=True,
        default="",
        help_text=_("Minute, hour, day, month, weekday; or six fields, seconds first."),
    )
    start_at = models.DateTimeField(_("start"), null=True, blank=True)
    end_at = models.DateTimeField(_("end"), null=True, blank=True)

    action = models.CharField(_("action"), max_length=ACTION_LENGTH)
    args = models.JSONField(_("arguments"), default=dict, blank=True)
    #: Whose it is, opaque here: `conversation:<uuid>` for what a user set up; empty for the site's.
    owner = models.CharField(_("owner"), max_length=KEY_LENGTH, blank=True, default="")
    #: What the owner calls it by: 1, 2, 3, …
    number = models.PositiveIntegerField(_("number"), null=True, blank=True)

    misfire = models.CharField(
        _("missed occurrences"),
        max_length=10,
        choices=Misfire.choices,
        default=Misfire.RUN_ONCE,
        help_text=_("What becomes of occurrences that are noticed later than their grace."),
    )
    misfire_grace_seconds = models.PositiveIntegerField(
        _("grace in seconds"), default=60, validators=[MaxValueValidator(31_536_000)]
    )
    misfire_limit = models.PositiveIntegerField(
        _("most missed occurrences to run"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(1000)],
        help_text=_("The latest ones; only where each of them is run."),
    )
    overlap = models.CharField(
        _("overlap"),
        max_length=10,
        choices=Overlap.choices,
        default=Overlap.SKIP,
        help_text=_("What becomes of an occurrence that is due while an earlier one runs."),
    )
    max_runs = models.PositiveIntegerField(
        _("maximum runs"),
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Skipped, repeated and manual runs do not count."),
    )
    jitter_seconds = models.PositiveIntegerField(
        _("jitter in seconds"),
        default=0,
        validators=[MaxValueValidator(86_400)],
        help_text=_("Each occurrence starts up to this much later, to spread the load."),
    )
    max_attempts = models.PositiveIntegerField(
        _("maximum attempts"),
        default=3,
        validators=[MinValueValidator(1), MaxValueValidator(100)],
    )
    backoff_seconds = models.FloatField(
        _("back-off in seconds"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0.1), MaxValueValidator(86_400)],
        help_text=_("Before the second attempt; doubled with each further one."),
    )
    timeout_seconds = models.FloatField(
        _("timeout in seconds"),
        null=True,
        blank=True,
        validators=[MinValueValidator(0.1), MaxValueValidator(86_400)],
    )
    pause_after_failures = models.PositiveIntegerField(
        _("pause after failures"),
        default=10,
        validators=[MaxValueValidator(1000)],
        help_text=_("Pauses itself after so many failures in a row; 0 for never."),
    )

    enabled = models.BooleanField(_("enabled"), default=True)
    paused_at = models.DateTimeField(_("paused"), null=True, blank=True, editable=False)
    paused_by = models.CharField(
        _("paused by"), max_length=150, blank=True, default="", editable=False
    )
    paused_reason = models.TextField(
        _("reason for the pause"), blank=True, default="", editable=False
    )
    #: Failures from before are forgiven: those in a row are counted anew.
    resumed_at = models.DateTimeField(_("resumed"), null=True, blank=True, editable=False)
    run_count = models.PositiveIntegerField(_("runs so far"), default=0, editable=False)
    finished_at = models.DateTimeField(_("finished"), null=True, blank=True, editable=False)
    created_at = models.DateTimeField(_("created"), default=local_now, editable=False)

    objects = ScheduleQuerySet.as_manager()

    _loaded_enabled: bool | None = None

    class Meta:
        verbose_name = _("schedule")
        verbose_name_plural = _("schedules")
        permissions = [
            ("pause_schedule", _("Can pause and resume schedules")),
            ("run_schedule", _("Can run schedules now")),
        ]
        constraints = [
            # Exactly the fields of its kind.
            models.CheckConstraint(
                condition=Q(kind="once", at__isnull=False, every__isnull=True, expression="")
                & Q(start_at__isnull=True, end_at__isnull=True)
                | Q(kind="interval", at__isnull=True, every__isnull=False, expression="")
                & Q(start_at__isnull=False)
                | Q(kind="cron", at__isnull=True, every__isnull=True) & ~Q(expression=""),
                name="schedule_fields_of_its_kind",
            ),
            models.CheckConstraint(
                condition=Q(every__isnull=True) | Q(every__gt=timedelta()),
                name="schedule_every_is_positive",
            ),
            models.CheckConstraint(
                condition=Q(misfire__in=Misfire.values, overlap__in=Overlap.values),
                name="schedule_policies_are_declared",
            ),
            models.CheckConstraint(
                condition=Q(enabled=False) | Q(finished_at__isnull=True),
                name="schedule_finished_is_not_enabled",
            ),
            models.UniqueConstraint(
                fields=["owner", "number"],
                condition=Q(number__isnull=False),
                name="schedule_number_of_owner",
            ),
        ]
        indexes = [
            models.Index("owner", condition=~Q(owner=""), name="schedule_owner"),
            models.Index("id", condition=Q(enabled=True), name="schedule_enabled"),
            models.Index(F("finished_at"), name="schedule_finished"),
        ]

    def __str__(self) -> str:
        return self.name

    @classmethod
    def from_db(cls, *args: Any, **kwargs: Any) -> Self:
        schedule = super().from_db(*args, **kwargs)
        schedule._loaded_enabled = schedule.__dict__.get("enabled")
        return schedule

    def refresh_from_db(self, *args: Any, **kwargs: Any) -> None:
        super().refresh_from_db(*args, **kwargs)
        self._loaded_enabled = self.__dict__.get("enabled")

    def save(
        self,
        *,
        force_insert: bool | tuple[ModelBase, ...] = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Store a valid definition and bring its next occurrence in line with it.

        That is recomputed strictly after now and nothing else fires by itself. What the queue
        writes meanwhile (RUNTIME_FIELDS, and a pause) is kept, however old the instance is. Raises
        ValidationError for what `clean` refuses.
        """
        now = clock.now()
        validating.complete(self, now=now)
        self.full_clean(validate_unique=False, validate_constraints=False)
        with writing():
            self._catch_up(now)
            if update_fields is not None:
                update_fields = {*update_fields, "enabled", *RUNTIME_FIELDS}
            super().save(
                force_insert=force_insert,
                force_update=force_update,
                using=using,
                update_fields=update_fields,
            )
            self._unloaded = {}
            planning.plan(self, now=now)
        self._loaded_enabled = self.enabled

    def _catch_up(self, now: datetime) -> None:
        """Take over what the queue wrote to the row, and see to a change of `enabled`."""
        rows = Schedule.objects.filter(pk=self.pk).select_for_update()
        stored = rows.only("enabled", *RUNTIME_FIELDS).first() if self.pk else None
        if stored:
            for name in RUNTIME_FIELDS:
                setattr(self, name, getattr(stored, name))
            if self.enabled == self._loaded_enabled:
                self.enabled = stored.enabled
            if self.enabled and not stored.enabled:
                self.resumed_at = now
        if self.enabled:
            self.finished_at = self.paused_at = None
            self.paused_by = self.paused_reason = ""
        elif self.finished_at is None and self.paused_at is None:
            self.paused_at = now

    def delete(self, *args: Any, **kwargs: Any) -> tuple[int, dict[str, int]]:
        with writing():
            _withdraw([self.pk])
            return super().delete(*args, **kwargs)

    delete.alters_data = True  # type: ignore[attr-defined]

    @property
    def trigger(self) -> OnceTrigger | IntervalTrigger | CronTrigger:
        """The rule for its fire times; raises InvalidTrigger when the row makes none."""
        if self.unreadable:
            raise InvalidTrigger(self.unreadable_reason)
        if self.kind == self.Kind.ONCE and self.at:
            return OnceTrigger(self.at)
        if self.kind == self.Kind.INTERVAL and self.every is not None and self.start_at:
            return IntervalTrigger(self.every, self.start_at, self.end_at)
        if self.kind == self.Kind.CRON:
            return CronTrigger(self.expression, self.timezone, self.start_at, self.end_at)
        raise InvalidTrigger(f"The fields of the schedule do not fit its kind {self.kind!r}.")

    @property
    def policy(self) -> Policy:
        return Policy(
            misfire=Misfire(self.misfire),
            grace=timedelta(seconds=self.misfire_grace_seconds),
            jitter=timedelta(seconds=self.jitter_seconds),
            most_missed=self.misfire_limit,
            overlap=Overlap(self.overlap),
            most_waiting=settings.BOTFLOW_MAX_WAITING_OCCURRENCES,
            remaining=None if self.max_runs is None else self.max_runs - self.run_count,
        )

    @property
    def is_paused(self) -> bool:
        return not self.enabled and self.finished_at is None

    @property
    def run_key(self) -> str:
        """What its runs share one at a time: what the action says, else the schedule itself."""
        key = actions.key_of(self.action, self.args)
        if not key and self.overlap != Overlap.ALLOW:
            key = f"schedule:{self.pk}"
        return key

    @property
    def next_run(self) -> Run | None:
        """The pending run of its next occurrence; one query."""
        return Run.objects.next_occurrences().filter(schedule=self).first()

    def next_fire_times(self, count: int, *, now: datetime) -> list[datetime]:
        """Return the next fire times after `now` that its trigger has, at most `count`."""
        times: list[datetime] = []
        moment = self.trigger.next_after(now)
        while moment is not None and len(times) < count:
            times.append(moment)
            moment = self.trigger.next_after(moment)
        return times

    def clean(self) -> None:
        """Raise ValidationError that names each field that is wrong and what would be right."""
        validating.clean(self)
