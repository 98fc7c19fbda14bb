"""The admin of the account: what WeChat was found to allow, and asking it anew."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action as detail_action
from unfold.decorators import display
from unfold.enums import ActionVariant

from scheduling.admin_base import RecordAdmin
from scheduling.admin_texts import badge_html, moment_html, text_html
from wechat.admin_doctor import doctor_view
from wechat.forgetting import forget_learned
from wechat.models import Account


@admin.register(Account)
class AccountAdmin(RecordAdmin):
    """Shows the account, never its token; whoever may change it can have WeChat asked again."""

    list_display = ("app_id", "use", "sending", "token", "stop")
    list_display_links = ("app_id",)
    ordering = ("app_id",)
    actions = ("try_again",)
    actions_detail = ("try_again_one",)
    fieldsets = (
        (None, {"fields": ("app_id", "use")}),
        (_("Customer-service messages"), {"fields": ("sending", "can_send_detail")}),
        (_("Access token"), {"fields": ("token", "token_until", "failures", "next_try", "error")}),
        (_("Stops"), {"fields": ("stop", "stop_until", "stopped_detail")}),
    )
    readonly_fields = (
        *("use", "sending", "token", "token_until", "next_try", "error", "stop", "stop_until"),
    )

    class Media:
        css = {"all": ("scheduling/schedules.css", "wechat/admin.css")}

    def get_urls(self) -> list[URLPattern]:
        def page(request: HttpRequest) -> HttpResponse:
            return doctor_view(self, request)

        doctor = path("doctor/", self.admin_site.admin_view(page), name="wechat_account_doctor")
        return [doctor, *super().get_urls()]

    # -- what a row shows --------------------------------------------------------------------------

    @display(description=_("in use"))
    def use(self, account: Account) -> str:
        if account.app_id == settings.WECHAT_APP_ID:
            return badge_html(gettext("In use"), "success")
        return badge_html(gettext("Of an earlier WECHAT_APP_ID"))

    @display(description=_("may send messages"))
    def sending(self, account: Account) -> str:
        if account.can_send is None:
            return badge_html(gettext("Not asked yet"))
        if account.can_send:
            return badge_html(gettext("Yes"), "success")
        return badge_html(gettext("No, only replies"), "warning")

    @display(description=_("access token"))
    def token(self, account: Account) -> str:
        now = timezone.now()
        if account.retry_at and account.retry_at > now:
            return badge_html(gettext("Refused, waiting"), "danger")
        if account.access_token and account.token_expires_at and account.token_expires_at > now:
            return badge_html(gettext("Valid"), "success")
        if account.failures:
            return badge_html(gettext("Refused"), "danger")
        return badge_html(gettext("None yet"))

    @display(description=_("token valid until"))
    def token_until(self, account: Account) -> str:
        return moment_html(account.token_expires_at, now=timezone.now())

    @display(description=_("next try"))
    def next_try(self, account: Account) -> str:
        return moment_html(account.retry_at, now=timezone.now())

    @display(description=_("last token error"))
    def error(self, account: Account) -> str:
        return text_html(account.token_error)

    @display(description=_("sending"))
    def stop(self, account: Account) -> str:
        if account.stopped_until and account.stopped_until > timezone.now():
            return badge_html(gettext("Stopped"), "danger")
        return badge_html(gettext("Not stopped"), "success")

    @display(description=_("sending stopped until"))
    def stop_until(self, account: Account) -> str:
        return moment_html(account.stopped_until, now=timezone.now())

    # -- asking again ------------------------------------------------------------------------------

    def has_try_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        allowed = request.user.has_perm("wechat.change_account")
        return self.has_view_permission(request) and allowed

    @admin.action(permissions=["try"], description=_("Try again: ask WeChat anew"))
    def try_again(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        for account in queryset:
            self.forget(request, account)

    # A dialog, since a plain button of the theme would change the account with a GET.
    @detail_action(
        permissions=["try"],
        description=_("Try again"),
        url_path="try-again",
        icon="replay",
        variant=ActionVariant.PRIMARY,
        dialog={
            "title": _("Ask WeChat anew?"),
            "description": _(
                "What was learned is forgotten: the access token, failures, whether messages may"
                " be sent, and any stop. The next call finds it out again."
            ),
            "form_class": None,
            "form_submit_text": _("Try again"),
        },
    )
    def try_again_one(self, request: HttpRequest, form: Any, object_id: str) -> HttpResponse:
        """Forget, and lead back to the page; the dialog's script follows HX-Redirect."""
        account = self.get_object(request, object_id)
        if account:
            self.forget(request, account)
        page = reverse("admin:wechat_account_change", args=[object_id])
        if request.headers.get("HX-Request"):
            return HttpResponse(headers={"HX-Redirect": page})
        return HttpResponse(status=303, headers={"Location": page})

    def forget(self, request: HttpRequest, account: Account) -> None:
        """Forget what was learned and log it, both or neither."""
        with transaction.atomic():
            forget_learned(account.app_id)
            note = gettext("Forgot what was learned of the account, so that WeChat is asked anew.")
            LogEntry.objects.log_actions(request.user.pk or 0, [account], CHANGE, note)
        text = gettext("WeChat is asked anew with the next call for %(app_id)s.")
        messages.success(request, text % {"app_id": account.app_id})
