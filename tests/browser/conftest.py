"""A real Chromium for the tests of the page; any error or request to elsewhere fails the test."""

import os
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from fake_server import FakeSite
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# What Chromium itself logs when a server goes away: the tests do that on purpose, at times before
# Chromium has asked for the icon. A file that is missing is another error.
EXPECTED = ("WebSocket connection to", "net::ERR_INTERNET_DISCONNECTED")
EXPECTED += ("net::ERR_CONNECTION_REFUSED", "net::ERR_CONNECTION_RESET")
# A file that the site does not take.
EXPECTED += ("a status of 415", "a status of 429")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """One Chromium for each file, no longer: its event loop would disturb async tests."""
    if not os.path.exists(CHROMIUM) and not os.environ.get("BOTFLOW_TEST_ALL"):
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def new_page(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page in a context of its own; at the end of the test it must have had no troubles."""
    contexts: list[BrowserContext] = []
    troubles: list[str] = []

    def open_page(**options: Any) -> Page:
        context = browser.new_context(**{"locale": "en-GB", "timezone_id": "UTC", **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        watch(page, troubles)
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def watch(page: Page, troubles: list[str]) -> None:
    """Note every error, policy violation (they are console errors) and request to elsewhere."""
    page.on("pageerror", lambda error: troubles.append(f"error: {error}"))

    def on_console(message: Any) -> None:
        if message.type == "error" and not any(text in message.text for text in EXPECTED):
            troubles.append(f"console: {message.text}")

    def on_request(request: Any) -> None:
        address = urlsplit(request.url)
        if address.scheme in ("http", "https", "ws", "wss") and address.hostname != "127.0.0.1":
            troubles.append(f"request: {request.url}")

    page.on("console", on_console)
    page.on("request", on_request)


@pytest.fixture
def page(new_page: Callable[..., Page]) -> Page:
    return new_page()


@pytest.fixture
def fake_site(settings: Any) -> Iterator[FakeSite]:
    # Without a database: pytest-django keeps it from threads, and the page itself needs none.
    settings.SESSION_ENGINE = "django.contrib.sessions.backends.signed_cookies"
    settings.BOTFLOW_CHAT_ACCESS = "anonymous"
    site = FakeSite()
    yield site
    site.close()
