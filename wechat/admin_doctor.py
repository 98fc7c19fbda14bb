"""The doctor's page: what is known at once, and everything asked at the press of a button."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import get_script_prefix
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from scheduling.admin_texts import moment_text
from wechat.doctor import Level, Part, examine, look
from wechat.findings import sentences
from wechat.models import Account

if TYPE_CHECKING:
    from wechat.admin_account import AccountAdmin

#: Of each level: the theme's icon, and what a screen reader says.
SIGNS = {
    Level.OK: ("check_circle", lambda: _("Fine")),
    Level.WARNING: ("warning", lambda: _("Worth a look")),
    Level.ERROR: ("cancel", lambda: _("Wrong")),
    Level.UNKNOWN: ("help", lambda: _("Not known")),
}


def doctor_view(page: AccountAdmin, request: HttpRequest) -> HttpResponse:
    """GET shows what settings and rows tell; POST asks WeChat and calls the webhook as well.

    The webhook is called at the address of this page, which the site accepted as its own.
    """
    if not page.has_view_permission(request):
        raise PermissionDenied
    may_ask = page.has_try_permission(request)
    is_asked = request.method == "POST"
    if is_asked and not may_ask:
        raise PermissionDenied
    parts = _asked(page, request) if is_asked else look()
    context = page.admin_site.each_context(request) | {
        "title": _("WeChat: is everything right?"),
        "opts": page.opts,
        "media": page.media,
        "parts": [(part.title, [_line(finding) for finding in part.findings]) for part in parts],
        "summary": summary(parts),
        "asked_at": moment_text(timezone.now()) if is_asked else "",
        "may_ask": may_ask and bool(settings.WECHAT_TOKEN),
    }
    return TemplateResponse(request, "wechat/doctor.html", context).render()


def _asked(page: AccountAdmin, request: HttpRequest) -> list[Part]:
    insists = "insist" in request.POST
    account = Account.objects.filter(app_id=settings.WECHAT_APP_ID).first()
    if insists and account:
        page.forget(request, account)
    path = get_script_prefix().rstrip("/") + settings.WECHAT_PATH
    return examine(url=request.build_absolute_uri(path))


def _line(finding: Any) -> dict[str, Any]:
    icon, label = SIGNS[finding.level]
    return {"finding": finding, "icon": icon, "label": label()}


def summary(parts: list[Part]) -> str:
    """Return how many things are wrong and worth a look, in a sentence."""
    levels = [finding.level for part in parts for finding in part.findings]
    wrong, doubtful = levels.count(Level.ERROR), levels.count(Level.WARNING)
    texts = []
    if wrong:
        texts.append(
            ngettext("%(n)d thing is wrong.", "%(n)d things are wrong.", wrong) % {"n": wrong}
        )
    if doubtful:
        text = ngettext("%(n)d thing is worth a look.", "%(n)d things are worth a look.", doubtful)
        texts.append(text % {"n": doubtful})
    return sentences(*texts) or _("Nothing is wrong.")
