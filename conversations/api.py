"""The web API's common part: who asks, forged requests, and errors in the WebSocket's shape."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponseBase, JsonResponse
from django.middleware.csrf import CsrfViewMiddleware
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt

from conversations.identity import Identity, identity_of, token_of

#: `handler(request, identity, **from the URL)`; what it raises as ApiError becomes the answer.
Handler = Callable[..., HttpResponseBase]
View = Callable[..., HttpResponseBase]


class ApiError(Exception):
    """Why a request is not followed: answered as `{"code", "detail"}` with the status."""

    def __init__(self, status: int, code: str, detail: str) -> None:
        super().__init__(detail)
        self.status = status
        self.code = code
        self.detail = detail

    @property
    def response(self) -> JsonResponse:
        return JsonResponse({"code": self.code, "detail": self.detail}, status=self.status)


class _ForgeryCheck(CsrfViewMiddleware):
    """Django's check of the CSRF token, which tells the reason instead of showing a page."""

    def _reject(self, request: HttpRequest, reason: str) -> Any:
        return reason


def resource(**handlers: Handler) -> View:
    """Return a view that hands each method to its handler, together with who asks.

    With the session's cookie an unsafe method needs the CSRF token; a bearer token is proof enough.
    """

    @never_cache
    @csrf_exempt  # Checked below, unless there is a bearer token.
    def view(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        try:
            handler = handlers.get("GET" if request.method == "HEAD" else str(request.method))
            if handler is None:
                raise ApiError(405, "bad_method", _("This address does not know that method."))
            return handler(request, _admitted(request), **kwargs)
        except ApiError as error:
            return error.response

    return view


def _admitted(request: HttpRequest) -> Identity:
    identity = identity_of(request)
    if identity is None:
        if settings.BOTFLOW_CHAT_ACCESS == "login":
            raise ApiError(401, "login_required", _("Please sign in."))
        raise ApiError(401, "unknown_visitor", _("Open the chat page first, or send a token."))
    if token_of(request) is None and _is_forged(request):
        raise ApiError(403, "forged", _("Reload the page and try again."))
    return identity


def _is_forged(request: HttpRequest) -> bool:
    check = _ForgeryCheck(lambda request: None)  # type: ignore[arg-type]
    check.process_request(request)
    checked: Any = None  # No view, for one might be exempt.
    return bool(check.process_view(request, checked, (), {}))


def not_found() -> ApiError:
    """Return what is said of a thing that is not there, or another's: which is not told."""
    return ApiError(404, "not_found", _("There is no such conversation."))


def body_of(request: HttpRequest) -> dict[str, Any]:
    """Return the JSON object that a request carries, {} where its body is empty."""
    try:
        body = json.loads(request.body or b"{}")
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        raise ApiError(400, "bad_request", _("The request must be a JSON object."))
    return body
