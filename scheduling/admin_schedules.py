"""The admin of schedules: what is to happen when, how it went, and what may be done about it."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.text import Truncator
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.views import ChangeList

from scheduling import clock
from scheduling.admin_base import EndlessAdmin
from scheduling.admin_filters import ActionFilter, OwnerFilter, StateFilter
from scheduling.admin_history import history_view
from scheduling.admin_preview import action_form_view, preview_view
from scheduling.admin_schedule_form import ScheduleForm
from scheduling.admin_schedule_rows import READ_ERRORS, load_one_by_one, supply
from scheduling.admin_schedule_texts import (
    last_html,
    next_html,
    schedule_badge_html,
    words_html,
)
from scheduling.admin_steering import SteeringAdmin
from scheduling.admin_strips import strip_html
from scheduling.admin_texts import NOTHING, json_html, moment_html
from scheduling.admin_timeline import timeline_view
from scheduling.models import Schedule
from scheduling.writing import writing


class ScheduleList(ChangeList):
    """Loads what the rows of one page show, in a few queries however many there are."""

    result_list: Any

    def get_results(self, request: HttpRequest) -> None:
        super().get_results(request)
        try:
            rows = list(self.result_list)
        except READ_ERRORS:
            rows = load_one_by_one(self.result_list)
        self.result_list = supply(rows)


@admin.register(Schedule)
class ScheduleAdmin(SteeringAdmin, EndlessAdmin):
    """Shows and edits schedules; the queue's own columns are never written back from here."""

    form = ScheduleForm
    list_display = ("title", "badge", "words", "upcoming", "last", "runs_so_far")
    list_display_links = ("title",)
    list_filter = (StateFilter, "kind", ActionFilter, OwnerFilter, "misfire", "overlap")
    search_fields = ("name", "owner", "action")
    search_help_text = _("Search name, owner and action")
    ordering = ("-pk",)
    list_defer = ("args",)
    change_form_template = "scheduling/schedule_form.html"
    list_before_template = "scheduling/schedule_list_head.html"
    fieldsets = (
        (
            _("When"),
            {
                "fields": (
                    *("name", "kind", "at", "every", "expression"),
                    *("timezone", "start_at", "end_at"),
                )
            },
        ),
        (_("What"), {"fields": ("action",)}),
        (
            _("Missed and overlapping"),
            {
                "classes": ("tab",),
                "fields": (
                    *("misfire", "misfire_grace_seconds", "misfire_limit"),
                    *("overlap", "jitter_seconds"),
                ),
            },
        ),
        (
            _("Failures"),
            {
                "classes": ("tab",),
                "fields": (
                    *("max_attempts", "backoff_seconds"),
                    *("timeout_seconds", "pause_after_failures"),
                ),
            },
        ),
        (_("Limits"), {"classes": ("tab",), "fields": ("max_runs",)}),
        (
            _("Record"),
            {
                "classes": ("tab",),
                "fields": ("badge_now", "runs_so_far", "owner_text", "args_json", "created"),
            },
        ),
    )
    readonly_fields = ("badge_now", "runs_so_far", "owner_text", "args_json", "created")

    class Media:
        css = {"all": ("scheduling/schedules.css",)}

    # -- pages -------------------------------------------------------------------------------------

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return ScheduleList

    def get_urls(self) -> list[URLPattern]:
        def view(name: str, route: str, function: Any) -> URLPattern:
            def page(request: HttpRequest, **kwargs: Any) -> HttpResponse:
                answer: HttpResponse = function(self, request, **kwargs)
                return answer

            return path(route, self.admin_site.admin_view(page), name=f"scheduling_schedule_{name}")

        return [
            view("timeline", "timeline/", timeline_view),
            view("preview", "preview/", preview_view),
            view("action_form", "action-form/", action_form_view),
            view("runs", "<int:pk>/runs/", history_view),
            *super().get_urls(),
        ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        fieldsets = super().get_fieldsets(request, obj)
        return fieldsets if obj is not None else fieldsets[:-1]

    def get_object(self, request: HttpRequest, object_id: str, from_field: Any = None) -> Any:
        """Return None, with a message, for a row edited by hand that cannot be read."""
        try:
            return super().get_object(request, object_id, from_field)
        except READ_ERRORS as error:
            text = gettext("Schedule %(id)s cannot be read from its row: %(error)s")
            messages.error(request, text % {"id": object_id, "error": error})
            return None

    def changeform_view(
        self,
        request: HttpRequest,
        object_id: str | None = None,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> Any:
        try:
            return super().changeform_view(request, object_id, form_url, extra_context)
        except ValidationError as error:
            # Columns that the form does not have, edited by hand or by somebody else meanwhile.
            for message in error.messages:
                messages.error(request, message)
            return HttpResponseRedirect(request.get_full_path())

    def render_change_form(
        self, request: HttpRequest, context: Any, *args: Any, obj: Any = None, **kwargs: Any
    ) -> Any:
        """Add what the template shows beside the fields: how the schedule does, in brief."""
        may_edit = self.has_change_permission if obj else self.has_add_permission
        context |= {"may_edit": may_edit(request)}
        if obj is not None:
            context["glance"] = self._glance(request, obj)
        return super().render_change_form(request, context, *args, obj=obj, **kwargs)

    def _glance(self, request: HttpRequest, schedule: Any) -> dict[str, Any]:
        (schedule,) = supply([schedule])
        sees_runs = request.user.has_perm("scheduling.view_run")
        history = reverse("admin:scheduling_schedule_runs", args=[schedule.pk])
        return {
            "badge": schedule_badge_html(schedule),
            "next": next_html(schedule, schedule.next_fire_at, now=clock.now()),
            "strip": strip_html(schedule.latest_runs) if sees_runs else NOTHING,
            "history": history if sees_runs else "",
        }

    # -- saving ------------------------------------------------------------------------------------

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        """Store a new schedule, or of another one what was edited and nothing else."""
        if change:
            store_changes(obj, form.changed_fields())
        else:
            obj.save()
        if form.cleared:
            text = gettext("Left out, since a schedule of this kind has none: %(fields)s.")
            messages.info(request, text % {"fields": ", ".join(form.cleared)})

    # -- what a row shows --------------------------------------------------------------------------

    @display(description=_("name"))
    def title(self, schedule: Any) -> str:
        owner = schedule.owner
        return format_html(
            '<span class="botflow-cell"><span class="botflow-schedule-name">{}</span>{}</span>',
            Truncator(schedule.name).chars(60) or f"#{schedule.pk}",
            format_html('<span class="botflow-sub" title="{}">{}</span>', owner, owner[:28])
            if owner
            else "",
        )

    @display(description=_("state"))
    def badge(self, schedule: Any) -> str:
        return schedule_badge_html(schedule)

    @display(description=_("when"))
    def words(self, schedule: Any) -> str:
        return words_html(schedule)

    @display(description=_("next"))
    def upcoming(self, schedule: Any) -> str:
        return next_html(schedule, schedule.next_fire_at, now=clock.now())

    @display(description=_("last runs"))
    def last(self, schedule: Any) -> str:
        if not schedule.latest_runs:
            return NOTHING
        return format_html(
            '<div class="botflow-cell">{}{}</div>',
            strip_html(schedule.latest_runs),
            last_html(schedule.latest_runs, now=clock.now()),
        )

    @display(description=_("runs so far"))
    def runs_so_far(self, schedule: Any) -> str:
        return f"{schedule.run_count}" if schedule.pk else NOTHING

    @display(description=_("state"))
    def badge_now(self, schedule: Any) -> str:
        return schedule_badge_html(schedule)

    @display(description=_("owner"))
    def owner_text(self, schedule: Any) -> str:
        if not schedule.owner:
            return gettext("The site")
        number = f" · {schedule.number}" if schedule.number else ""
        return f"{schedule.owner}{number}"

    @display(description=_("arguments"))
    def args_json(self, schedule: Any) -> str:
        return json_html(schedule.args or None)

    @display(description=_("created"))
    def created(self, schedule: Any) -> str:
        return moment_html(schedule.created_at, now=clock.now())


def store_changes(edited: Schedule, fields: set[str]) -> None:
    """Write the edited fields over the stored row, whatever became of its other columns meanwhile.

    The row is locked: its pause, count and end are other processes' to write. Raises
    ValidationError.
    """
    if not fields:
        return
    with writing():
        stored = Schedule.objects.select_for_update().get(pk=edited.pk)
        for name in fields:
            setattr(stored, name, getattr(edited, name))
        stored.save(update_fields=fields)
