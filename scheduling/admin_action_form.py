"""The form of the action that a schedule names, dressed for the admin and filled with its data."""

from __future__ import annotations

from typing import Any

from django import forms
from django.forms.widgets import DateTimeBaseInput, Input
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from unfold.widgets import (
    CHECKBOX_CLASSES,
    INPUT_CLASSES,
    SELECT_CLASSES,
    TEXTAREA_CLASSES,
)

from scheduling.actions import Action, ActionError, registry, signature
from scheduling.models import Schedule

#: What the names of the action's fields begin with on the page.
PREFIX = "args"

# The first that fits counts.
_CLASSES: list[tuple[tuple[type[forms.Widget], ...], list[str]]] = [
    ((forms.CheckboxSelectMultiple, forms.RadioSelect, forms.MultiWidget), []),
    ((forms.CheckboxInput,), CHECKBOX_CLASSES),
    ((forms.Select,), SELECT_CLASSES),
    ((forms.Textarea,), TEXTAREA_CLASSES),
    ((Input,), INPUT_CLASSES),
]
# What browsers have pickers for, which read one format; Django's own widgets are plain text.
_TYPES: list[tuple[type[DateTimeBaseInput], str, str]] = [
    (forms.DateInput, "date", "%Y-%m-%d"),
    (forms.TimeInput, "time", "%H:%M:%S"),
]


def offered_actions(current: str = "") -> list[tuple[str, str | Promise]]:
    """Return the actions a person can schedule, by label: those with a form or without arguments.

    The one that a schedule has already is among them, whatever it is.
    """
    offered = [
        (name, action.label)
        for name, action in registry.items()
        if action.form is not None or _runs_without_args(action)
    ]
    if current and current not in dict(offered):
        known = registry.get(current)
        offered.append((current, known.label if known else current))
    offered.sort(key=lambda pair: str(pair[1]).casefold())
    return [("", _("Select value")), *offered]


def _runs_without_args(action: Action) -> bool:
    try:
        action.bind({})
    except ActionError:
        return False
    return True


def takes_json(name: str) -> bool:
    """Return whether an action's arguments are written as JSON: it has some, and no form."""
    action = registry.get(name)
    if action is None:
        return bool(name)
    return action.form is None and len(signature(action.function).parameters) > 1


def action_form(
    name: str, *, data: Any = None, instance: Schedule | None = None
) -> forms.BaseForm | None:
    """Return the action's form, None without one; unbound it shows what the schedule has stored."""
    action = registry.get(name)
    if action is None or action.form is None:
        return None
    stored = instance.args if instance is not None and instance.action == name else {}
    initial = stored if isinstance(stored, dict) else {}
    form = action.form(data, prefix=PREFIX, initial=initial, auto_id="id_%s")
    for field in form.fields.values():
        _dress(field.widget)
    return form


def _dress(widget: forms.Widget) -> None:
    """Give a plain widget the look of the theme; one that brings its own classes keeps it."""
    for kind, input_type, input_format in _TYPES:
        if isinstance(widget, kind):
            widget.input_type, widget.format = input_type, input_format
    if type(widget) is forms.Select:
        widget.template_name = "unfold/widgets/select.html"
    if type(widget) is forms.Textarea and widget.attrs.get("rows") == "10":
        widget.attrs["rows"] = "4"
    for kinds, classes in _CLASSES:
        if isinstance(widget, kinds):
            if classes and "class" not in widget.attrs:
                widget.attrs["class"] = " ".join(classes)
            break
