"""Draws the latest runs of a schedule as bars: the height is the lateness, the look the state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.timezone import localtime
from django.utils.translation import gettext as _

from scheduling.admin_run_texts import state_text
from scheduling.admin_schedule_rows import LATEST
from scheduling.admin_texts import NOTHING, duration_text
from scheduling.models import Run
from scheduling.states import RunState

WIDTH, STEP, HEIGHT = 4, 6, 24
#: Seconds of lateness up to which a bar has this height; later ones have all of it.
HEIGHTS = ((0.1, 8), (1, 12), (10, 15), (60, 18))


def strip_html(newest_first: Sequence[Run]) -> SafeString | str:
    """Return the bars as SVG, the newest right; each has a title that says all it shows."""
    runs = newest_first[:LATEST][::-1]
    if not runs:
        return NOTHING
    bars = format_html_join(
        "", "{}", ((_bar(run, LATEST - len(runs) + place),) for place, run in enumerate(runs))
    )
    return format_html(
        '<svg class="botflow-strip" role="img" aria-label="{}" width="{}" height="{}">{}</svg>',
        _summary(runs),
        LATEST * STEP,
        HEIGHT,
        bars,
    )


def _summary(runs: Sequence[Run]) -> str:
    counts = Counter(run.state for run in runs)
    told = ", ".join(f"{number} {state_text(state)}" for state, number in counts.most_common())
    return _("The last %(number)d runs: %(states)s") % {"number": len(runs), "states": told}


def _bar(run: Run, place: int) -> SafeString:
    height = bar_height(run)
    x, y = place * STEP, HEIGHT - height
    # More than color tells the states apart: a failure has a dot above, what never ran is hollow.
    dot = ""
    if run.state == RunState.FAILED:
        dot = format_html('<circle cx="{}" cy="{}" r="2"></circle>', x + WIDTH / 2, max(y - 4, 2))
    return format_html(
        '<g class="is-{}"><title>{}</title>'
        '<rect class="botflow-hit" x="{}" y="0" width="{}" height="{}"></rect>'
        '<rect x="{}" y="{}" width="{}" height="{}" rx="1"></rect>{}</g>',
        run.state,
        bar_text(run),
        *(x, STEP, HEIGHT),
        *(x + 0.5, y, WIDTH - 1, height),
        dot,
    )


def bar_height(run: Run) -> int:
    """Return the height of a bar: five classes of lateness, the lowest for what never began."""
    if run.lateness is None:
        return HEIGHTS[0][1]
    seconds = run.lateness.total_seconds()
    return next((height for most, height in HEIGHTS if seconds <= most), HEIGHT - 2)


def bar_text(run: Run) -> str:
    """Return "Succeeded · 2026-03-04 09:30:00 · 12 ms late · took 1.2 s"."""
    parts = [state_text(run.state, run.skip_reason), f"{localtime(run.fire_at):%Y-%m-%d %H:%M:%S}"]
    if run.lateness is not None:
        parts.append(_("%(span)s late") % {"span": duration_text(run.lateness)})
    if run.duration is not None:
        parts.append(_("took %(span)s") % {"span": duration_text(run.duration)})
    if run.requested_by:
        parts.append(_("requested by %(who)s") % {"who": run.requested_by})
    return " · ".join(parts)
