"""How the admin looks and what its sidebar leads to; read by the theme from the settings."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.templatetags.static import static
from django.urls import reverse_lazy
from django.utils.translation import gettext_lazy as _


def icon_address(request: HttpRequest) -> str:
    return static("conversations/favicon.svg")


def style_address(request: HttpRequest) -> str:
    return static("botflow_site/admin.css")


def navigation(request: HttpRequest) -> list[dict[str, Any]]:
    """Return the groups of the sidebar; an item shows itself to those who may view its page."""
    # Imported late: the settings import this module before there are models.
    from botflow_site.admin_dashboard import failed_lately  # noqa: PLC0415

    runs = _item(request, _("Runs"), "scheduling", "run", "bolt")
    if runs["permission"](request) and (failed := failed_lately()):
        runs |= {"badge": failed, "badge_variant": "danger"}
    schedules = _item(request, _("Schedules"), "scheduling", "schedule", "schedule")
    page = str(reverse_lazy("admin:scheduling_schedule_timeline"))
    timeline = {
        "title": _("Timeline"),
        "icon": "view_timeline",
        "link": page,
        "permission": lambda request: (
            schedules["permission"](request) and request.user.has_perm("scheduling.view_run")
        ),
    }
    # The address of the timeline begins with that of the schedules.
    schedules["active"] = lambda request: (
        request.path.startswith(str(schedules["link"])) and request.path != page
    )
    return [
        {
            "items": [
                {"title": _("Overview"), "icon": "monitoring", "link": reverse_lazy("admin:index")}
            ]
        },
        {
            "title": _("Conversations"),
            "items": [
                _item(request, _("Conversations"), "conversations", "conversation", "forum"),
                _item(request, _("Messages"), "conversations", "message", "chat_bubble"),
                _item(request, _("Usage"), "conversations", "usage", "data_usage"),
            ],
        },
        *([_wechat(request)] if settings.WECHAT_TOKEN else []),
        {
            "title": _("Automation"),
            "items": [
                schedules,
                timeline,
                runs,
                _item(request, _("Clusters"), "scheduling", "clusterstatus", "dns"),
            ],
        },
        {
            "title": _("People"),
            "items": [
                _item(request, _("Users"), "conversations", "user", "person"),
                _item(request, _("Groups"), "auth", "group", "group"),
            ],
        },
    ]


def _wechat(request: HttpRequest) -> dict[str, Any]:
    account = _item(request, _("Account"), "wechat", "account", "badge")
    page = str(reverse_lazy("admin:wechat_account_doctor"))
    doctor = {
        "title": _("Is everything right?"),
        "icon": "stethoscope",
        "link": page,
        "permission": account["permission"],
    }
    # The address of the doctor's page begins with that of the account.
    account["active"] = lambda request: (
        request.path.startswith(str(account["link"])) and request.path != page
    )
    followers = _item(request, _("Followers"), "wechat", "follower", "groups")
    return {"title": _("WeChat"), "items": [followers, account, doctor]}


def _item(request: HttpRequest, title: Any, app: str, model: str, icon: str) -> dict[str, Any]:
    return {
        "title": title,
        "icon": icon,
        "link": reverse_lazy(f"admin:{app}_{model}_changelist"),
        "permission": lambda request: (
            request.user.has_perm(f"{app}.view_{model}")
            or request.user.has_perm(f"{app}.change_{model}")
        ),
    }


UNFOLD = {
    "SITE_TITLE": "BotFlow",
    "SITE_HEADER": "BotFlow",
    "SITE_ICON": icon_address,
    "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": icon_address}],
    "STYLES": [style_address],
    "SHOW_LANGUAGES": True,
    "SHOW_VIEW_ON_SITE": False,
    "SHOW_BACK_BUTTON": True,
    "DASHBOARD_CALLBACK": "botflow_site.admin_dashboard.fill_index",
    "SIDEBAR": {"show_search": False, "command_search": True, "navigation": navigation},
    "COLORS": {
        # The green of the icon and of the chat page, lighter and darker.
        "primary": {
            "50": "#effaf7",
            "100": "#d7f2ea",
            "200": "#b0e4d7",
            "300": "#83dac9",
            "400": "#5cc9b4",
            "500": "#23a48d",
            "600": "#0c7565",
            "700": "#075e51",
            "800": "#0a4b42",
            "900": "#0b3e37",
            "950": "#032420",
        }
    },
}
