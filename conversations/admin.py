"""The admin of conversations, their messages, and of the people who may sign in."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.auth.admin import GroupAdmin as DjangoGroupAdmin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.text import capfirst
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from conversations.admin_permissions import with_permission_labels
from conversations.admin_texts import message_htmls
from conversations.admin_usage import used_today
from conversations.delivering import deliver_again
from conversations.erasing import erase
from conversations.models import Conversation, Message, User
from scheduling.admin_base import BotFlowModelAdmin, EndlessRecordAdmin, RecordAdmin
from scheduling.admin_texts import (
    NOTHING,
    badge_html,
    excerpt_html,
    json_html,
    link_html,
    moment_html,
    short_moment_html,
    text_html,
)

# Messages that one click has delivered again.
MOST_AT_ONCE = 1000
# Messages on a conversation's page; the list of messages has the others.
TRANSCRIPT_LENGTH = 200

ROLE_COLORS = {Message.Role.USER.value: "info", Message.Role.ASSISTANT.value: "primary"}
STATE_COLORS = {
    Message.State.QUEUED.value: "info",
    Message.State.ANSWERING.value: "warning",
    Message.State.STREAMING.value: "warning",
    Message.State.ANSWERED.value: "success",
    Message.State.DONE.value: "success",
    Message.State.FAILED.value: "danger",
}
DELIVERY_COLORS = {
    Message.Delivery.WAITING.value: "info",
    Message.Delivery.SENDING.value: "info",
    Message.Delivery.SENT.value: "success",
    Message.Delivery.HELD.value: "warning",
    Message.Delivery.UNKNOWN.value: "danger",
    Message.Delivery.FAILED.value: "danger",
}


class ChannelFilter(admin.SimpleListFilter):
    """Offers the channels the site has; looking for those in the table would scan it."""

    title = _("channel")
    parameter_name = "channel"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        return [(name, name) for name in sorted(settings.BOTFLOW_CHANNELS)]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[Conversation]
    ) -> QuerySet[Conversation]:
        return queryset.filter(channel=self.value()) if self.value() else queryset


def _count(messages: QuerySet[Message]) -> Coalesce:
    """Return the number of a conversation's `messages` as a column; one index look-up a row."""
    own = messages.order_by().filter(conversation=OuterRef("pk")).values("conversation")
    counted = own.annotate(number=Count("pk")).values("number")
    return Coalesce(Subquery(counted, output_field=IntegerField()), 0)


