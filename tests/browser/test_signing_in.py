"""A visitor changes the language and signs in and loses nothing; who signs out leaves nothing."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.harness.site import Site

PASSWORD = "a long enough one"
ANSWERED = 30_000  # on a busy machine


@pytest.fixture(scope="module")
def wang(site: Site) -> str:
    """Return the name of a user of the site."""
    code = """
from django.contrib.auth import get_user_model
get_user_model().objects.create_user(arguments[0], password=arguments[1], first_name="Wang Li")
"""
    name = f"wang-{uuid.uuid4().hex[:8]}"
    site.run(code, name, PASSWORD)
    return name


def open_menu(page: Page) -> None:
    page.locator("#menu-open").click()


def sign_in(page: Page, name: str) -> None:
    page.locator("input[name=username]").fill(name)
    page.locator("input[name=password]").fill(PASSWORD)
    page.keyboard.press("Enter")


def stored(page: Page) -> str:
    return str(page.evaluate("JSON.stringify(localStorage) + JSON.stringify(sessionStorage)"))


def test_a_visitor_becomes_a_user_and_leaves_again(
    new_page: Callable[..., Page], site: Site, wang: str
) -> None:
    page = new_page()
    page.goto(site.url)
    draft = page.get_by_role("textbox", name="Your message")
    draft.fill("Remember me")
    page.keyboard.press("Enter")
    expect(page.locator(".message.assistant .text")).to_contain_text(
        "Remember me", timeout=ANSWERED
    )
    draft.fill("half a thought")

    # The language
    open_menu(page)
    page.get_by_role("button", name="简体中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(page.locator("#draft")).to_have_value("half a thought")
    expect(page.locator(".message.user .text")).to_have_text("Remember me")
    [cookie] = [one for one in page.context.cookies() if one["name"] == "django_language"]
    assert cookie["expires"] > 0

    # Signing in, while another tab is open
    other = page.context.new_page()
    other.goto(site.url)
    expect(other.locator(".message.user .text")).to_have_text("Remember me")
    open_menu(page)
    page.locator("#sign-in").click()
    sign_in(page, wang)
    for tab in (page, other):
        expect(tab.locator(".menu-person")).to_contain_text("Wang Li", timeout=ANSWERED)
        expect(tab.locator(".message.user .text")).to_have_text("Remember me")
    expect(page.locator("#draft")).to_have_value("half a thought")
    address = page.url

    # Signing out, in one tab for both
    open_menu(page)
    page.locator("input[name=theme][value=dark]").check()
    page.locator("#sign-out button").click()
    for tab in (page, other):
        expect(tab.locator("#welcome")).to_be_visible()
        expect(tab.locator(".message")).to_have_count(0)
        expect(tab.locator("#draft")).to_have_value("")
        expect(tab.locator("html")).to_have_attribute("data-theme", "dark")
    assert "half a thought" not in stored(page)
    assert "Remember me" not in stored(page)
    assert page.context.request.get(address).status == (404 if "/c/" in address else 200)


def test_the_language_changes_from_a_page_that_is_older_than_the_sign_in(
    new_page: Callable[..., Page], site: Site, wang: str
) -> None:
    page = new_page()
    page.goto(f"{site.url}/login")
    other = page.context.new_page()
    # It does not hear of the sign-in.
    other.add_init_script(
        "addEventListener('storage', (event) => event.stopImmediatePropagation())"
    )
    other.goto(site.url)
    expect(other.locator("#menu-open")).to_be_visible()
    sign_in(page, wang)
    expect(page.locator(".menu-person")).to_contain_text("Wang Li", timeout=ANSWERED)
    expect(other.locator(".menu-person")).to_have_count(0)

    open_menu(other)
    other.get_by_role("button", name="简体中文").click()

    expect(other.locator("html")).to_have_attribute("lang", "zh-hans")
