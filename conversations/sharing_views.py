"""The web side of sharing: the API that makes and revokes a link, and the page it leads to."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from conversations.api import ApiError, not_found, resource
from conversations.frames import message_fields
from conversations.identity import Identity
from conversations.listing import find_conversation
from conversations.models import Conversation, Message, SharedLink
from conversations.sharing import find_link, find_shared, make_link, read_shared, revoke_link

# What the sanitizer lets through of boxes that scroll: keys must reach them.
_CODE = re.compile(r"<pre>(.*?)</pre>", re.DOTALL)
_SCROLLING = re.compile(r'<(pre class="math"|div class="table")')
_PICTURES = {"image/png", "image/jpeg", "image/gif", "image/webp"}
_HEADERS = {
    "Cache-Control": "private, no-store",
    "Referrer-Policy": "no-referrer",
    "X-Robots-Tag": "noindex, nofollow",
}


# -- making and revoking ---------------------------------------------------------------------------


def _make(request: HttpRequest, identity: Identity, name: UUID) -> HttpResponseBase:
    conversation = _find(identity, name)
    link = make_link(conversation, now=timezone.now())
    return JsonResponse(_shown(request, link, conversation), status=201)


def _show(request: HttpRequest, identity: Identity, name: UUID) -> HttpResponseBase:
    conversation = _find(identity, name)
    link = find_link(conversation)
    if link is None:
        raise ApiError(404, "not_found", _("This conversation is not shared."))
    return JsonResponse(_shown(request, link, conversation))


def _revoke(request: HttpRequest, identity: Identity, name: UUID) -> HttpResponseBase:
    revoke_link(_find(identity, name))
    return HttpResponse(status=204)


def _find(identity: Identity, name: UUID) -> Conversation:
    if not settings.BOTFLOW_SHARING:
        raise not_found()
    try:
        return find_conversation(identity, name)
    except Conversation.DoesNotExist:
        raise not_found() from None


def _shown(request: HttpRequest, link: SharedLink, conversation: Conversation) -> dict[str, Any]:
    return {
        "url": request.build_absolute_uri(reverse("shared", args=[link.token])),
        "created_at": link.created_at.isoformat(),
        "renewed_at": link.renewed_at.isoformat(),
        # Whether anything has been said or changed since.
        "current": link.until >= conversation.seq,
    }


share = resource(GET=_show, POST=_make, DELETE=_revoke)


# -- reading ---------------------------------------------------------------------------------------


@require_safe
def shared_page(request: HttpRequest, token: str) -> HttpResponse:
    """Show what a link shows to whoever has it: no session, also where chatting needs a sign-in."""
    link = find_shared(token) if settings.BOTFLOW_SHARING else None
    if link is None:
        raise Http404
    shared = read_shared(link, request.GET.get("page", ""))
    context = {
        "title": " ".join(link.conversation.title.split()) or _("Conversation"),
        "renewed_at": link.renewed_at,
        "messages": [_said(message) for message in shared.messages],
        "place": shared.place,
    }
    response = render(request, "shared.html", context)
    for header, value in _HEADERS.items():
        response[header] = value
    return response


def _said(message: Message) -> dict[str, Any]:
    files = [file for file in map(_file, message.files) if file["url"]]
    is_user = message.role == Message.Role.USER
    return {
        "kind": message.role,
        "who": _("User") if is_user else settings.BOTFLOW_NAME,
        "is_prompt": message.is_prompt,
        "html": _html(message) if message.content else "",
        "created_at": message.created_at,
        "pictures": [file for file in files if file["type"] in _PICTURES],
        "files": [file for file in files if file["type"] not in _PICTURES],
    }


def _html(message: Message) -> SafeString:
    """Return the text as the chat page shows it; what the renderer made is safe."""
    html = message_fields(message)["html"]
    html = _CODE.sub(r'<div class="code"><pre tabindex="0">\1</pre></div>', html)
    return mark_safe(_SCROLLING.sub(r'<\1 tabindex="0"', html))  # noqa: S308


def _file(file: dict[str, Any]) -> dict[str, Any]:
    """Return a file with where it is under the path of the site; nowhere for what is not ours."""
    url = str(file["url"])
    is_ours = url.startswith("/media/")
    return {**file, "url": reverse("chat") + url[1:] if is_ours else ""}
