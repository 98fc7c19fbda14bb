"""The admin of what was used: a row for each day and conversation, and what they come to."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.db.models import F, OuterRef, QuerySet, Subquery, Sum
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display

from conversations.budgets import tokens_today
from conversations.models import Conversation, Usage
from scheduling import clock
from scheduling.admin_base import RecordAdmin
from scheduling.admin_texts import excerpt_html, link_html


@admin.register(Usage)
class UsageAdmin(RecordAdmin):
    """Shows what conversations used on which day; erased ones too, without their name."""

    list_display = ("date", "where", "turn_count", "read", "written", "total")
    list_display_links = ("date",)
    list_filter = (("day", admin.DateFieldListFilter),)
    list_before_template = "admin/conversations/usage_totals.html"
    ordering = ("-day", "-conversation_id")
    fields = ("date", "where", "turn_count", "read", "written", "total")
    readonly_fields = fields

    def get_queryset(self, request: HttpRequest) -> QuerySet[Usage]:
        rows: QuerySet[Usage] = super().get_queryset(request)
        conversations = Conversation.objects.filter(pk=OuterRef("conversation_id"))
        return rows.annotate(
            tokens=F("input_tokens") + F("output_tokens"),
            # Not the title alone, which may be empty.
            is_kept=Subquery(conversations.values("pk")),
            title=Subquery(conversations.values("title")),
        )

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Add what the rows of the list come to, on all its pages."""
        response = super().changelist_view(request, extra_context)
        shown = getattr(response, "context_data", {}).get("cl")
        if shown:
            response.context_data["totals"] = _totals(shown.queryset)
        return response

    @display(description=_("date"), ordering="day")
    def date(self, usage: Usage) -> str:
        return f"{usage.day:%Y-%m-%d}"

    @display(description=_("conversation"))
    def where(self, usage: Any) -> str:
        number = f"#{usage.conversation_id}"
        if usage.is_kept is None:
            return gettext("%(number)s, erased") % {"number": number}
        page = reverse("admin:conversations_conversation_change", args=[usage.conversation_id])
        name = excerpt_html(usage.title or number, length=30)
        return format_html('<a href="{}" class="botflow-link">{}</a>', page, name)

    @display(description=_("turns"), ordering="turns")
    def turn_count(self, usage: Usage) -> str:
        return f"{usage.turns:,}"

    @display(description=_("tokens read"), ordering="input_tokens")
    def read(self, usage: Usage) -> str:
        return f"{usage.input_tokens:,}"

    @display(description=_("tokens written"), ordering="output_tokens")
    def written(self, usage: Usage) -> str:
        return f"{usage.output_tokens:,}"

    @display(description=_("tokens together"), ordering="tokens")
    def total(self, usage: Any) -> str:
        return f"{usage.tokens:,}"


def _totals(rows: QuerySet[Usage]) -> list[dict[str, str]]:
    """Return the sums of a list as cards."""
    sums = rows.order_by().aggregate(Sum("turns"), Sum("input_tokens"), Sum("output_tokens"))
    read, written = sums["input_tokens__sum"] or 0, sums["output_tokens__sum"] or 0
    return [
        {"title": gettext("Turns"), "value": f"{sums['turns__sum'] or 0:,}"},
        {"title": gettext("Tokens read"), "value": f"{read:,}"},
        {"title": gettext("Tokens written"), "value": f"{written:,}"},
        {"title": gettext("Tokens together"), "value": f"{read + written:,}"},
    ]


def used_today(conversation: Conversation) -> str:
    """Return what a conversation used today, of its limit, with a link to its days; one query."""
    used = tokens_today(now=clock.now(), conversation=conversation.pk).total
    days = f"{reverse('admin:conversations_usage_changelist')}?"
    days += urlencode({"conversation_id__exact": conversation.pk})
    limit = settings.BOTFLOW_CONVERSATION_TOKENS_PER_DAY
    if not limit:
        return link_html(days, f"{used:,}")
    text = gettext("%(used)s of %(limit)s") % {"used": f"{used:,}", "limit": f"{limit:,}"}
    return link_html(days, text)
