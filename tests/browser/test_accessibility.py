"""The page passes axe in both color schemes, on desktop and phone, in both languages."""

from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from fake_server import FakeSite, FakeSocket, reply, user_message
from playwright.sync_api import Page, expect

from conversations.rendering import to_html

MARKDOWN = """# Plan

1. **Go**, see [there](https://a.example)

```python
x = 1
```

|a|b|
|-|-|
|1|2|

> `end`
"""
SCREENS = {"desktop": (1280, 800), "phone": (320, 640)}


def violations(page: Page) -> list[str]:
    results = Axe().run(page)
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in results.response["violations"]
        for node in found["nodes"]
    ]


def show_every_state(page: Page, socket: FakeSocket) -> None:
    page.get_by_role("textbox").fill("Refuse me")
    page.keyboard.press("Enter")
    frame = socket.receive("message")
    socket.send(type="error", code="rate_limited", detail="", client_id=frame["client_id"])
    socket.send(type="error", code="unavailable", detail="")
    socket.send(type="message", **user_message(5, "now", state="answering"))
    socket.send(type="delta", id="r", offset=0, text="It is being writ")
    expect(page.locator(".streaming")).to_be_visible()
    expect(page.locator("#problem")).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("screen", SCREENS)
@pytest.mark.parametrize("locale", ["en-US", "zh-CN"])
def test_axe_finds_nothing(
    new_page: Callable[..., Page], fake_site: FakeSite, scheme: str, screen: str, locale: str
) -> None:
    width, height = SCREENS[screen]
    page = new_page(
        locale=locale,
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
    )
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()
    expect(page.locator("#welcome")).to_be_visible()

    assert violations(page) == []
    socket.send(type="message", **user_message(1, state="failed", detail="No."))
    socket.send(type="message", **reply(2, "Part", state="failed", reply_to="user-1"))
    socket.send(type="message", **user_message(3, "Plan", state="answered"))
    socket.send(type="message", **reply(4, MARKDOWN, html=to_html(MARKDOWN), reply_to="user-3"))
    show_every_state(page, socket)
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width


def test_the_transcript_is_a_log_that_is_not_read_letter_by_letter(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    expect(page.locator("#announcer")).to_have_role("status")
    expect(page.get_by_role("log", name="Conversation")).to_have_attribute("aria-live", "off")
    socket.send(type="message", **user_message(1, state="answering"))
    expect(page.locator("#announcer")).to_have_text("Answering")
    socket.send(type="delta", id="r", offset=0, text="Some text")
    expect(page.locator(".message.assistant")).to_be_visible()
    expect(page.locator("#announcer")).to_have_text("Answering")
    socket.send(type="message", **reply(2, "Some text.", id="r", reply_to="user-1"))

    expect(page.locator("#announcer")).to_have_text("Done")


def test_everything_is_reached_by_keyboard(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    fake_site.next_socket().welcome(user_message(1, state="failed"))
    expect(page.get_by_role("button", name="Try again")).to_be_visible()

    page.get_by_label("Your message").focus()
    page.keyboard.press("Shift+Tab")
    expect(page.get_by_role("button", name="Attach files")).to_be_focused()
    page.keyboard.press("Shift+Tab")

    expect(page.get_by_role("button", name="Try again")).to_be_focused()
