"""The bubble on the owner's site, another site to the browser: no cookies, but a token."""

import json
import re
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from conftest import CHROMIUM, FLAGS
from fake_server import FakeSite
from host_site import HostSite, host_site
from playwright.sync_api import Browser, FrameLocator, Page, expect, sync_playwright
from test_accessibility import violations
from websockets.sync.client import connect

from tests.harness.site import Site

# Neither cookies nor storage for the chat's site inside another.
NO_THIRD_PARTIES = "--test-third-party-cookie-phaseout"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*FLAGS, NO_THIRD_PARTIES]
        )
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def host() -> Iterator[HostSite]:
    """The owner's site, at `localhost`: another site than the chat's, at 127.0.0.1."""
    with host_site() as one:
        yield one


def neighbor(host: HostSite) -> str:
    """Return an origin of the owner's that is, to cookies, the same site as the chat's."""
    return host.origin.replace("localhost", "127.0.0.1")


@pytest.fixture(scope="module")
def chat(host: HostSite) -> Iterator[Site]:
    with Site(BOTFLOW_EMBED_ORIGINS=f"{host.origin},{neighbor(host)}") as site:
        host.chat = site.url
        site.start_web()
        site.start_cluster()
        site.wait_ready()
        yield site


@pytest.fixture
def visit(browser: Browser, host: HostSite, chat: Site) -> Iterator[Callable[..., Page]]:
    """Open a page of the owner's site; no page may meet an error, nor its policy be broken."""
    contexts = []
    troubles: list[str] = []

    def open_page(query: str = "", origin: str = "", **options: Any) -> Page:
        context = browser.new_context(**{"locale": "en-GB", "reduced_motion": "reduce", **options})
        context.set_default_timeout(10_000)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on(
            "console",
            lambda message: (
                troubles.append(message.text) if message.type in ("error", "warning") else None
            ),
        )
        page.goto(f"{origin or host.origin}/{query}")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def frame(page: Page) -> FrameLocator:
    return page.frame_locator("botflow-bubble iframe")


def button(page: Page, name: str | re.Pattern[str] = "Open the chat") -> Any:
    return page.get_by_role("button", name=name, exact=True)


def ask(page: Page, words: str) -> None:
    frame(page).get_by_role("textbox", name="Your message").fill(words)
    frame(page).get_by_role("textbox", name="Your message").press("Enter")
    expect(frame(page).locator(".message.assistant .text").last).to_contain_text(words)


def token(page: Page, chat: Site) -> str:
    """Return what the owner's page keeps for the chat."""
    return str(page.evaluate("key => localStorage.getItem(key)", f"botflow:{chat.url}"))


def visitor(page: Page, chat: Site) -> str:
    """Return who that is, without the time at which it was signed."""
    return token(page, chat).split(":")[0]


def test_a_visitor_asks_and_finds_the_conversation_again_without_cookies(
    visit: Callable[..., Page], chat: Site
) -> None:
    page = visit()
    button(page).click()
    expect(frame(page).locator("#draft")).to_be_focused()
    ask(page, "Which hats are there?")
    assert page.context.cookies() == []
    kept = visitor(page, chat)
    assert kept != "None"

    page.reload()

    # It was open before, and is again, without taking the focus from the page.
    expect(frame(page).locator(".message.assistant .text")).to_contain_text("Which hats")
    expect(page.locator("body")).to_be_focused()
    assert visitor(page, chat) == kept
    other = visit()
    button(other).click()
    expect(frame(other).locator("#welcome")).to_be_visible()
    assert visitor(other, chat) != kept


def test_escape_and_the_buttons_close_it_and_focus_comes_back(visit: Callable[..., Page]) -> None:
    page = visit("?tags=2")
    panel = page.get_by_role("dialog", name="Chat with BotFlow")
    expect(page.locator("botflow-bubble")).to_have_count(1)
    expect(panel).to_be_hidden()
    button(page).focus()

    page.keyboard.press("Enter")
    expect(frame(page).locator("#draft")).to_be_focused()
    page.keyboard.type("/")
    expect(frame(page).get_by_role("listbox", name="Commands")).to_be_visible()
    page.keyboard.press("Escape")  # the palette's
    expect(frame(page).get_by_role("listbox", name="Commands")).to_be_hidden()
    expect(panel).to_be_visible()
    page.keyboard.press("Escape")

    expect(panel).to_be_hidden()
    expect(button(page)).to_be_focused()
    expect(button(page)).to_have_attribute("aria-expanded", "false")
    button(page).click()
    frame(page).get_by_role("button", name="Close the chat").click()
    expect(panel).to_be_hidden()
    page.evaluate("BotFlow.open()")
    expect(panel).to_be_visible()
    page.evaluate("BotFlow.toggle()")
    expect(panel).to_be_hidden()


