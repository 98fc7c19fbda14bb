"""Admission: pages of other sites are kept out, everybody else is who they were before."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from urllib.parse import urlencode

import pytest
from django.conf import settings as django_settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY

from conversations.admission import Refused, admit, language
from conversations.identity import Identity, new_visitor
from conversations.models import User
from conversations.socket_queries import read_query

HOST = "chat.example.com"


@pytest.fixture(autouse=True)
def hosts(settings: Any) -> None:
    settings.ALLOWED_HOSTS = [HOST, "localhost", "127.0.0.1", "[::1]"]


def scope(host: str | None = HOST, *origins: str, cookie: str = "") -> dict[str, Any]:
    headers = [(b"origin", origin.encode("latin-1")) for origin in origins]
    if host is not None:
        headers.append((b"Host", host.encode()))
    if cookie:
        headers.append((b"cookie", cookie.encode("latin-1")))
    return {"headers": headers}


@pytest.mark.parametrize(
    ("host", "origin"),
    [
        (HOST, f"http://{HOST}"),
        (HOST, f"https://{HOST}"),
        (HOST, f"https://{HOST}:443"),
        (HOST, f"http://{HOST}:80"),
        (f"{HOST}:443", f"https://{HOST}"),
        (f"{HOST}:80", f"http://{HOST}"),
        (f"{HOST}:8000", f"http://{HOST}:8000"),
        (HOST.upper(), f"http://{HOST}"),
        (HOST, f"http://{HOST.upper()}"),
        ("localhost:8000", "http://localhost:8000"),
        ("127.0.0.1:8000", "http://127.0.0.1:8000"),
        ("[::1]:8000", "http://[::1]:8000"),
        ("[::1]", "http://[::1]"),
    ],
)
def test_a_page_of_this_site_is_let_in(host, origin):
    assert admit(scope(host, origin), "")


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "https://evil.example",
        f"http://{HOST}:8001",
        f"https://{HOST}:8443",
        f"http://{HOST}:443",
        f"https://{HOST}:80",
        f"http://{HOST}.evil.example",
        f"http://evil{HOST}",
        f"http://evil.{HOST}",
        f"http://{HOST}@evil.example",
        f"http://evil.example/{HOST}",
        f"http://evil.example#{HOST}",
        f"http://evil.example?{HOST}",
        f"http://user@{HOST}",
        f"http://{HOST}.",
        f"ftp://{HOST}",
        f"file://{HOST}",
        f"//{HOST}",
        HOST,
        "null",
        "",
        "http://",
        "http://[::1",
        "http://]",
        "http://\xe9vil",
    ],
)
def test_any_other_page_is_refused(origin):
    with pytest.raises(Refused):
        admit(scope(HOST, origin), new_visitor().token)


def test_two_origins_are_refused():
    with pytest.raises(Refused):
        admit(scope(HOST, f"http://{HOST}", f"http://{HOST}"), "")


@pytest.mark.parametrize("host", [None, "evil.example", "", f"{HOST}.evil.example", "[::1", "*"])
def test_a_host_that_is_not_ours_is_refused(host):
    with pytest.raises(Refused):
        admit(scope(host), "")


def test_two_hosts_are_refused():
    twice = scope()
    twice["headers"] *= 2

    with pytest.raises(Refused):
        admit(twice, "")


def test_a_site_that_is_trusted_is_let_in(settings):
    settings.CSRF_TRUSTED_ORIGINS = ["https://shop.example"]

    assert admit(scope(HOST, "https://shop.example"), "")
    for origin in ("http://shop.example", "https://shop.example.evil", "https://shop.example:444"):
        with pytest.raises(Refused):
            admit(scope(HOST, origin), "")


def test_a_client_that_is_no_browser_comes_as_a_new_visitor():
    first, second = admit(scope(), ""), admit(scope(), "")

    assert first and first.participant.startswith("visitor:")
    assert first != second


def test_a_client_with_its_token_is_who_it_was():
    someone = new_visitor()

    assert admit(scope(), someone.token) == someone


def test_a_token_that_is_none_makes_a_new_visitor():
    someone = admit(scope(), "made:up:token")

    assert someone and someone.participant.startswith("visitor:")


# -- browsers, by their session --------------------------------------------------------------------


def session(**values: str) -> str:
    """Store a session; return its cookie."""
    store = import_module(django_settings.SESSION_ENGINE).SessionStore()
    store.update(values)
    store.save()
    return f"{django_settings.SESSION_COOKIE_NAME}={store.session_key}"


def signed_in(user: User) -> str:
    backend = "django.contrib.auth.backends.ModelBackend"
    keys = (SESSION_KEY, BACKEND_SESSION_KEY, HASH_SESSION_KEY)
    values = (str(user.pk), backend, user.get_session_auth_hash())
    return session(visitor="v", **dict(zip(keys, values, strict=True)))


@pytest.fixture
def user(db: None) -> User:
    return User.objects.create_user("ada", password="secret")


@pytest.mark.django_db
def test_a_session_is_the_visitor_it_remembers():
    assert admit(scope(cookie=session(visitor="v")), "") == Identity("visitor:v")


@pytest.mark.django_db
@pytest.mark.parametrize(
    "before", ["a/b=1", 'prefs={"a": 1}', "odd(name)=x", "x=ü", "noise", "a=b=c"]
)
def test_a_session_is_found_among_cookies_of_any_kind(before):
    cookie = f"{before}; {session(visitor='v')}; after[1]=2"

    assert admit(scope(cookie=cookie), "") == Identity("visitor:v")


@pytest.mark.django_db
def test_a_session_nobody_stored_is_a_new_visitor():
    someone = admit(scope(cookie=f"{django_settings.SESSION_COOKIE_NAME}=made-up"), "")

    assert someone and someone.participant.startswith("visitor:")


def test_who_is_signed_in_is_that_user(user):
    assert admit(scope(cookie=signed_in(user)), "") == Identity(f"user:{user.pk}")


def test_a_token_outranks_the_session(user):
    someone = new_visitor()

    assert admit(scope(cookie=signed_in(user)), someone.token) == someone


def test_a_page_inside_another_site_is_nobody_that_the_session_knows(user):
    someone = new_visitor()
    for cookie in (signed_in(user), session(visitor="v")):
        stranger = admit(scope(cookie=cookie), "", is_embedded=True)

        assert stranger and stranger.participant.startswith("visitor:")
        assert stranger != Identity("visitor:v")
        assert admit(scope(cookie=cookie), someone.token, is_embedded=True) == someone


def test_a_page_inside_another_site_is_let_in_by_no_session_where_users_chat(user, settings):
    settings.BOTFLOW_CHAT_ACCESS = "login"
    cookie = signed_in(user)

    assert admit(scope(cookie=cookie), "") == Identity(f"user:{user.pk}")
    assert admit(scope(cookie=cookie), "", is_embedded=True) is None


@pytest.mark.parametrize(
    ("code", "found"),
    [("zh-CN", "zh-hans"), ("en-GB", "en"), ("fr", ""), ("", ""), ("../x", ""), ("x" * 600, "")],
)
def test_a_socket_is_in_the_language_it_asks_for(code, found):
    assert read_query(urlencode({"language": code}).encode()).language == found


def test_who_was_signed_out_by_a_new_password_is_a_visitor(user):
    cookie = signed_in(user)
    user.set_password("other")
    user.save()

    someone = admit(scope(cookie=cookie), "")

    assert someone and someone.participant.startswith("visitor:")


# -- where a sign-in is needed ---------------------------------------------------------------------


@pytest.fixture
def login_only(settings: Any) -> None:
    settings.BOTFLOW_CHAT_ACCESS = "login"


def test_a_stranger_is_sent_to_sign_in(login_only):
    assert admit(scope(), "") is None
    assert admit(scope(), new_visitor().token) is None


@pytest.mark.django_db
def test_the_session_of_a_visitor_is_not_enough(login_only):
    assert admit(scope(cookie=session(visitor="v")), "") is None


def test_a_user_is_let_in_by_session_and_by_token(login_only, user):
    expected = Identity(f"user:{user.pk}")

    assert admit(scope(cookie=signed_in(user)), "") == expected
    assert admit(scope(), expected.token) == expected


def test_the_token_of_a_visitor_does_not_hide_the_session(login_only, user):
    someone = admit(scope(cookie=signed_in(user)), new_visitor().token)

    assert someone == Identity(f"user:{user.pk}")


@pytest.mark.parametrize("access", ["login", "anonymous"])
def test_a_user_who_was_locked_out_does_not_come_back_by_token(user, access, settings):
    settings.BOTFLOW_CHAT_ACCESS = access
    mine = Identity(f"user:{user.pk}")
    User.objects.update(is_active=False)

    assert admit(scope(), mine.token) != mine

    User.objects.all().delete()
    assert admit(scope(), mine.token) != mine


@pytest.mark.parametrize(
    ("headers", "spoken"),
    [
        ([], "en"),
        ([(b"accept-language", b"zh-CN,zh;q=0.9,en;q=0.5")], "zh-hans"),
        ([(b"accept-language", b"fr")], "en"),
        ([(b"cookie", b"django_language=zh-hans"), (b"accept-language", b"en")], "zh-hans"),
        ([(b"accept-language", b"\xff;;q=x")], "en"),
    ],
    ids=["none", "browser", "unknown", "chosen", "junk"],
)
def test_the_site_speaks_the_language_of_the_reader(headers, spoken):
    assert language({"headers": headers}) == spoken
