"""The chat inside other sites' pages: the script that puts it there, and the page in its frame."""

from __future__ import annotations

import json
import re
from typing import Any

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import translation
from django.utils.translation import gettext as _
from django.views.decorators.cache import cache_control, never_cache
from django.views.decorators.clickjacking import xframe_options_exempt
from django.views.decorators.http import conditional_page, require_GET

from conversations.socket_queries import language_named
from conversations.views import page_context

# The green of base.css.
BUILT_IN_COLOR = "#0c7565"
# How long a site goes on with the script it has: a changed color shows within minutes.
SCRIPT_AGE_SECONDS = 300


@require_GET
@cache_control(public=True, max_age=SCRIPT_AGE_SECONDS)
@conditional_page
def embed_script(request: HttpRequest) -> HttpResponse:
    """Answer with the script of the bubble, the same for everyone; 404 where no site may show it.

    It names the sites that may, so that on any other it does nothing instead of showing a frame
    that the browser then refuses to fill.
    """
    _require_origins()
    setup = {
        "name": settings.BOTFLOW_NAME,
        "color": settings.BOTFLOW_COLOR or BUILT_IN_COLOR,
        "origins": [f"^{pattern_of(origin)}$" for origin in settings.BOTFLOW_EMBED_ORIGINS],
        "css": render_to_string("embed_bubble.css"),
        "texts": {code: _bubble_texts(code) for code, _name in settings.LANGUAGES},
    }
    response = render(
        request,
        "embed.js",
        {"setup": json.dumps(setup)},
        content_type="text/javascript; charset=utf-8",
    )
    # Sites that isolate themselves load only what says so.
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@require_GET
@never_cache
@xframe_options_exempt
def embed_page(request: HttpRequest) -> HttpResponse:
    """Show the chat for a frame in the page of `?origin=`, or of any site that may show it.

    It neither reads nor sets a cookie: who is there is told by a token on the WebSocket.
    """
    _require_origins()
    origin = request.GET.get("origin", "")
    if origin and not is_allowed(origin):
        raise Http404
    language = language_named(request.GET.get("language", "")) or translation.get_language()
    with translation.override(language):
        response = _page(request, origin)
    # Read by the site's middleware, as Django's own reads `xframe_options_exempt`.
    response.frame_ancestors = origin or " ".join(settings.BOTFLOW_EMBED_ORIGINS)  # type: ignore[attr-defined]
    return response


def is_allowed(origin: str) -> bool:
    return any(
        re.fullmatch(pattern_of(allowed), origin) for allowed in settings.BOTFLOW_EMBED_ORIGINS
    )


def pattern_of(allowed: str) -> str:
    """Return a regular expression, of Python and JavaScript, of the origins that are meant.

    As browsers write them: in lower case, without the port that goes without saying. `*.` stands
    for one subdomain or several, as in a policy's `frame-ancestors`.
    """
    scheme, _separator, host = allowed.lower().partition("://")
    host = host.removesuffix(":443" if scheme == "https" else ":80")
    if host.startswith("*."):
        return rf"{scheme}:\/\/(?:[\w\-]+\.)+{re.escape(host[2:])}"
    return rf"{scheme}:\/\/{re.escape(host)}"


def _page(request: HttpRequest, origin: str) -> HttpResponse:
    context = page_context()
    # Where a sign-in has come to be needed, this very page says so; the login page has no frame.
    context["setup"]["login"] = request.get_full_path()
    # As a stylesheet in the shades that can be read, which takes a color or leaves it.
    context["color"] = request.GET.get("color", "")
    theme = request.GET.get("theme", "")
    context["theme"] = theme if theme in ("light", "dark") else ""
    context["setup"]["embed"] = {"origin": origin, "language": translation.get_language()}
    if settings.BOTFLOW_CHAT_ACCESS == "login":
        return render(request, "embed_sign_in.html", context | {"site": reverse("chat")})
    return render(request, "embed.html", context)


def _require_origins() -> None:
    if not settings.BOTFLOW_EMBED_ORIGINS:
        raise Http404


def _bubble_texts(language: str) -> dict[str, Any]:
    with translation.override(language):
        return {
            "chat": _("Chat with {name}"),
            "open": _("Open the chat"),
            "openUnread": _("Open the chat ({count} new)"),
            "close": _("Close the chat"),
        }
