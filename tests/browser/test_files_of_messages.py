"""The files of messages: pictures that open in full, others to download, and no jump meanwhile."""

import time
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from fake_server import FakeSite, user_message
from playwright.sync_api import Page, Route, expect
from test_attachments import PNG


def told(name: str, kind: str, size: int = 1234) -> dict[str, Any]:
    return {"url": f"/media/7/{name}", "name": name, "type": kind, "size": size}


def picture(name: str) -> dict[str, Any]:
    return told(name, "image/png")


def next_of(held: list[Route], page: Page) -> Route:
    """Return the next request that was held back, once it has come."""
    deadline = time.monotonic() + 10
    while not held:
        assert time.monotonic() < deadline
        page.wait_for_timeout(20)
    return held.pop(0)


def test_pictures_open_in_full_and_arrow_keys_go_on(page: Page, fake_site: FakeSite) -> None:
    page.route("**/media/**", lambda route: route.fulfill(body=PNG, content_type="image/png"))
    page.goto(fake_site.url)
    files = [picture("one.png"), told("plan.pdf", "application/pdf", 2_500_000), picture("two.png")]
    fake_site.next_socket().welcome(user_message(1, "", content_type="file", files=files))
    second = page.get_by_role("button", name="Open image two.png")

    second.press("Enter")

    dialog = page.get_by_role("dialog", name="Image")
    expect(dialog.get_by_role("img", name="two.png")).to_be_visible()
    expect(dialog.get_by_role("link", name="Download")).to_have_attribute("download", "two.png")
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("ArrowRight")
    expect(dialog.get_by_role("button", name="Next image")).to_be_disabled()
    page.keyboard.press("ArrowLeft")
    expect(dialog.get_by_role("img", name="one.png")).to_be_visible()
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(second).to_be_focused()
    chip = page.get_by_role("link", name="Download plan.pdf")
    expect(chip).to_contain_text("PDF · 2.4 MB")
    assert str(chip.get_attribute("href")).endswith("/media/7/plan.pdf")
    expect(page.locator(".message.user .text")).to_be_hidden()


def test_the_place_of_a_picture_is_kept_while_it_loads_and_when_it_is_gone(
    page: Page, fake_site: FakeSite
) -> None:
    held: list[Route] = []
    page.route("**/media/**", lambda route: held.append(route))
    page.goto(fake_site.url)
    message = user_message(1, "Look", content_type="image", files=[picture("one.png")])
    socket = fake_site.next_socket().welcome(message)
    asked = next_of(held, page)
    tile, text = page.locator(".picture"), page.locator(".message.user .text")
    before = (tile.bounding_box(), text.bounding_box())

    asked.fulfill(body=PNG, content_type="image/png")
    page.wait_for_function("() => document.querySelector('.picture img').complete")
    assert (tile.bounding_box(), text.bounding_box()) == before
    gone = {**message, "seq": 2, "files": [picture("gone.png")]}
    socket.send(type="message", **gone)
    next_of(held, page).fulfill(body=b"no picture", content_type="image/png")

    expect(tile).to_contain_text("No longer available")
    assert (tile.bounding_box(), text.bounding_box()) == before
    socket.send(type="message", **{**message, "seq": 3, "files": []})
    expect(tile).to_have_count(0)


def test_names_are_shown_as_written_and_never_as_markup(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    name = '"><img src=x onerror=alert(1)>'
    hostile = [told(name, "text/plain"), {**picture(name), "url": "javascript:alert(1)"}]
    outside = {**told("x", "text/plain"), "url": "https://example.com/x"}

    fake_site.next_socket().welcome(user_message(1, "", files=[*hostile, outside]))

    expect(page.locator(".file-name").first).to_have_text(name)
    addresses = page.locator(".files a, .files img").evaluate_all(
        "nodes => nodes.map((node) => node.getAttribute('href') ?? node.getAttribute('src'))"
    )
    assert addresses == [
        None,
        f"{fake_site.url}/media/7/%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
        None,
    ]
