"""The form of a schedule: when, what, and its policies in plain sentences."""

from __future__ import annotations

from typing import Any

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminDecimalFieldWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminRadioSelectWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from scheduling.admin_action_form import action_form, offered_actions, takes_json
from scheduling.admin_when_form import TRIGGER_FIELDS, WhenForm
from scheduling.forms import form_args
from scheduling.models import ACTION_LENGTH

ACTION_FIELDS = ("action", "args")

#: field → (label, what it does)
POLICIES: dict[str, tuple[Any, Any]] = {
    "misfire": (
        _("When occurrences are missed"),
        _("While nothing was running, or all workers were busy for longer than the grace."),
    ),
    "misfire_grace_seconds": (
        _("Grace in seconds"),
        _("An occurrence that starts within so many seconds counts as on time."),
    ),
    "misfire_limit": (
        _("Most missed ones to run"),
        _("Only where each of them is run: the latest so many."),
    ),
    "overlap": (
        _("When the last run is not finished"),
        _("What becomes of an occurrence that is due meanwhile."),
    ),
    "jitter_seconds": (
        _("Spread over seconds"),
        _("Each occurrence starts up to this much later, so that not all start at once."),
    ),
    "max_attempts": (
        _("Attempts"),
        _("A run that fails is tried again until it has been tried so often."),
    ),
    "backoff_seconds": (
        _("Seconds before the second attempt"),
        _("Doubled with each further one; empty for the usual ones."),
    ),
    "timeout_seconds": (
        _("Timeout in seconds"),
        _("A run that takes longer is stopped; empty for the usual limit."),
    ),
    "pause_after_failures": (
        _("Pause after failures"),
        _("So many failed runs in a row pause the schedule; 0 for never."),
    ),
    "max_runs": (
        _("Most runs"),
        _("After so many it is finished; skipped and manual runs do not count. Empty: no end."),
    ),
}

WIDGETS: dict[str, type[forms.Widget] | forms.Widget] = {
    "name": UnfoldAdminTextInputWidget(),
    "misfire": UnfoldAdminRadioSelectWidget(),
    "overlap": UnfoldAdminRadioSelectWidget(),
    **{
        name: UnfoldAdminIntegerFieldWidget()
        for name in (
            *("misfire_grace_seconds", "misfire_limit", "jitter_seconds", "max_attempts"),
            *("pause_after_failures", "max_runs"),
        )
    },
    "backoff_seconds": UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
    "timeout_seconds": UnfoldAdminDecimalFieldWidget(attrs={"step": "any"}),
}


class ScheduleForm(WhenForm):
    """A schedule's definition; the chosen action's own form is validated with it.

    `action_form` is that form, bound or with the stored arguments, None for an action without one.
    """

    # Which actions there are is for the model to say: it names them.
    action = forms.CharField(
        label=_("Action"),
        max_length=ACTION_LENGTH,
        widget=UnfoldAdminSelectWidget(attrs={"required": True}),
        help_text=_("What is done each time."),
    )
    args = forms.JSONField(
        label=_("Arguments"),
        required=False,
        widget=UnfoldAdminTextareaWidget(attrs={"rows": 4, "spellcheck": "false"}),
        help_text=_("A JSON object with the arguments of the action by name."),
    )

    class Meta(WhenForm.Meta):
        fields = ("name", *TRIGGER_FIELDS, "action", *POLICIES)
        widgets = WIDGETS

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["action"].widget.choices = offered_actions(self.instance.action)
        for name, (label, help_text) in POLICIES.items():
            if name in self.fields:  # of a page that may only be viewed they are not
                self.fields[name].label, self.fields[name].help_text = label, help_text
        self.initial["args"] = self.instance.args or {}
        self.action_form = action_form(
            self.chosen_action, data=self.data if self.is_bound else None, instance=self.instance
        )

    @property
    def chosen_action(self) -> str:
        return self.data.get("action", "") if self.is_bound else self.instance.action

    @property
    def has_json_args(self) -> bool:
        return takes_json(self.chosen_action)

    def clean(self) -> dict[str, Any]:
        """Take over the arguments from the action's form, or as JSON where it has none."""
        cleaned = super().clean()
        if self.action_form is None:
            args = cleaned.get("args") if self.has_json_args else None
            self.instance.args = {} if args is None else args
            if not self.has_json_args:
                self.errors.pop("args", None)
            return cleaned
        self.errors.pop("args", None)
        if self.action_form.is_valid():
            self.instance.args = form_args(self.action_form)
        else:
            self.add_error("action", gettext("Correct what this action needs, below."))
        return cleaned

    def _update_errors(self, errors: ValidationError) -> None:
        """Leave out what is wrong with the arguments where the action's own form says it."""
        if hasattr(errors, "error_dict") and self.action_form is not None:
            if self.action_form.errors:
                errors.error_dict.pop("args", None)
            elif wrong := errors.error_dict.pop("args", None):
                self.action_form.add_error(None, ValidationError([each.message for each in wrong]))
                self.add_error("action", gettext("Correct what this action needs, below."))
        super()._update_errors(errors)

    def changed_fields(self) -> set[str]:
        """Return the model's fields that were edited, each with those that must fit it."""
        changed = set(self.changed_data) & set(self._meta.fields or ())
        if changed & set(TRIGGER_FIELDS) or self.cleared:
            changed |= set(TRIGGER_FIELDS)
        if "action" in changed or self.instance.args != self.initial["args"]:
            changed |= set(ACTION_FIELDS)
        return changed
