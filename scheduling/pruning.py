"""The action that prunes old runs at times of a site's own choosing."""

from __future__ import annotations

from datetime import timedelta

from django import forms
from django.utils.translation import gettext_lazy as _

from scheduling import clock
from scheduling.actions import action
from scheduling.models import Run
from scheduling.retention import prune_runs


class PruneForm(forms.Form):
    days = forms.IntegerField(
        label=_("Days"),
        min_value=1,
        max_value=36_500,
        initial=30,
        help_text=_("Runs that finished more than so many days ago are deleted."),
    )


@action("scheduling.prune", label=_("Prune old rows"), form=PruneForm)
def prune(run: Run, *, days: int) -> dict[str, int]:
    """Delete the runs that finished more than `days` ago, and say how many they were."""
    return {"deleted": prune_runs(finished_before=clock.now() - timedelta(days=int(days)))}
