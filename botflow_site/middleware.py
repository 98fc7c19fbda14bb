"""Response headers of the whole site: what a page may load, and from where."""

from collections.abc import Awaitable, Callable

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from whitenoise.middleware import WhiteNoiseMiddleware

from botflow_site import compressing

Handler = Callable[[HttpRequest], HttpResponseBase | Awaitable[HttpResponseBase]]

HEADER = "Content-Security-Policy"
_COMMON = {
    "default-src": "'none'",
    "img-src": "'self' data:",
    # Covers the WebSocket of the same origin too (Safari from 15.4).
    "connect-src": "'self'",
    "font-src": "'self'",
    "manifest-src": "'self'",
    "base-uri": "'none'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
}


def _policy(**sources: str) -> str:
    directives = _COMMON | {name.replace("_", "-"): value for name, value in sources.items()}
    return "; ".join(f"{name} {value}" for name, value in directives.items())


STRICT = _policy(script_src="'self'", style_src="'self'")
# Unfold's Alpine evaluates expressions, and its templates hold inline scripts and styles.
ADMIN = _policy(
    script_src="'self' 'unsafe-inline' 'unsafe-eval'", style_src="'self' 'unsafe-inline'"
)


class ContentSecurityPolicy:
    """Allow a page only what comes from this site; the admin's pages also inline code.

    A policy that a view set itself stays. An address under `/admin/` that leads nowhere is strict.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler) -> None:
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        response = self.get_response(request)
        if isinstance(response, HttpResponseBase):
            return _protected(request, response)
        return self._finish(request, response)

    async def _finish(
        self, request: HttpRequest, response: Awaitable[HttpResponseBase]
    ) -> HttpResponseBase:
        return _protected(request, await response)


class StaticFiles(WhiteNoiseMiddleware):
    """WhiteNoise beside async views: alone it makes each request hold a thread until its end.

    Texts are compressed on the way.
    """

    sync_capable = True
    async_capable = True

    def __init__(self, get_response: Handler) -> None:
        super().__init__(get_response)
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        response: HttpResponseBase | Awaitable[HttpResponseBase] = super().__call__(request)
        if self.is_async and isinstance(response, HttpResponseBase):
            return _awaitable(response)
        return response

    # Called by WhiteNoise for a file that it has found.
    serve = staticmethod(compressing.serve)


async def _awaitable(response: HttpResponseBase) -> HttpResponseBase:
    return response


def _protected(request: HttpRequest, response: HttpResponseBase) -> HttpResponseBase:
    kind = response.headers.get("Content-Type", "").partition(";")[0]
    if kind in ("text/javascript", "text/css"):
        # No page; a page loads dozens of them, and this header was half of what most of them are.
        response.headers.setdefault(HEADER, "default-src 'none'")
        return response
    match = request.resolver_match
    is_admin = match is not None and "admin" in match.app_names
    policy = ADMIN if is_admin else STRICT
    # What a view says may hold its page in a frame; nobody may by default.
    if ancestors := getattr(response, "frame_ancestors", ""):
        policy = policy.replace("frame-ancestors 'none'", f"frame-ancestors {ancestors}")
    response.headers.setdefault(HEADER, policy)
    return response