def test_what_comes_while_it_is_closed_is_counted_on_the_bubble(
    visit: Callable[..., Page], chat: Site
) -> None:
    page = visit()
    button(page).click()
    expect(frame(page).locator("#welcome")).to_be_visible()
    page.evaluate("BotFlow.close()")

    with connect(f"{chat.socket_url}?token={token(page, chat)}") as socket:
        socket.send("From another device")  # of the same visitor
        while json.loads(socket.recv()).get("state") != "done":
            pass

    expect(button(page, "Open the chat (1 new)")).to_have_text("1")
    expect(page.locator("botflow-bubble [role=status]")).to_have_text("Open the chat (1 new)")
    page.evaluate("document.body.replaceWith(document.createElement('body'))")  # another view
    expect(button(page, "Open the chat (1 new)")).to_be_visible()
    page.reload()  # who has talked here before sees what came meanwhile
    button(page, "Open the chat (1 new)").click()
    expect(frame(page).locator(".message.assistant")).to_have_count(1)
    page.evaluate("BotFlow.close()")
    expect(button(page)).to_have_text("")


def test_it_takes_the_pages_options_and_none_of_its_styles(visit: Callable[..., Page]) -> None:
    options = "?language=zh-CN&position=left&color=%23ffe066&title=Ada&theme=dark&open"
    page = visit(options, viewport={"width": 1280, "height": 800})

    expect(page.get_by_role("dialog", name=re.compile("Ada"))).to_be_visible()
    expect(frame(page).locator("html")).to_have_attribute("lang", "zh-hans")
    expect(frame(page).locator("html")).to_have_attribute("data-theme", "dark")
    expect(frame(page).get_by_role("heading", level=1)).to_have_text("Ada")
    shut = page.locator("botflow-bubble button")
    expect(shut).to_have_css("background-color", "rgb(255, 224, 102)")
    expect(shut).to_have_css("color", "rgb(0, 0, 0)")
    assert shut.bounding_box()["x"] < 640
    assert page.locator("botflow-bubble iframe").bounding_box()["width"] == 400


def test_axe_finds_nothing_in_the_bubble_and_its_page(
    visit: Callable[..., Page], chat: Site
) -> None:
    page = visit()
    expect(button(page)).to_be_visible()
    assert violations(page) == []
    button(page).click()
    expect(frame(page).locator("#welcome")).to_be_visible()
    assert violations(page) == []

    page = visit("embed?color=ffe066", origin=chat.url, color_scheme="dark")
    expect(page.locator("#welcome")).to_be_visible()

    assert violations(page) == []


def test_on_a_phone_it_covers_the_page(visit: Callable[..., Page]) -> None:
    page = visit("?open", viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    expect(page.locator("botflow-bubble .panel")).to_be_hidden()

    button(page).tap()

    box = page.locator("botflow-bubble iframe").bounding_box()
    assert box == {"x": 0, "y": 0, "width": 390, "height": 844}
    expect(page.locator("botflow-bubble button")).to_be_hidden()
    expect(frame(page).get_by_role("button", name="Close the chat")).to_be_focused()
    frame(page).get_by_role("button", name="Close the chat").tap()
    expect(button(page)).to_be_focused()


def test_on_the_same_site_it_is_not_whom_the_chats_own_page_knows(
    visit: Callable[..., Page], host: HostSite, chat: Site
) -> None:
    page = visit(origin=chat.url)
    page.get_by_role("textbox", name="Your message").fill("From the chat's own page")
    page.keyboard.press("Enter")
    expect(page.locator(".message.assistant .text")).to_contain_text("own page")
    assert page.context.cookies()

    page.goto(neighbor(host))
    button(page).click()

    expect(frame(page).locator("#welcome")).to_be_visible()
    ask(page, "From the neighbor")
    page.goto(chat.url)
    expect(page.locator(".message.user .text")).to_have_text("From the chat's own page")


def test_where_users_chat_it_leads_to_a_tab_to_sign_in(
    visit: Callable[..., Page], host: HostSite, fake_site: FakeSite, settings: Any
) -> None:
    settings.BOTFLOW_CHAT_ACCESS = "login"
    settings.BOTFLOW_EMBED_ORIGINS = [host.origin]
    before, host.chat = host.chat, fake_site.url
    page = visit()
    host.chat = before

    button(page).click()

    link = frame(page).get_by_role("link", name="Sign in")
    expect(link).to_have_attribute("target", "_blank")
    expect(link).to_be_focused()
    frame(page).get_by_role("button", name="Close the chat").press("Escape")
    expect(button(page)).to_be_focused()


def test_on_a_site_that_is_not_named_nothing_is_shown(
    visit: Callable[..., Page], host: HostSite
) -> None:
    port = urlsplit(host.origin).port

    page = visit(origin=f"http://elsewhere.localhost:{port}")

    page.wait_for_load_state("networkidle")
    expect(page.locator("botflow-bubble")).to_have_count(0)
    assert page.evaluate("window.BotFlow") is None
