"""The page on a real site: what is asked is answered, on every device, after every reload."""

import uuid
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.harness.site import Site


def ask(page: Page, words: str) -> str:
    """Send `words` made unique, so that tests that share a site do not see each other's."""
    text = f"{words} {uuid.uuid4().hex[:8]}"
    page.get_by_role("textbox").fill(text)
    page.keyboard.press("Enter")
    return text


def test_a_question_is_answered(page: Page, site: Site) -> None:
    page.goto(site.url)

    text = ask(page, "Hello there")

    expect(page.locator(".message.user .text")).to_have_text(text)
    expect(page.locator(".message.user .state")).to_have_text("Answered")
    expect(page.locator(".message.assistant .text")).to_contain_text(text)


def test_a_reload_shows_the_same_conversation(page: Page, site: Site) -> None:
    page.goto(site.url)
    text = ask(page, "Remember this")
    expect(page.locator(".message.user .state")).to_have_text("Answered")

    page.reload()

    expect(page.locator(".message.user .text")).to_have_text(text)
    expect(page.locator(".message.assistant")).to_have_count(1)


def test_a_second_tab_follows(page: Page, site: Site) -> None:
    page.goto(site.url)
    expect(page.locator("#welcome")).to_be_visible()
    other = page.context.new_page()
    other.goto(site.url)
    expect(other.locator("#welcome")).to_be_visible()

    text = ask(page, "For both of us")

    for tab in (page, other):
        expect(tab.locator(".message.user .text")).to_have_text(text)
        expect(tab.locator(".message.user .state")).to_have_text("Answered")
        expect(tab.locator(".message.assistant")).to_have_count(1)


def test_two_visitors_do_not_see_each_other(new_page: Callable[..., Page], site: Site) -> None:
    page, stranger = new_page(), new_page()
    page.goto(site.url)
    ask(page, "Only mine")
    expect(page.locator(".message.user .state")).to_have_text("Answered")

    stranger.goto(site.url)

    expect(stranger.locator("#welcome")).to_be_visible()
    expect(stranger.locator(".message")).to_have_count(0)


def test_messages_written_in_a_row_are_all_answered_once(page: Page, site: Site) -> None:
    page.goto(site.url)

    texts = [ask(page, f"number {number}") for number in range(5)]

    expect(page.locator(".message.user .state")).to_have_text(["Answered"] * 5)
    expect(page.locator(".message.user .text")).to_have_text(texts)
    expect(page.locator(".message.assistant")).to_have_count(5)


def test_a_restarted_web_server_loses_nothing(page: Page, site: Site) -> None:
    page.goto(site.url)
    first = ask(page, "before")
    expect(page.locator(".message.user .state")).to_have_text("Answered")

    site.web.terminate()
    second = ask(page, "meanwhile")
    expect(page.locator(".message.user .state").last).to_have_text(
        "Sent when you are connected again"
    )
    site.start_web()

    expect(page.locator(".message.user .state")).to_have_text(["Answered"] * 2, timeout=30_000)
    expect(page.locator(".message.user .text")).to_have_text([first, second])
    expect(page.locator(".message.assistant")).to_have_count(2)


@pytest.mark.parametrize(
    ("locale", "language", "greeting"),
    [("en-US", "en", "Hello, this is BotFlow."), ("zh-CN", "zh-hans", "你好，我是 BotFlow。")],
)
def test_the_page_speaks_the_readers_language(
    new_page: Callable[..., Page], site: Site, locale: str, language: str, greeting: str
) -> None:
    page = new_page(locale=locale)

    page.goto(site.url)

    expect(page.locator("html")).to_have_attribute("lang", language)
    expect(page.locator("#welcome h2")).to_have_text(greeting)


def test_an_unknown_address_shows_the_sites_own_page(page: Page, site: Site) -> None:
    answer = page.context.request.get(f"{site.url}/nowhere")

    assert answer.status == 404
    assert "Go to the chat" in answer.text()
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_the_page_is_never_kept_by_caches(page: Page, site: Site) -> None:
    answer = page.context.request.get(site.url)

    assert "no-store" in answer.headers["cache-control"]
    assert "sessionid" in answer.headers["set-cookie"]
