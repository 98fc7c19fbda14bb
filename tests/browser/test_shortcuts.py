"""The keys are listed where somebody asks for them, and the list takes no letter from a text."""

from collections.abc import Callable

from fake_server import FakeSite, FakeSocket, reply, user_message
from playwright.sync_api import Locator, Page, expect
from test_accessibility import violations


def opened(page: Page, site: FakeSite) -> FakeSocket:
    page.goto(site.url)
    return site.next_socket().welcome(
        user_message(1, "First", state="answered"),
        user_message(2, "What I said last", state="answered"),
        reply(3, "Yes.", reply_to="user-2"),
    )


def dialog(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Keyboard shortcuts")


def test_the_list_opens_by_key_and_by_menu_and_gives_the_focus_back(
    page: Page, fake_site: FakeSite
) -> None:
    opened(page, fake_site)
    draft = page.get_by_label("Your message")

    # A question mark in the field is written; it opens the list where nothing is being written.
    draft.press("?")
    expect(draft).to_have_value("?")
    expect(dialog(page)).to_be_hidden()
    page.get_by_role("log").press("?")
    expect(dialog(page)).to_be_visible()
    page.keyboard.press("?")
    expect(dialog(page)).to_be_hidden()
    page.get_by_role("log").press("?")
    page.keyboard.press("Escape")
    expect(dialog(page)).to_be_hidden()
    draft.press("Control+/")
    expect(dialog(page)).to_be_visible()
    page.get_by_role("button", name="Close", exact=True).click()
    page.get_by_role("button", name="Menu", exact=True).click()
    page.get_by_role("button", name="Keyboard shortcuts").click()
    expect(dialog(page)).to_be_visible()
    page.mouse.click(4, 4)
    expect(dialog(page)).to_be_hidden()


def test_the_key_upwards_offers_the_last_message_to_be_changed(
    page: Page, fake_site: FakeSite
) -> None:
    opened(page, fake_site)
    draft = page.get_by_label("Your message")
    expect(page.locator(".message")).to_have_count(3)

    draft.fill("a text")
    draft.press("ArrowUp")
    expect(page.locator("textarea")).to_have_count(1)
    draft.fill("")
    draft.press("ArrowUp")

    editor = page.locator(".message textarea")
    expect(editor).to_have_value("What I said last")
    expect(editor).to_be_focused()


def test_axe_finds_nothing_in_the_list(new_page: Callable[..., Page], fake_site: FakeSite) -> None:
    size = {"width": 320, "height": 640}
    page = new_page(locale="zh-CN", color_scheme="dark", viewport=size, reduced_motion="reduce")
    opened(page, fake_site)

    page.locator("#draft").press("Control+/")
    expect(page.locator("#shortcuts")).to_be_visible()

    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == 320
