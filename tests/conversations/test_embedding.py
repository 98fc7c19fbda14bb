"""The pages for other sites: which sites may show the chat, and that nobody else's page does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

SHOP = "https://shop.example.org"


@pytest.fixture(autouse=True)
def origins(settings: Any) -> Iterator[None]:
    # Without a database: these pages ask who is there on the socket only.
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.BOTFLOW_CHAT_ACCESS = "anonymous"
    settings.BOTFLOW_EMBED_ORIGINS = [SHOP, "https://*.example.com", "http://localhost:3000"]
    yield


@pytest.fixture
def client() -> Client:
    return Client()


def ancestors(response: Any) -> str:
    [found] = re.findall(r"frame-ancestors ([^;]*)", response.headers["Content-Security-Policy"])
    return str(found)


def setup_of(script: Any) -> dict[str, Any]:
    """Return what the script is called with."""
    body = script.content.decode()
    return dict(json.loads(body[body.rindex("})(") + 3 : body.rindex(");")]))


def test_where_no_site_is_named_there_is_nothing_to_embed(client, settings):
    settings.BOTFLOW_EMBED_ORIGINS = []

    assert client.get("/embed").status_code == 404
    assert client.get("/embed.js").status_code == 404


@pytest.mark.parametrize(
    "origin",
    [SHOP, "https://www.example.com", "https://a.b.example.com", "http://localhost:3000"],
)
def test_the_page_may_stand_in_the_site_that_asks_and_in_no_other(client, origin):
    response = client.get("/embed", {"origin": origin})

    assert response.status_code == 200
    assert ancestors(response) == origin
    assert "X-Frame-Options" not in response.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example.org",
        "http://shop.example.org",
        "https://shop.example.org:444",
        "https://shop.example.org.evil.example",
        "https://shopxexample.org",
        "https://example.com",
        "https://evilexample.com",
        "https://x.example.com.evil.example",
        f"{SHOP}\n",
        f"{SHOP} https://evil.example",
        f"{SHOP}; script-src *",
        "https://*.example.com",
        "null",
    ],
)
def test_a_site_that_is_not_named_may_not_show_it(client, origin):
    response = client.get("/embed", {"origin": origin})

    assert response.status_code == 404
    assert ancestors(response) == "'none'"
    assert response.headers["X-Frame-Options"] == "DENY"


def test_a_frame_that_names_no_site_may_stand_in_those_of_the_settings(client):
    assert ancestors(client.get("/embed")) == (
        f"{SHOP} https://*.example.com http://localhost:3000"
    )


def test_the_usual_port_and_capitals_make_no_other_site(client, settings):
    settings.BOTFLOW_EMBED_ORIGINS = ["https://Shop.Example.org:443"]

    assert client.get("/embed", {"origin": SHOP}).status_code == 200


@pytest.mark.parametrize("address", ["/", "/login", "/nowhere"])
def test_every_other_page_stands_in_no_frame(client, address):
    response = client.get(address)

    assert ancestors(response) == "'none'"
    assert response.headers["X-Frame-Options"] == "DENY"


@pytest.mark.parametrize("access", ["anonymous", "login"])
def test_the_page_sets_no_cookie(client, settings, access):
    settings.BOTFLOW_CHAT_ACCESS = access

    assert not client.get("/embed", {"origin": SHOP}).cookies


@pytest.mark.parametrize(("wanted", "lang"), [("zh-CN", "zh-hans"), ("en", "en"), ("fr", "en")])
def test_the_page_is_in_the_language_of_the_site_around_it(client, wanted, lang):
    page = client.get("/embed", {"language": wanted}).content.decode()

    assert f'<html lang="{lang}"' in page


@pytest.mark.parametrize(("theme", "wanted"), [("dark", True), ('"><script>', False), ("", False)])
def test_the_page_is_light_or_dark_as_the_site_around_it_asks(client, theme, wanted):
    page = client.get("/embed", {"theme": theme, "color": '"><script>'}).content.decode()

    assert ('data-wanted="dark"' in page) == wanted
    assert '"><script>' not in page


def test_where_users_chat_it_leads_to_a_tab_in_which_one_signs_in(client, settings):
    settings.BOTFLOW_CHAT_ACCESS = "login"

    page = client.get("/embed", {"origin": SHOP}).content.decode()

    assert 'href="/" target="_blank" rel="noopener"' in page
    assert "<textarea" not in page


def test_the_script_may_be_kept_and_loaded_by_every_site(client):
    script = client.get("/embed.js")

    assert script.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert script.headers["Cache-Control"] == "public, max-age=300"
    assert script.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert not script.cookies
    again = client.get("/embed.js", headers={"If-None-Match": script.headers["ETag"]})
    assert again.status_code == 304


def test_the_script_has_the_name_the_color_and_the_words_of_every_language(client, settings):
    settings.BOTFLOW_NAME = 'Ada "</script>'
    settings.BOTFLOW_COLOR = "#123456"

    setup = setup_of(client.get("/embed.js"))

    assert (setup["name"], setup["color"]) == ('Ada "</script>', "#123456")
    assert set(setup["texts"]) == {"en", "zh-hans"}
    assert setup["texts"]["en"]["open"] == "Open the chat"