@admin.register(Conversation)
class ConversationAdmin(RecordAdmin):
    """Shows conversations and what was said; whoever may delete one erases all of it."""

    list_display = ("name", "channel_badge", "who", "active", "message_count", "waiting_count")
    list_display_links = ("name",)
    list_filter = (ChannelFilter, ("updated_at", admin.DateFieldListFilter))
    search_fields = ("title", "address", "participant", "uuid", "messages__content")
    search_help_text = _("Search title, address, id and what was said")
    ordering = ("-updated_at",)
    sortable_by = ()
    fieldsets = (
        (None, {"fields": ("name", "channel", "uuid", "address", "participant")}),
        (_("Activity"), {"fields": ("active_at", "created", "today", "runs", "settings_json")}),
    )
    readonly_fields = ("name", "active_at", "created", "today", "runs", "settings_json")
    change_form_outer_after_template = "admin/conversations/transcript.html"

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return request.user.has_perm("conversations.delete_conversation")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Conversation]:
        rows: QuerySet[Conversation] = super().get_queryset(request)
        match = request.resolver_match
        if match is None or not (match.url_name or "").endswith("_changelist"):
            return rows
        return rows.annotate(
            number=_count(Message.objects.all()), waiting=_count(Message.objects.waiting())
        )

    @display(description=_("title"))
    def name(self, conversation: Conversation) -> str:
        return str(conversation)

    @display(description=_("channel"))
    def channel_badge(self, conversation: Conversation) -> str:
        return badge_html(conversation.channel)

    @display(description=_("participant"))
    def who(self, conversation: Conversation) -> str:
        return excerpt_html(conversation.participant or conversation.address, length=24)

    @display(description=_("last activity"))
    def active(self, conversation: Conversation) -> str:
        return short_moment_html(conversation.updated_at, now=timezone.now())

    @display(description=_("messages"))
    def message_count(self, conversation: Any) -> int:
        return int(conversation.number)

    @display(description=_("waiting"))
    def waiting_count(self, conversation: Any) -> str:
        return badge_html(conversation.waiting, "warning") if conversation.waiting else NOTHING

    @display(description=_("last activity"))
    def active_at(self, conversation: Conversation) -> str:
        return moment_html(conversation.updated_at, now=timezone.now())

    @display(description=_("created"))
    def created(self, conversation: Conversation) -> str:
        return moment_html(conversation.created_at, now=timezone.now())

    @display(description=_("tokens today"))
    def today(self, conversation: Conversation) -> str:
        return used_today(conversation)

    @display(description=_("settings"))
    def settings_json(self, conversation: Conversation) -> str:
        return json_html(conversation.settings or None)

    @display(description=_("runs"))
    def runs(self, conversation: Conversation) -> str:
        address = reverse("admin:scheduling_run_changelist")
        return link_html(f"{address}?{urlencode({'key': conversation.key})}", gettext("Its runs"))

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: Any = None
    ) -> HttpResponse:
        """Show the newest messages below the fields, if the user may view messages."""
        extra_context = extra_context or {}
        if request.user.has_perm("conversations.view_message") and object_id.isdecimal():
            extra_context |= _transcript(int(object_id))
        return super().change_view(request, object_id, form_url, extra_context)

    # -- delete ------------------------------------------------------------------------------------

    def get_deleted_objects(
        self, objs: Any, request: HttpRequest
    ) -> tuple[list[str], dict[str, int], set[str], list[str]]:
        """Name the conversations and count their messages, which may be very many."""
        conversations = list(objs)
        number = Message.objects.filter(conversation__in=conversations).count()
        counts = {
            str(Conversation._meta.verbose_name_plural): len(conversations),
            str(Message._meta.verbose_name_plural): number,
        }
        return [str(conversation) for conversation in conversations], counts, set(), []

    def delete_model(self, request: HttpRequest, obj: Conversation) -> None:
        erase([obj], now=timezone.now())

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Conversation]) -> None:
        erase(queryset, now=timezone.now())

    def log_deletions(self, request: HttpRequest, queryset: Any) -> Any:
        """Log that it happened and by whom, without the title, which is made of what was said."""
        erased = list(queryset)
        for conversation in erased:
            conversation.title = ""
        return super().log_deletions(request, erased)


def _transcript(pk: int) -> dict[str, Any]:
    """Return the newest messages, the oldest of them first, and where the others are."""
    newest = list(Message.objects.filter(conversation=pk).order_by("-pk")[: TRANSCRIPT_LENGTH + 1])
    now = timezone.now()
    htmls = message_htmls(newest[:TRANSCRIPT_LENGTH])
    lines = [
        {
            "message": message,
            "html": htmls[message.pk],
            "moment": moment_html(message.created_at, now=now),
            "state_color": STATE_COLORS.get(message.state),
            "delivery_color": DELIVERY_COLORS.get(message.delivery_state),
            "is_held": message.delivery_state == Message.Delivery.HELD,
        }
        for message in reversed(newest[:TRANSCRIPT_LENGTH])
    ]
    every = reverse("admin:conversations_message_changelist")
    return {
        "transcript": lines,
        "has_older": len(newest) > TRANSCRIPT_LENGTH,
        "every_message": f"{every}?{urlencode({'conversation__id__exact': pk})}",
    }


