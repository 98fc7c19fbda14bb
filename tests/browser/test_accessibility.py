"""The page passes axe in its states: light and dark, desktop, phone and zoomed, both languages."""

from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fake_server import FakeSite, FakeSocket, reply, task, user_message
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

$$x^2$$
"""
SCREENS = {"desktop": (1280, 800), "phone": (320, 640)}
# Each two of colors, screen and language meet once.
LOOKS = [("light", "desktop", "en-US"), ("light", "phone", "zh-CN")]
LOOKS += [("dark", "desktop", "zh-CN"), ("dark", "phone", "en-US")]
DESKTOP: dict[str, Any] = {"viewport": {"width": 1280, "height": 800}}
PHONE: dict[str, Any] = {"has_touch": True, "is_mobile": True}
# 640 x 400 is a small window at 200 %.
READERS: dict[str, dict[str, Any]] = {
    "light desktop": {**DESKTOP, "color_scheme": "light"},
    "dark desktop in Chinese": {**DESKTOP, "color_scheme": "dark", "locale": "zh-CN"},
    "light zoomed in Chinese": {"viewport": {"width": 640, "height": 400}, "locale": "zh-CN"},
    "dark narrow phone": {
        **PHONE,
        "viewport": {"width": 320, "height": 640},
        "color_scheme": "dark",
    },
}
# What a finger is to meet: not within text, not behind a dialog, not what is hidden.
SMALL = """() => {
  const dialog = [...document.querySelectorAll("dialog[open]")].at(-1) ?? document.body;
  const shown = {opacityProperty: true, visibilityProperty: true};
  return [...dialog.querySelectorAll("button, textarea, a[href]:not(.text a)")]
    .filter((node) => node.checkVisibility(shown) && node.offsetWidth)
    .filter((node) => Math.min(node.offsetWidth, node.offsetHeight) < 44)
    .map((node) => `${node.id} ${node.className} ${node.offsetWidth}x${node.offsetHeight}`);
}"""
BEYOND = """() => {
  const {scrollWidth, scrollHeight} = document.documentElement;
  return [scrollWidth - innerWidth, scrollHeight - innerHeight];
}"""


def violations(page: Page) -> list[str]:
    results = Axe().run(page)
    return [
        f"{found['id']}: {node['target']} {node['failureSummary']}"
        for found in results.response["violations"]
        for node in found["nodes"]
    ]


def assert_fine(page: Page) -> None:
    """Axe finds nothing, the page fits its window, and fingers what they are to meet."""
    assert violations(page) == []
    assert page.evaluate(BEYOND) == [0, 0]
    if page.evaluate("matchMedia('(pointer: coarse)').matches"):
        assert page.evaluate(SMALL) == []


def show_first_screen(page: Page, socket: FakeSocket) -> None:
    expect(page.locator("#welcome")).to_be_visible()
    # Also where there is little height its beginning is seen first.
    expect(page.locator("#welcome h2")).to_be_in_viewport(ratio=1)
    page.locator("#draft").fill("/")
    expect(page.locator("#commands")).to_be_visible()
    assert_fine(page)
    page.locator("#draft").fill("")
    page.locator("#tasks-open").click()
    socket.send(type="tasks", tasks=[task(1), task(2, state="paused", next_at=None)])
    expect(page.locator(".task")).to_have_count(2)
    assert_fine(page)
    page.keyboard.press("Escape")
    page.locator("#menu-open").click()
    assert_fine(page)
    page.keyboard.press("Escape")


def say_all(socket: FakeSocket) -> None:
    file = {"url": "/media/7/plan.pdf", "name": "plan.pdf", "type": "application/pdf", "size": 9}
    said = [
        user_message(1, state="failed", detail="No."),
        reply(2, "Part", state="failed", reply_to="user-1"),
        user_message(3, "Plan", state="answered", content_type="file", files=[file]),
        user_message(4, "Plans", state="answered", replaces="user-3", chosen=4),
        reply(5, MARKDOWN, html=to_html(MARKDOWN), reply_to="user-4"),
        user_message(6, "Stretch", role="system", state="answered"),
        user_message(7, "change me", state="answered", branch="user-4"),
        user_message(8, "now", state="answering", branch="user-4"),
    ]
    for message in said:
        socket.send(type="message", **message)
    socket.send(type="delta", id="r", offset=0, text="It is being writ")


def show_every_message(page: Page, socket: FakeSocket) -> None:
    page.locator("#draft").fill("Refuse me")
    page.keyboard.press("Enter")
    frame = socket.receive("message")
    socket.send(type="error", code="rate_limited", detail="", client_id=frame["client_id"])
    say_all(socket)
    socket.send(type="error", code="unavailable", detail="")
    expect(page.locator(".streaming")).to_be_visible()
    expect(page.locator(".versions").filter(visible=True)).to_have_count(1)
    expect(page.locator("#problem")).to_be_visible()
    page.locator("#dismiss").focus()
    changed = page.locator(".message.user").filter(has_text="change me")
    changed.hover()
    changed.locator(".tool.edit").click()
    page.locator(".message.assistant .tool.delete").first.click()
    expect(page.locator(".editor, .question")).to_have_count(2)
    assert_fine(page)


def show_conversations(page: Page) -> None:
    if not page.locator("#sidebar").is_visible():
        page.locator("#sidebar-open").click()
    row = page.locator(".conversation").filter(has_text="Trains")
    row.hover()
    row.locator(".conversation-more").click()
    expect(page.locator("#conversation-menu")).to_be_visible()
    assert_fine(page)
    page.keyboard.press("Enter")
    expect(page.locator(".conversation-name")).to_be_focused()
    page.locator("#search").fill("train")
    expect(page.locator(".hit")).to_have_count(1)
    assert_fine(page)


@pytest.mark.parametrize("reader", READERS)
def test_axe_finds_nothing(new_page: Callable[..., Page], fake_site: FakeSite, reader: str) -> None:
    fake_site.conversations = [
        {"id": "c1", "title": "Trains", "seq": 3, "updated_at": "2026-03-01T09:00:00Z"}
        | {"unread": True, "answering": False},
        {"id": "c2", "title": "שלום", "seq": 3, "updated_at": "2026-02-01T09:00:00Z"}
        | {"unread": False, "answering": True},
    ]
    hit = {"conversation": "c1", "message": "m", "title": "Trains", "seq": 3, "role": "user"}
    hit |= {"snippet": [["by ", False], ["train", True]], "created_at": "2026-03-01T09:00:00Z"}
    page = new_page(**READERS[reader], reduced_motion="reduce")
    page.route(
        "**/api/search?*",
        lambda route: route.fulfill(json={"hits": [hit], "more": False, "before": None}),
    )
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    show_first_screen(page, socket)
    show_every_message(page, socket)
    show_conversations(page)


def test_the_focus_goes_on_where_what_had_it_goes_away(
    new_page: Callable[..., Page], fake_site: FakeSite
) -> None:
    page = new_page(**PHONE, viewport={"width": 390, "height": 844})
    page.goto(fake_site.url)
    many = [user_message(seq, "\n".join("many"), state="failed") for seq in range(1, 20)]
    socket = fake_site.next_socket().welcome(*many)
    log = page.get_by_role("log")

    # Not in the field: a keyboard would come up.
    page.get_by_role("button", name="Try again").last.press("Enter")
    expect(log).to_be_focused()
    socket.send(type="error", code="unavailable", detail="")
    page.locator("#dismiss").press("Enter")
    expect(page.locator("#problem")).to_be_hidden()
    expect(log).to_be_focused()
    log.evaluate("(node) => node.scrollTo(0, 200)")
    page.locator("#jump").press("Enter")
    expect(page.locator("#jump")).to_be_hidden()
    expect(log).to_be_focused()


def test_what_is_told_aloud_is_told_once_and_nothing_of_what_was_said_before(
    new_page: Callable[..., Page], fake_site: FakeSite
) -> None:
    page = new_page(locale="zh-CN")
    page.goto(fake_site.url)
    page.evaluate("""() => {
      window.told = [];
      const node = document.getElementById("announcer");
      const tell = () => window.told.push(node.textContent);
      new MutationObserver(tell).observe(node, {childList: true});
    }""")
    old = [user_message(1, state="failed"), user_message(2, state="answered")]
    socket = fake_site.next_socket().welcome(*old, reply(3, "Old.", reply_to="user-2"))
    expect(page.locator(".message")).to_have_count(3)
    assert page.evaluate("window.told") == []

    socket.send(type="message", **user_message(4, state="answering"))
    for number in range(3):
        socket.send(type="delta", id="r", offset=9 * number, text="**Text**\n")
        fields = {"from": 0, "to": 9 * (number + 1)}
        socket.send(
            type="render", id="r", html="", tail="<p><b>Text</b></p>" * (number + 1), **fields
        )
    expect(page.locator(".streaming b")).to_have_count(3)
    socket.send(type="message", **reply(5, "**Text**\n" * 3, id="r", reply_to="user-4"))
    socket.send(type="status", id="user-4", state="answered", seq=6)

    expect(page.locator(".streaming")).to_have_count(0)
    expect(page.locator("#announcer")).to_have_text("完成")
    assert page.evaluate("window.told") == ["正在回答", "完成"]


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
