"""People choose light or dark and are met in it again; the page has its owner's color and words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from fake_server import FakeSite
from playwright.sync_api import Page, expect

# What the browser paints first, noted before any script of the page but the theme's has run.
NOTE_FIRST_THEME = """
new MutationObserver((_, observer) => {
  if (!document.body) return;
  window.firstTheme = document.documentElement.dataset.theme;
  observer.disconnect();
}).observe(document, { childList: true, subtree: true });
"""


def ground(page: Page) -> str:
    return str(page.evaluate("getComputedStyle(document.body).backgroundColor"))


def chrome_color(page: Page) -> str:
    """Return the color that a phone gives the bars around the page."""
    return str(
        page.evaluate(
            """[...document.querySelectorAll('meta[name=theme-color]')]
            .filter((meta) => matchMedia(meta.media).matches).map((meta) => meta.content).join()"""
        )
    )


def problems(page: Page) -> list[str]:
    return [found["id"] for found in Axe().run(page).response["violations"]]


def test_light_or_dark_follows_the_system_until_one_is_chosen_and_stays(
    new_page: Callable[..., Page], fake_site: FakeSite
) -> None:
    page = new_page(color_scheme="light")
    page.add_init_script(NOTE_FIRST_THEME)
    page.goto(fake_site.url)
    light = ground(page)
    page.emulate_media(color_scheme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    dark = ground(page)
    assert (light, dark) == ("rgb(251, 250, 248)", "rgb(20, 22, 21)")
    assert chrome_color(page) == "#141615"

    page.get_by_role("button", name="Menu").click()
    expect(page.get_by_role("radio", name="System")).to_be_checked()
    page.get_by_role("radio", name="Light").check()
    assert (ground(page), chrome_color(page)) == (light, "#fbfaf8")

    other = page.context.new_page()
    other.goto(f"{fake_site.url}/login")
    assert ground(other) == light
    page.get_by_role("radio", name="Dark").check()
    expect(other.locator("html")).to_have_attribute("data-theme", "dark")

    page.emulate_media(color_scheme="light")
    page.reload()
    assert page.evaluate("window.firstTheme") == "dark"
    assert ground(page) == dark
    page.get_by_role("button", name="Menu").click()
    page.get_by_role("radio", name="System").check()
    assert ground(page) == light


def test_the_theme_needs_neither_a_script_nor_storage(
    new_page: Callable[..., Page], fake_site: FakeSite
) -> None:
    without_script = new_page(color_scheme="dark", java_script_enabled=False)
    without_script.goto(f"{fake_site.url}/login")
    without_storage = new_page(color_scheme="dark")
    without_storage.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new Error('off'); } })"
    )
    without_storage.goto(f"{fake_site.url}/login")

    body = without_script.locator("body")
    shown = body.evaluate("(body) => getComputedStyle(body).backgroundColor")
    assert shown == ground(without_storage) == "rgb(20, 22, 21)"
    expect(without_script.locator("html")).not_to_have_attribute("data-theme", "dark")
    expect(without_storage.locator("html")).to_have_attribute("data-theme", "dark")


def test_the_menu_is_used_by_keyboard_and_gives_the_focus_back(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    button = page.get_by_role("button", name="Menu")
    button.focus()
    page.keyboard.press("Enter")
    menu = page.get_by_role("dialog", name="Menu")

    expect(menu).to_be_visible()
    expect(button).to_have_attribute("aria-expanded", "true")
    page.get_by_role("radio", name="System").focus()
    page.keyboard.press("ArrowRight")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    # A key that chooses clicks too, at no place of its own: the menu must stay.
    expect(menu).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()

    button.click()
    page.mouse.click(20, 400)
    expect(menu).to_be_hidden()

    button.click()
    menu.get_by_role("button", name="Keyboard shortcuts").click()
    expect(page.get_by_role("dialog", name="Keyboard shortcuts")).to_be_visible()
    expect(menu).to_be_hidden()
    page.keyboard.press("Escape")
    expect(button).to_be_focused()


def test_the_owners_page_is_the_owners(
    new_page: Callable[..., Page], fake_site: FakeSite, settings: Any
) -> None:
    settings.BOTFLOW_NAME = "Ada"
    settings.BOTFLOW_COLOR = "#7c3aed"
    settings.BOTFLOW_WELCOME = "Ask me about <b>orders</b>.\n\nI never sleep."
    settings.BOTFLOW_SUGGESTIONS = ["Where is my order?"]
    page = new_page(color_scheme="dark", viewport={"width": 360, "height": 740})
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    expect(page).to_have_title("Ada")
    expect(page.get_by_role("heading", name="Hello, this is Ada.")).to_be_visible()
    expect(page.locator("#welcome p")).to_have_text(
        ["Ask me about <b>orders</b>.", "I never sleep."]
    )
    accent = page.evaluate(
        "getComputedStyle(document.documentElement).getPropertyValue('--accent')"
    )
    assert accent not in ("#5cc9b4", "#0c7565", "")
    page.get_by_role("button", name="Menu").click()
    assert problems(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Where is my order?").click()
    assert socket.receive("message")["content"] == "Where is my order?"


def test_the_sign_in_page_passes_axe(new_page: Callable[..., Page], fake_site: FakeSite) -> None:
    for locale, scheme, width in (("en-GB", "light", 1280), ("zh-CN", "dark", 320)):
        page = new_page(
            locale=locale, color_scheme=scheme, viewport={"width": width, "height": 700}
        )
        page.goto(f"{fake_site.url}/login")

        assert problems(page) == []
        assert page.evaluate("document.documentElement.scrollWidth") == width
