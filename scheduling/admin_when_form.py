"""The part of a schedule's form that says when: shared by the page and its live preview."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django import forms
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.utils.translation import gettext_lazy as _
from unfold.widgets import UnfoldAdminRadioSelectWidget, UnfoldAdminTextInputWidget

from scheduling import clock
from scheduling.admin_fields import IntervalField, LocalMomentField, ZoneField, in_zone, local_text
from scheduling.models import Schedule
from scheduling.models.schedules import default_timezone
from scheduling.triggers import LONGEST_EXPRESSION, InvalidTrigger, zone_named
from scheduling.validating import ALL_FIELDS, FIELDS

#: What makes up the trigger; a change of one of them stores them all, so that they fit together.
TRIGGER_FIELDS = ("kind", "timezone", *ALL_FIELDS)
MOMENTS = ("at", "start_at", "end_at")


class WhenForm(forms.ModelForm):
    """Reads a trigger; what is filled in for another kind is set aside, and named in `cleared`."""

    kind = forms.ChoiceField(
        label=_("Kind"),
        choices=Schedule.Kind.choices,
        initial=Schedule.Kind.CRON,
        widget=UnfoldAdminRadioSelectWidget(radio_style=1),
    )
    timezone = ZoneField(
        label=_("Time zone"),
        initial=default_timezone,
        help_text=_("All times of this schedule are on this zone's clock."),
    )
    at = LocalMomentField(label=_("At"), required=False)
    every = IntervalField(
        label=_("Every"),
        required=False,
        help_text=_("Elapsed time: an interval of 24 hours moves by one when clocks change."),
    )
    expression = forms.CharField(
        label=_("Cron expression"),
        required=False,
        max_length=LONGEST_EXPRESSION,
        widget=UnfoldAdminTextInputWidget(
            attrs={"placeholder": "0 9 * * 1-5", "autocomplete": "off", "spellcheck": "false"}
        ),
        help_text=_("Minute, hour, day, month, weekday; or six fields, seconds first."),
    )
    start_at = LocalMomentField(
        label=_("Start"),
        required=False,
        help_text=_("Nothing happens before it. An interval counts from it; empty: from now."),
    )
    end_at = LocalMomentField(
        label=_("End"), required=False, help_text=_("Nothing happens after it.")
    )

    class Meta:
        model = Schedule
        fields: tuple[str, ...] = TRIGGER_FIELDS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.cleared: list[str] = []
        #: The texts under which stored moments are shown: unchanged, they mean just those moments.
        self.shown: dict[str, str] = {}
        for name in MOMENTS:
            moment = getattr(self.instance, name)
            if moment is not None:
                self.shown[name] = local_text(moment, self.instance.timezone)
                self.initial[name] = self.shown[name]

    def clean(self) -> dict[str, Any]:
        """Set aside what belongs to other kinds and give the rest its time zone."""
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        needed, allowed = FIELDS.get(cleaned.get("kind", ""), (set(), set(ALL_FIELDS)))
        for name in ALL_FIELDS:
            if name not in self.fields or name in needed | allowed:
                continue
            if cleaned.get(name) not in (None, "") or name in self.errors:
                self.cleared.append(str(self.fields[name].label))
            self.errors.pop(name, None)
            cleaned[name] = "" if name == "expression" else None
            # What was not sent at all would be left as it is stored.
            setattr(self.instance, name, cleaned[name])
        self._place_moments(cleaned)
        if cleaned.get("kind") == "interval" and "start_at" not in self.errors:
            cleaned["start_at"] = cleaned.get("start_at") or clock.now().replace(microsecond=0)
        return cleaned

    def _place_moments(self, cleaned: dict[str, Any]) -> None:
        try:
            zone = zone_named(cleaned.get("timezone", ""))
        except InvalidTrigger:
            zone = None
        for name in MOMENTS:
            local = cleaned.get(name)
            if not isinstance(local, datetime):
                continue
            stored = getattr(self.instance, name)
            is_same_zone = cleaned.get("timezone") == self.initial.get("timezone")
            if is_same_zone and self.shown.get(name) == f"{local:%Y-%m-%dT%H:%M:%S}":
                cleaned[name] = stored
                continue
            try:
                cleaned[name] = in_zone(local, zone) if zone else None
            except ValidationError as error:
                self.add_error(name, error)

    def _update_errors(self, errors: ValidationError) -> None:
        """Add the model's errors, but to no field that has one of its own, which caused them."""
        found: dict[str, Any] = {NON_FIELD_ERRORS: [errors]}
        if hasattr(errors, "error_dict"):
            found = dict(errors.error_dict)
        for name in list(found):
            if name in self.errors:
                del found[name]
            elif name != NON_FIELD_ERRORS and name not in self.fields:
                found.setdefault(NON_FIELD_ERRORS, []).extend(found.pop(name))
        if found:
            super()._update_errors(ValidationError(found))  # type: ignore[misc]
