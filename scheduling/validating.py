"""Says what is wrong with a schedule's definition, field by field, before it is stored."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scheduling import actions, clock
from scheduling.actions import ActionError, as_json
from scheduling.triggers import MESSAGES, CronTrigger, InvalidTrigger

if TYPE_CHECKING:
    from scheduling.models import Schedule

#: kind → the fields that it must have, and those that it may have besides.
FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "once": ({"at"}, set()),
    "interval": ({"every", "start_at"}, {"end_at"}),
    "cron": ({"expression"}, {"start_at", "end_at"}),
}
ALL_FIELDS = ("at", "every", "expression", "start_at", "end_at")

REQUIRED = gettext_lazy("This is needed for a schedule of this kind.")
UNWANTED = gettext_lazy("Leave this empty: it belongs to another kind of schedule.")


def complete(schedule: Schedule, *, now: datetime) -> None:
    """Fill in what may be left out: an interval begins now, its first occurrence one later."""
    if schedule.kind == "interval" and schedule.start_at is None:
        schedule.start_at = now.replace(microsecond=0)
    schedule.expression = " ".join(str(schedule.expression).split())


def clean(schedule: Schedule) -> None:
    """Raise ValidationError with a sentence for each field that is wrong."""
    errors: dict[str, object] = {}
    if schedule.kind in FIELDS:  # else the field itself says so
        errors |= _kind_errors(schedule) or _trigger_errors(schedule)
    if schedule.action:
        errors |= _action_errors(schedule)
    if errors:
        raise ValidationError(errors)


def _kind_errors(schedule: Schedule) -> dict[str, object]:
    needed, allowed = FIELDS[schedule.kind]
    errors: dict[str, object] = {}
    for name in ALL_FIELDS:
        is_set = getattr(schedule, name) not in (None, "")
        # An interval without a start begins now.
        if name in needed and not is_set and name != "start_at":
            errors[name] = REQUIRED
        elif is_set and name not in needed | allowed:
            errors[name] = UNWANTED
    if schedule.start_at and schedule.end_at and schedule.end_at < schedule.start_at:
        errors["end_at"] = _("The end is before the start.")
    return errors


def _trigger_errors(schedule: Schedule) -> dict[str, object]:
    try:
        CronTrigger("0 0 * * *", schedule.timezone)
    except InvalidTrigger as error:
        return {"timezone": sentence(error)}
    if schedule.kind == "interval" and schedule.start_at is None:
        return {}
    try:
        _trigger = schedule.trigger
    except InvalidTrigger as error:
        field = {"once": "at", "interval": "every", "cron": "expression"}[schedule.kind]
        return {field: sentence(error)}
    if schedule._state.adding and schedule.at and schedule.at <= clock.now():
        return {"at": _("This is in the past.")}
    return {}


def _action_errors(schedule: Schedule) -> dict[str, object]:
    action = actions.registry.get(schedule.action)
    if action is None:
        known = ", ".join(sorted(actions.registry))
        return {"action": _("There is no such action. There are: %(known)s.") % {"known": known}}
    try:
        as_json(schedule.args)
        action.bind(schedule.args)
    except (ActionError, ValueError) as error:
        return {"args": str(error)}
    if action.form is None:
        return {}
    form = action.form(data=schedule.args)
    return (
        {
            "args": [
                f"{form.fields[name].label or name}: {message}" if name in form.fields else message
                for name, messages in form.errors.items()
                for message in messages
            ]
        }
        if form.errors
        else {}
    )


def sentence(error: InvalidTrigger) -> str:
    """Return the error's sentence in the reader's language."""
    if error.code not in MESSAGES:
        return str(error)
    return _(MESSAGES[error.code]) % error.params
