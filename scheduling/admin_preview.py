"""Answers the schedule's form while somebody types: the next fire times, an action's fields."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from scheduling import clock, validating
from scheduling.admin_action_form import action_form, takes_json
from scheduling.admin_schedule_form import ScheduleForm
from scheduling.admin_schedule_texts import fire_time_parts, when_text
from scheduling.admin_when_form import WhenForm
from scheduling.models import Schedule
from scheduling.triggers import InvalidTrigger

if TYPE_CHECKING:
    from scheduling.admin_schedules import ScheduleAdmin

#: How many fire times the preview shows.
SHOWN = 5


def _check(page: ScheduleAdmin, request: HttpRequest) -> None:
    """Raise PermissionDenied for those who may neither add nor change schedules."""
    if not (page.has_add_permission(request) or page.has_change_permission(request)):
        raise PermissionDenied


def _stored(request: HttpRequest) -> Schedule | None:
    """Return the schedule that is being edited, None when it is a new one or gone."""
    pk = request.GET.get("schedule", "")
    if not (pk.isascii() and pk.isdecimal() and len(pk) < 19):
        return None
    return Schedule.objects.filter(pk=pk).first()


def preview_view(page: ScheduleAdmin, request: HttpRequest) -> HttpResponse:
    """Answer with `words` and `times`, or with `errors` that name their fields; stores nothing."""
    _check(page, request)
    return require_GET(_preview)(request)


def _preview(request: HttpRequest) -> JsonResponse:
    form = WhenForm(request.GET, instance=_stored(request))
    if not form.is_valid():
        errors = [
            {
                "field": name,
                "label": str(form.fields[name].label) if name in form.fields else "",
                "message": " ".join(str(message) for message in messages),
            }
            for name, messages in form.errors.items()
        ]
        return JsonResponse({"errors": errors})
    now = clock.now()
    schedule = form.instance
    validating.complete(schedule, now=now)
    try:
        words, times = when_text(schedule), schedule.next_fire_times(SHOWN, now=now)
    except InvalidTrigger as error:
        message = {"field": "", "label": "", "message": validating.sentence(error)}
        return JsonResponse({"errors": [message]})
    return JsonResponse(
        {
            "words": words,
            "zone": schedule.timezone,
            "times": [fire_time_parts(each, schedule.timezone, now=now) for each in times],
            "note": "" if times else _("It never fires again."),
        }
    )


def action_form_view(page: ScheduleAdmin, request: HttpRequest) -> HttpResponse:
    """Answer with the fields of the action that was chosen, as a piece of HTML."""
    _check(page, request)
    return require_GET(_action_fields)(request)


def _action_fields(request: HttpRequest) -> HttpResponse:
    name, stored = request.GET.get("action", ""), _stored(request)
    context = action_context(
        name, action_form(name, instance=stored), ScheduleForm(instance=stored)
    )
    return render(request, "scheduling/action_fields.html", context)


def action_context(name: str, own_form: Any, form: Any) -> dict[str, Any]:
    """Return what the template of an action's fields needs."""
    return {
        "action_form": own_form,
        "args_field": form["args"] if takes_json(name) else None,
        "has_action": bool(name),
    }
