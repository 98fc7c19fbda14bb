"""Says what is wrong with a schedule's definition, field by field, before it is stored."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from django import forms
from django.core.exceptions import ValidationError
from django.db import models
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from scheduling import actions, clock
from scheduling.actions import ActionError, as_json
from scheduling.triggers import MESSAGES, CronTrigger, InvalidTrigger

if TYPE_CHECKING:
    from scheduling.models import Schedule

Errors = dict[str, Any]

#: kind → the fields that it must have, and those that it may have besides.
FIELDS: dict[str, tuple[set[str], set[str]]] = {
    "once": ({"at"}, set()),
    "interval": ({"every", "start_at"}, {"end_at"}),
    "cron": ({"expression"}, {"start_at", "end_at"}),
}
ALL_FIELDS = ("at", "every", "expression", "start_at", "end_at")
#: field → what its value must be an instance of, where it has one.
TYPES: dict[str, type] = {
    **dict.fromkeys(("at", "start_at", "end_at"), datetime),
    "every": timedelta,
    "expression": str,
}
#: A shorter interval is over before it is noticed; a longer one nobody lives to see.
SHORTEST, LONGEST = timedelta(milliseconds=100), timedelta(days=36_500)

REQUIRED = gettext_lazy("This is needed for a schedule of this kind.")
UNWANTED = gettext_lazy("Leave this empty: it belongs to another kind of schedule.")
CHARACTERS = gettext_lazy("It contains characters that cannot be stored; leave them out.")


def complete(schedule: Schedule, *, now: datetime) -> None:
    """Fill in what may be left out: an interval begins now, its first occurrence one later.

    Raises ValidationError for values that the fields would not even try to convert.
    """
    for name, kind in TYPES.items():
        value = getattr(schedule, name)
        if kind is not str and not isinstance(value, kind | str | date | None):
            raise ValidationError({name: _wrong_type(name)})
    if schedule.kind == "interval" and schedule.start_at is None:
        schedule.start_at = now.replace(microsecond=0)
    schedule.expression = " ".join(str(schedule.expression or "").split())


def clean(schedule: Schedule) -> None:
    """Raise ValidationError with a sentence for each field that is wrong."""
    errors = _value_errors(schedule)
    if schedule.kind in FIELDS and not any(map(errors.get, ("kind", *ALL_FIELDS))):
        errors = (_kind_errors(schedule) or _trigger_errors(schedule)) | errors
    if schedule.action and "action" not in errors:
        errors |= _action_errors(schedule)
    if errors:
        raise ValidationError(errors)


def _value_errors(schedule: Schedule) -> Errors:
    """Return what is wrong with values on their own that the fields themselves let pass."""
    errors: Errors = {}
    for field in schedule._meta.concrete_fields:
        value = getattr(schedule, field.attname)
        if field.choices and value not in dict(field.flatchoices):
            known = ", ".join(str(choice) for choice, _label in field.flatchoices)
            errors[field.name] = _("Use one of: %(known)s.") % {"known": known}
        elif isinstance(value, str) and not _is_storable(value):
            errors[field.name] = CHARACTERS
        elif isinstance(field, models.FloatField) and not _is_finite(value):
            errors[field.name] = _("Write a number of seconds.")
        elif value not in (None, "") and not isinstance(value, TYPES.get(field.name, object)):
            errors[field.name] = _wrong_type(field.name)
        elif isinstance(value, datetime) and value.utcoffset() is None:
            errors[field.name] = _("It needs a time zone: %(value)s has none.") % {"value": value}
    return errors


def _is_storable(text: str) -> bool:
    """Tell whether every database takes a text: neither NUL nor half of a character in it."""
    return "\0" not in text and not any("\ud800" <= character <= "\udfff" for character in text)


def _is_finite(value: object) -> bool:
    return not isinstance(value, float) or math.isfinite(value)


def _wrong_type(name: str) -> str:
    if TYPES[name] is timedelta:
        return _("Write a length of time, such as 1:30:00 for an hour and a half.")
    return _("Write a date and a time, such as 2027-01-31 18:30.")


def _kind_errors(schedule: Schedule) -> Errors:
    needed, allowed = FIELDS[schedule.kind]
    errors: Errors = {}
    for name in ALL_FIELDS:
        is_set = getattr(schedule, name) not in (None, "")
        # An interval without a start begins now.
        if name in needed and not is_set and name != "start_at":
            errors[name] = REQUIRED
        elif is_set and name not in needed | allowed:
            errors[name] = UNWANTED
    if schedule.start_at and schedule.end_at and schedule.end_at < schedule.start_at:
        errors["end_at"] = _("The end is before the start; choose a later one.")
    if schedule.every is not None and not SHORTEST <= schedule.every <= LONGEST:
        errors["every"] = _("The interval must be from 0.1 seconds to 36,500 days.")
    return errors


def _trigger_errors(schedule: Schedule) -> Errors:
    try:
        CronTrigger("0 0 * * *", schedule.timezone)
    except InvalidTrigger as error:
        return {"timezone": sentence(error)}
    if schedule.kind == "interval" and schedule.start_at is None:
        return {}
    try:
        _trigger = schedule.trigger
    except InvalidTrigger as error:
        return {_field_of(schedule, error): sentence(error)}
    if schedule.at and schedule.at <= clock.now() and not _is_stored(schedule, at=schedule.at):
        return {"at": _("This is in the past; choose a later moment.")}
    return {}


def _field_of(schedule: Schedule, error: InvalidTrigger) -> str:
    """Return the field that a trigger's error is about."""
    moments = {"“at”": "at", "“start”": "start_at", "“end”": "end_at"}
    own = {"once": "at", "interval": "every", "cron": "expression"}[schedule.kind]
    return moments.get(str(error.params.get("what")), own)


def _is_stored(schedule: Schedule, **values: Any) -> bool:
    return type(schedule)._default_manager.filter(pk=schedule.pk, **values).exists()


def _action_errors(schedule: Schedule) -> Errors:
    action = actions.registry.get(schedule.action)
    if action is None:
        known = ", ".join(sorted(actions.registry))
        return {"action": _("There is no such action. There are: %(known)s.") % {"known": known}}
    if not isinstance(schedule.args, dict):
        return {"args": _('Write the arguments as an object, such as {"text": "Hello"}.')}
    try:
        as_json(schedule.args)
        if action.form and (wrong := _form_errors(action.form(data=schedule.args))):
            return {"args": wrong}
        action.bind(schedule.args)
    except (ActionError, ValueError) as error:
        return {"args": _("These arguments do not fit. %(error)s") % {"error": error}}
    return {}


def _form_errors(form: forms.Form) -> list[str]:
    return [
        f"{form.fields[name].label or name}: {message}" if name in form.fields else str(message)
        for name, messages in form.errors.items()
        for message in messages
    ]


def sentence(error: InvalidTrigger) -> str:
    """Return the error's sentence in the reader's language."""
    if error.code not in MESSAGES:
        return str(error)
    # The name of a field of an expression is a word of the sentence.
    words = {name: _(str(error.params[name])) for name in ("field",) if name in error.params}
    return _(MESSAGES[error.code]) % (error.params | words)