@admin.register(Message)
class MessageAdmin(EndlessRecordAdmin):
    """Shows messages, newest first."""

    list_display = (
        *("start", "when", "conversation_link", "role_badge", "badge", "delivery_badge"),
        *("tokens", "took"),
    )
    list_display_links = ("start",)
    list_filter = ("role", "state", "delivery_state", ("created_at", admin.DateFieldListFilter))
    list_select_related = ("conversation",)
    search_fields = ("content",)
    search_help_text = _("Search what was said")
    ordering = ("-created_at",)
    actions = ("deliver",)
    fieldsets = (
        (None, {"fields": ("conversation_link", "role_badge", "when_exactly", "text")}),
        (_("State"), {"fields": ("badge", "detail", "answers", "answered_by", "tokens", "took")}),
        (_("Delivery"), {"fields": ("delivery_badge", "delivery_error", "provider_id")}),
        (_("Source"), {"fields": ("uuid", "content_type", "attachment", "external_id", "seq")}),
    )
    readonly_fields = (
        *("conversation_link", "role_badge", "when_exactly", "text", "badge", "answers"),
        *("answered_by", "tokens", "took", "delivery_badge"),
    )

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Name the conversation above a list that is narrowed to one."""
        pk = request.GET.get("conversation__id__exact", "")
        conversation = Conversation.objects.filter(pk=pk).first() if pk.isdecimal() else None
        if conversation:
            title = gettext("Messages of “%(conversation)s”") % {"conversation": conversation}
            extra_context = {"title": title} | (extra_context or {})
        return super().changelist_view(request, extra_context)

    def has_retry_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request) and request.user.has_perm("scheduling.retry_run")

    @admin.action(permissions=["retry"], description=_("Deliver selected messages again"))
    def deliver(self, request: HttpRequest, queryset: QuerySet[Message]) -> None:
        again = deliver_again(queryset.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])
        for message in again:
            self.log_change(request, message, gettext("To be delivered again."))
        told = ngettext(
            "%(count)d message is delivered again.", "%(count)d messages are delivered again.",
            len(again),
        )  # fmt: skip
        level = messages.SUCCESS if again else messages.WARNING
        self.message_user(request, told % {"count": len(again)}, level)

    @display(description=_("content"))
    def start(self, message: Message) -> str:
        if message.content:
            return excerpt_html(message.content, length=70)
        return message.get_content_type_display()

    @display(description=_("created"))
    def when(self, message: Message) -> str:
        return short_moment_html(message.created_at, now=timezone.now())

    @display(description=_("created"))
    def when_exactly(self, message: Message) -> str:
        return moment_html(message.created_at, now=timezone.now())

    @display(description=_("conversation"))
    def conversation_link(self, message: Message) -> str:
        page = reverse("admin:conversations_conversation_change", args=[message.conversation_id])
        return format_html(
            '<a href="{}" class="botflow-link">{}</a>',
            page,
            excerpt_html(str(message.conversation), length=30),
        )

    @display(description=_("role"))
    def role_badge(self, message: Message) -> str:
        return badge_html(message.get_role_display(), ROLE_COLORS.get(message.role))

    @display(description=_("state"))
    def badge(self, message: Message) -> str:
        return badge_html(message.get_state_display(), STATE_COLORS.get(message.state))

    @display(description=_("delivery"))
    def delivery_badge(self, message: Message) -> str:
        if not message.delivery_state:
            return NOTHING
        color = DELIVERY_COLORS.get(message.delivery_state)
        badge = badge_html(message.get_delivery_state_display(), color)
        return format_html('<span title="{}">{}</span>', message.delivery_error, badge)

    @display(description=_("tokens"))
    def tokens(self, message: Message) -> str:
        if message.input_tokens is None and message.output_tokens is None:
            return NOTHING
        return f"{message.input_tokens or 0} → {message.output_tokens or 0}"

    @display(description=_("process time"))
    def took(self, message: Message) -> str:
        spent = message.process_time_ms
        return NOTHING if spent is None else gettext("%(number)d ms") % {"number": spent}

    @display(description=_("content"))
    def text(self, message: Message) -> str:
        return text_html(message.content)

    @display(description=_("reply to"))
    def answers(self, message: Message) -> str:
        return _message_link(message.reply_to_id)

    @display(description=_("answered by"))
    def answered_by(self, message: Message) -> str:
        return _message_link(
            Message.objects.filter(reply_to=message.pk).values_list("pk", flat=True).first()
        )


def _message_link(pk: int | None) -> str:
    if pk is None:
        return NOTHING
    name = capfirst(Message._meta.verbose_name)
    return link_html(reverse("admin:conversations_message_change", args=[pk]), f"{name} #{pk}")


# -- people ----------------------------------------------------------------------------------------

admin.site.unregister(Group)


@admin.register(User)
class UserAdmin(DjangoUserAdmin, BotFlowModelAdmin):
    """People who may sign in."""

    form = UserChangeForm
    add_form = UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_staff", "is_active", "last_seen")
    list_filter = ("is_staff", "is_superuser", "is_active", "groups")

    @display(description=_("last login"), ordering="last_login")
    def last_seen(self, user: User) -> str:
        return short_moment_html(user.last_login, now=timezone.now())

    def formfield_for_manytomany(self, *args: Any, **more: Any) -> Any:
        return with_permission_labels(super().formfield_for_manytomany(*args, **more))


@admin.register(Group)
class GroupAdmin(DjangoGroupAdmin, BotFlowModelAdmin):
    """Sets of permissions that several people share."""

    def formfield_for_manytomany(self, *args: Any, **more: Any) -> Any:
        return with_permission_labels(super().formfield_for_manytomany(*args, **more))
