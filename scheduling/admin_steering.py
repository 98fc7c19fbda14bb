"""Pause, resume, run now and duplicate: from the list and from a schedule's page, asked first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import ADDITION, CHANGE, LogEntry
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action as detail_action
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm
from unfold.widgets import UnfoldAdminTextInputWidget

from scheduling import clock, planning
from scheduling.admin_base import BotFlowModelAdmin
from scheduling.admin_schedule_rows import READ_ERRORS
from scheduling.copying import copy_schedule
from scheduling.models import Schedule
from scheduling.triggers import InvalidTrigger
from scheduling.validating import sentence
from scheduling.writing import writing

# Schedules that one request may steer: each is a transaction of its own.
MOST_AT_ONCE = 500


class Refused(Exception):
    """Why one schedule was left alone, as a sentence."""


def _reason_field() -> forms.CharField:
    return forms.CharField(
        label=_("Reason"),
        required=False,
        max_length=500,
        widget=UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"}),
        help_text=_("Shown in the list and in the history."),
    )


class ReasonDialog(BaseDialogForm):
    reason = _reason_field()


class ReasonForm(forms.Form):
    reason = _reason_field()


def _read(pk: int) -> Schedule:
    try:
        return Schedule.objects.get(pk=pk)
    except READ_ERRORS as error:
        text = gettext("This row cannot be read: %(error)s") % {"error": error}
        raise Refused(text) from None
    except Schedule.DoesNotExist:
        raise Refused(gettext("It was deleted meanwhile.")) from None


def _pause(request: HttpRequest, schedule: Schedule, reason: str) -> None:
    by = request.user.get_username()
    if not planning.pause(schedule, now=clock.now(), by=by, reason=reason):
        raise Refused(gettext("It is not enabled."))
    note = gettext("Paused: %(reason)s") % {"reason": reason} if reason else gettext("Paused.")
    _log(request, schedule, note)


def _resume(request: HttpRequest, schedule: Schedule, reason: str) -> None:
    try:
        if not planning.resume(schedule, now=clock.now()):
            raise Refused(gettext("It is not paused."))
    except InvalidTrigger as error:
        raise Refused(sentence(error)) from None
    _log(request, schedule, gettext("Resumed."))


def _run_now(request: HttpRequest, schedule: Schedule, reason: str) -> None:
    run = planning.run_now(schedule, now=clock.now(), by=request.user.get_username())
    _log(request, schedule, gettext("Run now: run #%(id)d.") % {"id": run.pk})


def _duplicate(request: HttpRequest, schedule: Schedule, reason: str) -> Schedule:
    try:
        copy = copy_schedule(schedule, now=clock.now(), by=request.user.get_username())
    except ValidationError as error:
        raise Refused(" ".join(error.messages)) from None
    note = gettext("Duplicated as “%(name)s” #%(id)d.")
    _log(request, schedule, note % {"name": copy.name, "id": copy.pk})
    note = gettext("A copy of “%(name)s” #%(id)d.") % {"name": schedule.name, "id": schedule.pk}
    LogEntry.objects.log_actions(request.user.pk or 0, [copy], ADDITION, note)
    return copy


def _log(request: HttpRequest, schedule: Schedule, note: str) -> None:
    LogEntry.objects.log_actions(request.user.pk or 0, [schedule], CHANGE, note)


@dataclass(frozen=True)
class Step:
    """One thing to do with schedules: what it asks, how it is done, what it says afterwards."""

    name: str
    do: Callable[[HttpRequest, Schedule, str], Any]
    question: str | Promise
    consequence: str | Promise
    button: str | Promise
    asks_reason: bool = False

    def told(self, number: int) -> str:
        """Return what was done with how many."""
        text = {
            "pause": ngettext("%(n)d schedule is paused.", "%(n)d schedules are paused.", number),
            "resume": ngettext("%(n)d schedule goes on.", "%(n)d schedules go on.", number),
            "run_now": ngettext("%(n)d run was queued.", "%(n)d runs were queued.", number),
            "duplicate": ngettext(
                "%(n)d paused copy was made.", "%(n)d paused copies were made.", number
            ),
        }[self.name]
        return text % {"n": number}


PAUSE = Step(
    "pause",
    _pause,
    _("Pause the schedule?"),
    _("Nothing of it starts until it is resumed; what runs already goes on to its end."),
    _("Pause"),
    asks_reason=True,
)
RESUME = Step(
    "resume",
    _resume,
    _("Resume the schedule?"),
    _("It goes on with its next fire time; what was missed meanwhile stays missed."),
    _("Resume"),
)
RUN_NOW = Step(
    "run_now",
    _run_now,
    _("Run the schedule now?"),
    _("One run more is queued at once. It does not count, and changes no other fire time."),
    _("Run now"),
)
DUPLICATE = Step(
    "duplicate",
    _duplicate,
    _("Duplicate the schedule?"),
    _("The copy is paused, so that nothing happens twice before it was edited."),
    _("Duplicate"),
)


def steer(
    request: HttpRequest, schedules: QuerySet[Schedule], step: Step, reason: str
) -> list[Any]:
    """Do one step with each schedule and log it, both or neither; say what was done and why not."""
    done: list[Any] = []
    refusals: list[str] = []
    for pk, name in schedules.order_by("pk").values_list("pk", "name")[:MOST_AT_ONCE]:
        try:
            with writing():
                done.append(step.do(request, _read(pk), reason))
        except Refused as refusal:
            refusals.append(f"{name}: {refusal}")
    if done:
        messages.success(request, step.told(len(done)))
    if refusals:
        text = ngettext(
            "%(n)d was left alone. %(why)s", "%(n)d were left alone. %(why)s", len(refusals)
        )
        why = " ".join(refusals[:3])
        messages.warning(request, text % {"n": len(refusals), "why": why})
    return done


def _number(object_id: Any) -> int:
    """Return the id in an address, 0 for anything that is none."""
    text = str(object_id)
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 19 else 0


def _dialog(step: Step) -> dict[str, Any]:
    return {
        "title": step.question,
        "description": step.consequence,
        "form_class": ReasonDialog if step.asks_reason else None,
        "form_submit_text": step.button,
    }


class SteeringAdmin(BotFlowModelAdmin):
    """The actions of schedules; who may do which is a permission of its own."""

    actions = ("pause", "resume", "run_now", "duplicate")
    actions_detail = ("pause_one", "resume_one", "run_one", "duplicate_one")

    def has_pause_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = request.user.has_perm("scheduling.pause_schedule")
        return self.has_view_permission(request) and allowed

    def has_run_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = request.user.has_perm("scheduling.run_schedule")
        return self.has_view_permission(request) and allowed

    def has_duplicate_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request) and self.has_add_permission(request)

    def get_actions_detail(self, request: HttpRequest, object_id: Any) -> list[Any]:
        """Offer what the schedule's state allows; one query."""
        offered = super().get_actions_detail(request, object_id)
        states = Schedule.objects.filter(pk=_number(object_id)).values_list(
            "enabled", "finished_at"
        )
        enabled, finished_at = states.first() or (False, None)
        hidden = {
            "scheduling_schedule_pause_one": not enabled,
            "scheduling_schedule_resume_one": enabled or finished_at is not None,
        }
        return [offer for offer in offered if not hidden.get(offer.action_name)]

    # -- from the list -----------------------------------------------------------------------------

    @admin.action(permissions=["pause"], description=_("Pause selected schedules"))
    def pause(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        return self._ask_or_steer(request, queryset, PAUSE)

    @admin.action(permissions=["pause"], description=_("Resume selected schedules"))
    def resume(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        return self._ask_or_steer(request, queryset, RESUME)

    @admin.action(permissions=["run"], description=_("Run selected schedules now"))
    def run_now(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        return self._ask_or_steer(request, queryset, RUN_NOW)

    @admin.action(permissions=["duplicate"], description=_("Duplicate selected schedules"))
    def duplicate(self, request: HttpRequest, queryset: QuerySet[Schedule]) -> HttpResponse | None:
        return self._ask_or_steer(request, queryset, DUPLICATE)

    def _ask_or_steer(
        self, request: HttpRequest, queryset: QuerySet[Schedule], step: Step
    ) -> HttpResponse | None:
        form = ReasonForm(request.POST if "confirmed" in request.POST else None)
        if "confirmed" in request.POST and form.is_valid():
            steer(request, queryset, step, form.cleaned_data["reason"])
            return None
        names = list(queryset.order_by("pk").values_list("pk", "name")[: MOST_AT_ONCE + 1])
        context = self.admin_site.each_context(request) | {
            "title": step.button,
            "opts": self.opts,
            "step": step,
            "form": form if step.asks_reason else None,
            "schedules": names[:MOST_AT_ONCE],
            "checkbox": ACTION_CHECKBOX_NAME,
            "media": self.media,
        }
        return TemplateResponse(request, "scheduling/confirm.html", context)

    # -- from a schedule's page --------------------------------------------------------------------
    # Dialogs, since a plain button of the theme would change the schedule with a GET.

    @detail_action(
        permissions=["pause"],
        description=_("Pause"),
        url_path="pause",
        icon="pause",
        dialog=_dialog(PAUSE),
    )
    def pause_one(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._steer_one(request, object_id, PAUSE, form.cleaned_data["reason"])

    @detail_action(
        permissions=["pause"],
        description=_("Resume"),
        url_path="resume",
        icon="play_arrow",
        variant=ActionVariant.PRIMARY,
        dialog=_dialog(RESUME),
    )
    def resume_one(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._steer_one(request, object_id, RESUME)

    @detail_action(
        permissions=["run"],
        description=_("Run now"),
        url_path="run",
        icon="bolt",
        dialog=_dialog(RUN_NOW),
    )
    def run_one(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._steer_one(request, object_id, RUN_NOW)

    @detail_action(
        permissions=["duplicate"],
        description=_("Duplicate"),
        url_path="duplicate",
        icon="content_copy",
        dialog=_dialog(DUPLICATE),
    )
    def duplicate_one(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        return self._steer_one(request, object_id, DUPLICATE)

    def _steer_one(
        self, request: HttpRequest, object_id: str, step: Step, reason: str = ""
    ) -> HttpResponse:
        """Steer one and lead to its page, or to its copy's; the dialog follows HX-Redirect."""
        pk = _number(object_id)
        done = steer(request, Schedule.objects.filter(pk=pk), step, reason)
        shown = done[0].pk if done and isinstance(done[0], Schedule) else pk
        page = reverse("admin:scheduling_schedule_change", args=[shown])
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": page})
        return HttpResponse(status=303, headers={"Location": page})
