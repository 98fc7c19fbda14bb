"""How the admin says whether a follower can be written to, and how often."""

from __future__ import annotations

from datetime import datetime

from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from scheduling.admin_texts import NOTHING, badge_html, duration_text
from wechat.ledger import Reach, left, reach
from wechat.models import Follower


def reach_html(follower: Follower, *, may_send: bool | None, now: datetime) -> str:
    """Return a badge and what it means; `may_send` is what the account may do."""
    found = reach(follower, now)
    if found is Reach.UNSUBSCRIBED:
        return NOTHING
    if found is Reach.REFUSED:
        return _with_note(badge_html(_("Refused"), "danger"), follower.refusal)
    if may_send is False:
        return _with_note(
            badge_html(_("Replies only")), _("what is for them waits until they write")
        )
    if found is Reach.OPEN:
        return _with_note(badge_html(_("Open"), "success"), remaining_text(follower, now=now))
    if found is Reach.USED_UP:
        return _with_note(badge_html(_("Used up"), "warning"), _("until they write"))
    return _with_note(badge_html(_("Closed")), _("until they write"))


def remaining_text(follower: Follower, *, now: datetime) -> str:
    """Return how long the last of the open windows that has messages left stays open."""
    windows = (
        (follower.message_until, follower.message_left),
        (follower.action_until, follower.action_left),
    )
    closing = max(until for until, number in windows if until and until > now and number)
    return _("for another %(span)s") % {"span": duration_text(closing - now)}


def left_text(follower: Follower, *, may_send: bool | None, now: datetime) -> str:
    if may_send is False or reach(follower, now) not in (Reach.OPEN, Reach.USED_UP):
        return NOTHING
    return str(left(follower, now))


def _with_note(badge: str, note: str) -> SafeString:
    return format_html(
        '<span class="botflow-cell">{} <span class="botflow-sub">{}</span></span>', badge, note
    )
