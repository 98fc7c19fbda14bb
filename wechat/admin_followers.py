"""The admin of followers: who follows, until when they can be written to, what waits for them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.contrib import admin
from django.db.models import (
    BooleanField,
    Count,
    IntegerField,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from conversations.models import Message
from scheduling.admin_base import EndlessRecordAdmin
from scheduling.admin_texts import (
    NOTHING,
    badge_html,
    excerpt_html,
    link_html,
    moment_html,
    short_moment_html,
)
from wechat.account import can_send_now
from wechat.admin_reach import left_text, reach_html
from wechat.models import Follower

HELD = Message.Delivery.HELD.value


class ReachFilter(admin.SimpleListFilter):
    """Tells who can be written to now from who cannot."""

    title = _("can be written to")
    parameter_name = "reach"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        return [("open", _("Yes")), ("used_up", _("Messages used up")), ("closed", _("No"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Follower]) -> QuerySet[Follower]:
        now = timezone.now()
        in_message = Q(message_until__gt=now, message_left__gt=0)
        is_open = (in_message | Q(action_until__gt=now, action_left__gt=0)) & Q(
            is_subscribed=True, refusal=""
        )
        match self.value():
            case "open":
                return queryset.filter(is_open)
            case "used_up":
                return queryset.filter(
                    is_subscribed=True, refusal="", message_until__gt=now, message_left=0
                )
            case "closed":
                is_newer = Q(message_until__gt=now) | Q(action_until__gt=now)
                return queryset.filter(Q(is_subscribed=False) | ~Q(refusal="") | ~is_newer)
        return queryset


def _kept() -> Coalesce:
    """Return how many messages wait for a follower as a column; one index look-up a row."""
    held = Message.objects.filter(conversation=OuterRef("conversation_id"), delivery_state=HELD)
    counted = held.order_by().values("conversation").annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


@admin.register(Follower)
class FollowerAdmin(EndlessRecordAdmin):
    """Shows followers, who wrote last first."""

    list_display = ("name", "follows", "wrote", "window", "left_now", "kept", "conversation_link")
    list_display_links = ("name",)
    list_filter = (
        *(ReachFilter, "is_subscribed"),
        ("last_inbound_at", admin.DateFieldListFilter),
    )
    list_select_related = ("conversation",)
    search_fields = ("openid", "scene", "conversation__title")
    search_help_text = _("Search OpenID, scene and title")
    ordering = ("-last_inbound_at",)
    fieldsets = (
        (None, {"fields": ("openid", "conversation_link", "follows", "scene")}),
        (
            _("What they can be sent"),
            {"fields": ("window", "left_now", "message_closes", "action_closes", "kept_link")},
        ),
        (_("Record"), {"fields": ("wrote_exactly", "followed", "unfollowed")}),
    )
    readonly_fields = (
        *("conversation_link", "follows", "window", "left_now", "message_closes"),
        *("action_closes", "kept_link", "wrote_exactly", "followed", "unfollowed"),
    )

    class Media:
        css = {"all": ("scheduling/schedules.css", "wechat/admin.css")}

    def get_queryset(self, request: HttpRequest) -> QuerySet[Follower]:
        rows: QuerySet[Follower] = super().get_queryset(request)
        may_send = Value(can_send_now(), output_field=BooleanField(null=True))
        return rows.annotate(may_send=may_send, number_kept=_kept())

    @display(description=_("OpenID"))
    def name(self, follower: Follower) -> SafeString:
        return format_html(
            '<span title="{}" class="botflow-openid">{}</span>', follower.openid, follower.openid
        )

    @display(description=_("follows"))
    def follows(self, follower: Follower) -> str:
        if follower.is_subscribed:
            return badge_html(gettext("Follows"), "success")
        return badge_html(gettext("Unfollowed"))

    @display(description=_("last wrote"))
    def wrote(self, follower: Follower) -> str:
        return short_moment_html(follower.last_inbound_at, now=timezone.now())

    @display(description=_("last wrote"))
    def wrote_exactly(self, follower: Follower) -> str:
        return moment_html(follower.last_inbound_at, now=timezone.now())

    @display(description=_("can be written to"))
    def window(self, follower: Any) -> str:
        return reach_html(follower, may_send=follower.may_send, now=timezone.now())

    @display(description=_("messages left"))
    def left_now(self, follower: Any) -> str:
        return left_text(follower, may_send=follower.may_send, now=timezone.now())

    @display(description=_("kept"))
    def kept(self, follower: Any) -> str:
        return badge_html(follower.number_kept, "warning") if follower.number_kept else NOTHING

    @display(description=_("kept until they write"))
    def kept_link(self, follower: Any) -> str:
        if not follower.number_kept:
            return NOTHING
        place = reverse("admin:conversations_message_changelist")
        query = urlencode(
            {
                "conversation__id__exact": follower.conversation_id,
                "delivery_state__exact": HELD,
            }
        )
        return link_html(f"{place}?{query}", str(follower.number_kept))

    @display(description=_("conversation"))
    def conversation_link(self, follower: Follower) -> str:
        page = reverse("admin:conversations_conversation_change", args=[follower.conversation_id])
        return format_html(
            '<a href="{}" class="botflow-link">{}</a>',
            page,
            excerpt_html(str(follower.conversation), length=30),
        )

    @display(description=_("window of 48 hours"))
    def message_closes(self, follower: Follower) -> str:
        return _window_html(follower.message_until, follower.message_left)

    @display(description=_("window of a minute"))
    def action_closes(self, follower: Follower) -> str:
        return _window_html(follower.action_until, follower.action_left)

    @display(description=_("followed"))
    def followed(self, follower: Follower) -> str:
        return moment_html(follower.subscribed_at, now=timezone.now())

    @display(description=_("unfollowed"))
    def unfollowed(self, follower: Follower) -> str:
        return moment_html(follower.unsubscribed_at, now=timezone.now())


def _window_html(until: datetime | None, left: int) -> str:
    if until is None:
        return NOTHING
    now = timezone.now()
    moment = moment_html(until, now=now)
    if until <= now:
        return format_html("{} {}", badge_html(gettext("Closed")), moment)
    text = ngettext("%(n)d message left", "%(n)d messages left", left) % {"n": left}
    return format_html("{} {}", badge_html(text, "success" if left else "warning"), moment)
