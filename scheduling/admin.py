"""The admin of the queue: what ran and what waits; retry and cancel for those who may."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any

import django_q.admin  # noqa: F401  (registers the pages that are taken away below)
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.text import Truncator
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django_q.models import Failure, OrmQ, Schedule, Success
from unfold.decorators import action as detail_action
from unfold.decorators import display
from unfold.enums import ActionVariant

from scheduling import admin_clusters, admin_schedules, ending  # noqa: F401  (they register pages)
from scheduling.actions import registry
from scheduling.admin_base import EndlessRecordAdmin
from scheduling.admin_filters import ActionFilter, SourceFilter
from scheduling.admin_run_texts import run_badge_html
from scheduling.admin_texts import (
    NOTHING,
    duration_text,
    excerpt_html,
    json_html,
    link_html,
    moment_html,
    text_html,
)
from scheduling.calling_off import call_off
from scheduling.models import Run
from scheduling.models import Schedule as OurSchedule
from scheduling.states import FINISHED, TRANSITIONS, RunState

# With these pages a user who may only view could submit tasks anew.
for _model in (Schedule, Success, Failure, OrmQ):
    if admin.site.is_registered(_model):
        admin.site.unregister(_model)

RETRYABLE = {state for state in FINISHED if RunState.PENDING in TRANSITIONS[state]}
CANCELLABLE = {state for state in RunState if RunState.CANCELLED in TRANSITIONS[state]}

# Runs that one request may retry or cancel: each is a transaction of its own.
MOST_AT_ONCE = 1000


@admin.register(Run)
class RunAdmin(EndlessRecordAdmin):
    """Shows runs, newest first; the indexes on `created` and `finished` keep it quick."""

    list_display = (
        *("what", "schedule_link", "key_text", "badge", "due", "late", "took", "tries"),
        "error_start",
    )
    list_display_links = ("what",)
    list_filter = (
        *("state", SourceFilter, "skip_reason", ActionFilter),
        ("created_at", admin.DateFieldListFilter),
    )
    search_fields = ("action", "title", "key", "error")
    search_help_text = _("Search action, schedule, key and error")
    ordering = ("-created_at",)
    list_defer = ("args", "result")
    actions = ("retry", "cancel")
    actions_detail = ("retry_one", "cancel_one")
    fieldsets = (
        (
            None,
            {"fields": ("what", "schedule_link", "action", "badge", "key", "tries", "losses")},
        ),
        (_("Times"), {"fields": ("fire_time", "due", "late", "created", "start", "end", "took")}),
        (_("Content"), {"fields": ("args_json", "result_json", "error_text")}),
        (
            _("Worker"),
            {"fields": ("cluster", "worker", "lease", "cancel_request", "timeout_seconds")},
        ),
    )
    # Of a page without change permission Django shows every field as text; these are methods.
    readonly_fields = (
        *("what", "schedule_link", "badge", "tries", "fire_time", "due", "late", "created"),
        *(
            "start",
            "end",
            "took",
            "args_json",
            "result_json",
            "error_text",
            "lease",
            "cancel_request",
        ),
    )

    # -- what a row shows --------------------------------------------------------------------------

    @display(description=_("run"))
    def what(self, run: Run) -> str:
        known = registry.get(run.action)
        return f"{known.label if known else run.action} #{run.pk}"

    @display(description=_("schedule"))
    def schedule_link(self, run: Run) -> str:
        """Link to the schedule by the name it had; without one, tell who asked for the run."""
        if run.schedule_id is None:
            return excerpt_html(run.title, length=30)
        page = reverse("admin:scheduling_schedule_change", args=[run.schedule_id])
        return link_html(page, Truncator(run.title or f"#{run.schedule_id}").chars(30))

    @display(description=_("key"))
    def key_text(self, run: Run) -> str:
        return excerpt_html(run.key, length=40)

    @display(description=_("state"))
    def badge(self, run: Run) -> str:
        return run_badge_html(run)

    @display(description=_("attempt"))
    def tries(self, run: Run) -> str:
        return f"{run.attempt}/{run.max_attempts}"

    @display(description=_("lateness"))
    def late(self, run: Run) -> str:
        """How late the latest attempt began, or how late one that waits is by now."""
        if run.state != RunState.PENDING:
            return duration_text(run.lateness)
        waited = timezone.now() - run.due_at
        if waited.total_seconds() <= 0:
            return NOTHING
        return gettext("%(span)s so far") % {"span": duration_text(waited)}

    @display(description=_("duration"))
    def took(self, run: Run) -> str:
        return duration_text(run.duration)

    @display(description=_("error"))
    def error_start(self, run: Run) -> str:
        return excerpt_html(run.error, length=60)

    @display(description=_("due"))
    def due(self, run: Run) -> str:
        return moment_html(run.due_at, now=timezone.now())

    @display(description=_("fire time"))
    def fire_time(self, run: Run) -> str:
        return moment_html(run.fire_at, now=timezone.now())

    @display(description=_("created"))
    def created(self, run: Run) -> str:
        return moment_html(run.created_at, now=timezone.now())

    @display(description=_("started"))
    def start(self, run: Run) -> str:
        return moment_html(run.started_at, now=timezone.now())

    @display(description=_("finished"))
    def end(self, run: Run) -> str:
        return moment_html(run.finished_at, now=timezone.now())

    @display(description=_("lease expires"))
    def lease(self, run: Run) -> str:
        return moment_html(run.lease_expires_at, now=timezone.now())

    @display(description=_("cancel requested"))
    def cancel_request(self, run: Run) -> str:
        return moment_html(run.cancel_requested_at, now=timezone.now())

    @display(description=_("arguments"))
    def args_json(self, run: Run) -> str:
        return json_html(run.args)

    @display(description=_("result"))
    def result_json(self, run: Run) -> str:
        return json_html(run.result)

    @display(description=_("error"))
    def error_text(self, run: Run) -> str:
        return text_html(run.error)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Name the schedule above a list that is narrowed to one."""
        pk = request.GET.get("schedule__id__exact", "")
        names = OurSchedule.objects.filter(pk=pk) if pk.isdecimal() and len(pk) < 19 else None
        name = names.values_list("name", flat=True).first() if names is not None else None
        if name is not None:
            title = gettext("Runs of “%(schedule)s”") % {"schedule": name}
            extra_context = {"title": title} | (extra_context or {})
        return super().changelist_view(request, extra_context)

    # -- retry and cancel --------------------------------------------------------------------------

    def has_retry_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request) and request.user.has_perm("scheduling.retry_run")

    def has_cancel_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request) and request.user.has_perm("scheduling.cancel_run")

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer only what the run's state allows; one query."""
        offered = super().get_actions_detail(request, object_id)
        run = self.get_object(request, str(object_id)) if offered else None
        possible = {
            "scheduling_run_retry_one": run is not None and run.state in RETRYABLE,
            "scheduling_run_cancel_one": run is not None and run.state in CANCELLABLE,
        }
        return [offer for offer in offered if possible.get(offer.action_name)]

    @admin.action(permissions=["retry"], description=_("Retry selected runs"))
    def retry(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        self._retry(request, queryset.order_by("pk")[:MOST_AT_ONCE])

    @admin.action(permissions=["cancel"], description=_("Cancel selected runs"))
    def cancel(self, request: HttpRequest, queryset: QuerySet[Run]) -> None:
        self._cancel(request, queryset.order_by("pk")[:MOST_AT_ONCE])

    # A dialog, since a plain button of the theme would change the run with a GET.
    @detail_action(
        permissions=["retry"],
        description=_("Retry"),
        url_path="retry",
        icon="replay",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Retry this run?"),
            "description": _("It goes back to the queue with one more attempt."),
            "form_class": None,
            "form_submit_text": _("Retry"),
        },
    )
    def retry_one(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._steer_one(request, object_id, self._retry)

    @detail_action(
        permissions=["cancel"],
        description=_("Cancel"),
        url_path="cancel",
        icon="block",
        variant=ActionVariant.DANGER,
        dialog={
            "title": _("Cancel this run?"),
            "description": _(
                "If it is running, its worker is asked to stop it. If it is the next occurrence of "
                "a schedule, the schedule goes on with the one after it."
            ),
            "form_class": None,
            "form_submit_text": _("Cancel the run"),
        },
    )
    def cancel_one(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._steer_one(request, object_id, self._cancel)

    def _steer_one(
        self,
        request: HttpRequest,
        object_id: str,
        steer: Callable[[HttpRequest, Iterable[Run]], None],
    ) -> HttpResponse:
        """Steer one run and lead back to its page; the dialog's script follows HX-Redirect."""
        run = self.get_object(request, object_id)
        steer(request, [run] if run else [])
        page = reverse("admin:scheduling_run_change", args=[object_id])
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": page})
        return HttpResponse(status=303, headers={"Location": page})

    def _retry(self, request: HttpRequest, runs: Iterable[Run]) -> None:
        def retry(run: Run, *, now: datetime) -> bool:
            return run.state in RETRYABLE and ending.retry(run, now=now)

        done, refused = _steer(request, runs, retry, note=gettext("Retried."))
        if done:
            text = ngettext("%(n)d run goes again.", "%(n)d runs go again.", done)
            messages.success(request, text % {"n": done})
        if refused:
            text = ngettext(
                "%(n)d run was left alone: only failed, cancelled and skipped runs can go again.",
                "%(n)d runs were left alone: only failed, cancelled and skipped runs can go again.",
                refused,
            )
            messages.warning(request, text % {"n": refused})

    def _cancel(self, request: HttpRequest, runs: Iterable[Run]) -> None:
        def cancel(run: Run, *, now: datetime) -> bool:
            # The schedule of a next occurrence goes on with the one after it.
            return call_off(run, now=now) if run.is_next else ending.cancel(run, now=now)

        done, refused = _steer(request, runs, cancel, note=gettext("Cancelled."))
        if done:
            text = ngettext(
                "%(n)d run was cancelled, or its worker asked to stop it.",
                "%(n)d runs were cancelled, or their workers asked to stop them.",
                done,
            )
            messages.success(request, text % {"n": done})
        if refused:
            text = ngettext(
                "%(n)d run had ended already.", "%(n)d runs had ended already.", refused
            )
            messages.warning(request, text % {"n": refused})


def _steer(
    request: HttpRequest, runs: Iterable[Run], move: Callable[..., bool], *, note: str
) -> tuple[int, int]:
    """Move each run and log it, both or neither; return how many were moved and were not."""
    done = refused = 0
    for run in runs:
        with transaction.atomic():
            if move(run, now=timezone.now()):
                LogEntry.objects.log_actions(request.user.pk or 0, [run], CHANGE, note)
                done += 1
            else:
                refused += 1
    return done, refused
