"""The chat page: where a browser begins; everything after it happens on the WebSocket."""

from pathlib import Path
from typing import Any
from uuid import UUID

from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import ensure_csrf_cookie
from django.views.decorators.gzip import gzip_page
from django.views.decorators.http import require_GET

from conversations.adopting import adopt
from conversations.chat_texts import chat_texts
from conversations.identity import identity_of, of_user, of_visitor, remember_visitor
from conversations.reading import ConversationNotFound, find_place
from conversations.upload_views import upload_limits

_STATIC = Path(__file__).parent / "static"
# Named in the page's head, so that a browser fetches them all at once and not one import deeper
# each round trip. Those in `later/` are for what a visitor may never do, and wait until then.
MODULES = sorted(str(path.relative_to(_STATIC)) for path in _STATIC.glob("conversations/*.js"))


# Compressed last: most of it is words for the scripts. What is secret in it, the token of its
# forms, is masked anew each time, so that lengths tell nothing.
@gzip_page
@require_GET
@never_cache
@ensure_csrf_cookie
def chat_page(request: HttpRequest, wanted: UUID | None = None) -> HttpResponse:
    """Show the chat page, with a session by which the WebSocket knows this visitor again.

    In the wanted conversation, where it is theirs; else in their latest.
    """
    if settings.BOTFLOW_CHAT_ACCESS == "login" and not request.user.is_authenticated:
        return redirect_to_login(request.get_full_path())
    visitor = of_visitor(remember_visitor(request.session))
    person = ""
    if request.user.is_authenticated:
        adopt(request.session, request.user)
        person = of_user(request.user.pk).participant
    if wanted and not _is_theirs(request, wanted):
        if wanted in visitor.first_conversations:
            # Opened before the sign-in, and nothing was said in it that could become the user's.
            return redirect("chat")
        raise Http404
    context = page_context()
    context["setup"]["person"] = person
    return render(request, "chat.html", context)


def _is_theirs(request: HttpRequest, wanted: UUID) -> bool:
    identity = identity_of(request)
    if identity is None:
        return False
    try:
        find_place(identity, wanted)
    except ConversationNotFound:
        return False
    return True


def page_context() -> dict[str, Any]:
    """Return what the page needs wherever it is shown, in the language that is active."""
    home = reverse("chat")
    setup = {
        "home": home,
        "csrfCookie": settings.CSRF_COOKIE_NAME,
        "socket": f"{home}ws/chat",
        "login": redirect_to_login(home).url,
        "maxLength": settings.BOTFLOW_MAX_MESSAGE_LENGTH,
        "uploads": upload_limits(),
        "voice": settings.BOTFLOW_VOICE,
        "texts": chat_texts(),
    }
    return {"setup": setup, "modules": MODULES, "sharing": settings.BOTFLOW_SHARING}
