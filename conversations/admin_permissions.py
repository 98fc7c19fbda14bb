"""Names permissions in the reader's language on the forms of people and groups."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib.auth.models import Permission
from django.utils.translation import gettext as _

# Django makes these four for each model, and stores their names in English.
_OF_EACH_MODEL = {
    "add": lambda: _("Can add"),
    "change": lambda: _("Can change"),
    "delete": lambda: _("Can delete"),
    "view": lambda: _("Can view"),
}


def permission_label(permission: Permission) -> str:
    """Return "app | model | what may be done" in the active language."""
    kind, _separator, model = permission.codename.partition("_")
    if kind in _OF_EACH_MODEL and model == permission.content_type.model:
        name = _OF_EACH_MODEL[kind]()
    else:
        name = _(permission.name)
    return f"{permission.content_type.app_labeled_name} | {name}"


def with_permission_labels(field: Any) -> Any:
    """Return a form field for permissions that labels them so; any other one as it is."""
    queryset = field.queryset if isinstance(field, forms.ModelChoiceField) else None
    if queryset is not None and queryset.model is Permission:
        field.label_from_instance = permission_label
    return field
