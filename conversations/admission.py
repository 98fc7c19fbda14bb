"""Who may open a socket: checks the origin, then finds out who is there."""

from __future__ import annotations

from importlib import import_module
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth import get_user
from django.http.cookie import parse_cookie
from django.http.request import validate_host
from django.utils.translation import get_language_from_request

from conversations.identity import Identity, from_session, holder_of, new_visitor


class Refused(Exception):
    """A browser page of another site tried to open the socket."""


def admit(scope: dict[str, Any], token: str, is_embedded: bool = False) -> Identity | None:
    """Return who opens a socket; None where a sign-in is needed. At most three queries.

    A token outranks the session. Without an Origin it is no browser: it is let in with its token
    or as a new visitor; so is a page inside another site's, whose session would be that of whoever
    uses this browser. Raises Refused for an Origin that is not this site's own.
    """
    headers = _headers(scope)
    if not is_own_origin(headers):
        raise Refused
    needs_user = settings.BOTFLOW_CHAT_ACCESS == "login"
    holder = holder_of(token)
    if holder and (holder.is_user or not needs_user):
        return holder
    if is_embedded:
        return None if needs_user else new_visitor()
    session = _session(headers)
    user = get_user(SimpleNamespace(session=session)) if session is not None else None  # type: ignore[arg-type]
    user_id = str(user.pk) if user is not None and user.is_authenticated else None
    if needs_user and not user_id:
        return None
    known = from_session(session, user_id) if session is not None else None
    return known or new_visitor()


def language(scope: dict[str, Any]) -> str:
    """Return the language the reader chose on the page, or their browser prefers."""
    headers = _headers(scope)
    request: Any = SimpleNamespace(
        COOKIES=parse_cookie("; ".join(headers.get("cookie", []))),
        META={"HTTP_ACCEPT_LANGUAGE": ",".join(headers.get("accept-language", []))},
    )
    return get_language_from_request(request)


def is_own_origin(headers: dict[str, list[str]]) -> bool:
    """Tell whether Host is ours and Origin, where there is one, this very site, port included."""
    origins = headers.get("origin", [])
    hosts = headers.get("host", [])
    if len(hosts) != 1 or not validate_host(_hostname(hosts[0]), settings.ALLOWED_HOSTS):
        return False
    if not origins:
        return True
    if len(origins) > 1:
        return False
    if origins[0] in settings.CSRF_TRUSTED_ORIGINS:
        return True
    try:
        origin = urlsplit(origins[0])
    except ValueError:
        return False
    return origin.scheme in ("http", "https") and _with_port(
        origin.netloc, origin.scheme
    ) == _with_port(hosts[0], origin.scheme)


def _with_port(host: str, scheme: str) -> str:
    has_port = host.rpartition(":")[2].isdigit() and not host.endswith("]")
    return host.lower() if has_port else f"{host.lower()}:{443 if scheme == 'https' else 80}"


def _hostname(host: str) -> str:
    name, separator, port = host.rpartition(":")
    return name.lower() if separator and port.isdigit() else host.lower()


def _headers(scope: dict[str, Any]) -> dict[str, list[str]]:
    headers: dict[str, list[str]] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name.decode("latin-1").lower(), []).append(value.decode("latin-1"))
    return headers


def _session(headers: dict[str, list[str]]) -> Any:
    """Return the Django session of the request's cookie, or None without one."""
    # Not http.cookies: one cookie of another application that it cannot read hides all others.
    cookies = parse_cookie("; ".join(headers.get("cookie", [])))
    key = cookies.get(settings.SESSION_COOKIE_NAME)
    if key is None:
        return None
    return import_module(settings.SESSION_ENGINE).SessionStore(key)
