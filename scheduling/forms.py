"""Turns what a person filled into an action's form into arguments that a schedule can store."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from django.core.serializers.json import DjangoJSONEncoder
from django.db.models import Model, QuerySet
from django.forms import BaseForm


def form_args(form: BaseForm) -> dict[str, Any]:
    """Return the cleaned data of a valid form as JSON values, by field name.

    A model instance becomes its uuid if it has one, else its primary key; dates, times, durations
    and decimals become text that the form reads again.
    """
    return {name: _plain(value) for name, value in form.cleaned_data.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Model):
        return _plain(getattr(value, "uuid", value.pk))
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, list | tuple | set | frozenset | QuerySet):
        return [_plain(each) for each in value]
    return json.loads(json.dumps(value, cls=DjangoJSONEncoder))
