"""How the admin shows the state of a run, in badges, bars and marks alike."""

from __future__ import annotations

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext, pgettext

from scheduling.admin_texts import badge_html
from scheduling.models import Run
from scheduling.states import RunState, SkipReason

STATE_COLORS = {
    RunState.PENDING.value: "info",
    RunState.RUNNING.value: "warning",
    RunState.SUCCEEDED.value: "success",
    RunState.FAILED.value: "danger",
}


def state_text(state: str, skip_reason: str = "", *, is_next: bool = False) -> str:
    """Return a state in words, with the reason for which an occurrence was skipped."""
    if is_next:
        return pgettext("occurrence", "Next")
    text = str(RunState(state).label) if state in RunState.values else state
    if skip_reason not in SkipReason.values:
        return text
    return gettext("%(state)s: %(reason)s") % {
        "state": text,
        "reason": str(SkipReason(skip_reason).label).lower(),
    }


def run_badge_html(run: Run) -> SafeString:
    text = state_text(run.state, run.skip_reason, is_next=run.is_next)
    color = "primary" if run.is_next else STATE_COLORS.get(run.state)
    return format_html("{}", badge_html(text, color))
