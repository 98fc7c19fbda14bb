"""The form fields of schedules that no ready-made one is: local times, intervals, time zones."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminSelect2Widget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextInputWidget,
)

from scheduling.triggers import InvalidTrigger, zone_named

UNITS = {"seconds": 1, "minutes": 60, "hours": 3_600, "days": 86_400}
UNIT_CHOICES = [
    ("seconds", gettext_lazy("seconds")),
    ("minutes", gettext_lazy("minutes")),
    ("hours", gettext_lazy("hours")),
    ("days", gettext_lazy("days")),
]


class LocalMomentField(forms.Field):
    """A date and time on the clock of a zone that another field names; cleans to a naive one."""

    default_error_messages = {
        "invalid": gettext_lazy("Enter a date and a time such as 2026-03-04 09:30."),
    }

    def __init__(self, **more: Any) -> None:
        attrs = {"type": "datetime-local", "step": "1", "max": "9999-12-31T23:59:59"}
        super().__init__(widget=UnfoldAdminTextInputWidget(attrs=attrs), **more)

    def to_python(self, value: Any) -> datetime | None:
        if value in self.empty_values:
            return None
        try:
            moment = datetime.fromisoformat(str(value).strip())
        except ValueError:
            raise ValidationError(self.error_messages["invalid"], code="invalid") from None
        if moment.tzinfo is not None:
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return moment


def local_text(moment: datetime, zone: str) -> str:
    """Return a moment on the clock of a zone, to the second, as the browser's field takes it."""
    try:
        return f"{moment.astimezone(zone_named(zone)):%Y-%m-%dT%H:%M:%S}"
    except (InvalidTrigger, OverflowError):
        return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S}"


def in_zone(local: datetime, zone: ZoneInfo) -> datetime:
    """Return the moment at which a zone's clock shows `local`, the first of two.

    Raises ValidationError for a time that the clock leaves out.
    """
    try:
        moment = local.replace(tzinfo=zone).astimezone(UTC)
        shown = moment.astimezone(zone)
    except OverflowError:
        raise ValidationError(_("This is too close to the end of the calendar.")) from None
    if shown.replace(tzinfo=None) != local:
        raise ValidationError(
            _("Clocks are put forward then: this time does not exist in %(zone)s."),
            params={"zone": zone.key},
        )
    return moment


class IntervalWidget(forms.MultiWidget):
    """A number and its unit, side by side."""

    template_name = "scheduling/interval_widget.html"

    def __init__(self) -> None:
        number = UnfoldAdminDecimalFieldWidget(
            attrs={"min": "0", "step": "any", "aria-label": gettext_lazy("number")}
        )
        unit = UnfoldAdminSelectWidget(
            attrs={"aria-label": gettext_lazy("unit")}, choices=UNIT_CHOICES
        )
        super().__init__({"number": number, "unit": unit})

    def decompress(self, value: timedelta | None) -> list[Any]:
        """Return the number in the largest unit that leaves no fraction."""
        if not isinstance(value, timedelta):
            return [None, "minutes"]
        for unit in ("days", "hours", "minutes"):
            if value and not value % timedelta(seconds=UNITS[unit]):
                return [value // timedelta(seconds=UNITS[unit]), unit]
        seconds = Decimal(value // timedelta(microseconds=1)) / 1_000_000
        return [f"{seconds:f}".rstrip("0").rstrip("."), "seconds"]


class IntervalField(forms.MultiValueField):
    """A length of time as a number and a unit."""

    def __init__(self, **more: Any) -> None:
        number = forms.DecimalField(min_value=0, max_digits=20)
        unit = forms.ChoiceField(choices=UNIT_CHOICES)
        super().__init__(fields=(number, unit), widget=IntervalWidget(), **more)

    def compress(self, data_list: list[Any]) -> timedelta | None:
        if not data_list or data_list[0] is None or not data_list[1]:
            return None
        number, unit = data_list
        try:
            return timedelta(microseconds=int(number * UNITS[unit] * 1_000_000))
        except OverflowError:
            raise ValidationError(_("This is longer than the calendar.")) from None


@cache
def zone_names() -> list[str]:
    """Return the names of all time zones that a schedule may have."""

    def is_fit(name: str) -> bool:
        try:
            zone_named(name)
        except InvalidTrigger:
            return False
        return name != "Factory"

    return sorted(name for name in available_timezones() if is_fit(name))


def zone_choices() -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ")) for name in zone_names()]


class ZoneField(forms.CharField):
    """One of all time zones, to be searched for; a stored one that is none is shown as it is."""

    def __init__(self, **more: Any) -> None:
        # The names of zones are the same in every language.
        widget = ZoneWidget(attrs={"lang": "en"}, choices=zone_choices)
        super().__init__(max_length=64, widget=widget, **more)


class ZoneWidget(UnfoldAdminSelect2Widget):
    def optgroups(self, name: str, value: list[str], attrs: Any = None) -> list[Any]:
        known = set(zone_names())
        unknown = [(each, each) for each in value if each and each not in known]
        self.choices = [*unknown, *zone_choices()]
        return super().optgroups(name, value, attrs)
