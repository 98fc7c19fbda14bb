"""Writing: keys mean what people expect, and the field grows with its text."""

from collections.abc import Callable

from fake_server import FakeSite, user_message
from playwright.sync_api import Page, expect


def open_page(page: Page, site: FakeSite) -> None:
    page.goto(site.url)
    site.next_socket().welcome()
    expect(page.locator("#welcome")).to_be_visible()


def test_enter_sends_and_shift_enter_starts_a_line(page: Page, fake_site: FakeSite) -> None:
    open_page(page, fake_site)
    draft = page.get_by_label("Your message")

    draft.press_sequentially("one")
    draft.press("Shift+Enter")
    draft.press_sequentially("two")
    expect(draft).to_have_value("one\ntwo")
    draft.press("Enter")

    expect(draft).to_have_value("")
    assert page.locator(".message.user .text").inner_text() == "one\ntwo"
    draft.press_sequentially("three")
    draft.press("Control+Enter")
    expect(page.locator(".message.user .text").last).to_have_text("three")


def test_nothing_but_spaces_is_not_sent(page: Page, fake_site: FakeSite) -> None:
    open_page(page, fake_site)

    page.get_by_label("Your message").fill("  \n ")
    page.keyboard.press("Enter")

    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    expect(page.locator(".message")).to_have_count(0)


def test_the_field_grows_with_its_text_to_a_limit(page: Page, fake_site: FakeSite) -> None:
    open_page(page, fake_site)
    draft = page.get_by_label("Your message")

    heights = []
    for lines in (1, 4, 100):
        draft.fill("\n" * (lines - 1))
        heights.append(draft.bounding_box()["height"])  # type: ignore[index]

    assert heights[0] < heights[1] < heights[2] <= 256


def test_the_field_grows_too_when_the_button_to_stop_takes_of_its_width(
    new_page: Callable[..., Page], fake_site: FakeSite
) -> None:
    page = new_page(viewport={"width": 320, "height": 640})
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome(user_message(1, state="answered"))
    draft = page.get_by_label("Your message")
    draft.fill("")
    while draft.bounding_box()["height"] < 48:  # type: ignore[index]
        draft.press_sequentially("mm ")
    draft.press("Backspace")
    draft.press("Backspace")
    draft.press("Backspace")

    socket.send(type="status", id="user-1", state="answering")
    expect(page.get_by_role("button", name="Stop answering")).to_be_visible()

    assert draft.evaluate("(field) => field.scrollHeight <= field.clientHeight")


def test_an_example_fills_the_composer(page: Page, fake_site: FakeSite) -> None:
    open_page(page, fake_site)

    page.get_by_role("button", name="What can you do?").click()

    expect(page.get_by_label("Your message")).to_have_value("What can you do?")
    expect(page.get_by_label("Your message")).to_be_focused()


def test_escape_stops_the_answer_and_text_can_be_sent_meanwhile(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome(user_message(1, state="answering"))
    expect(page.get_by_role("button", name="Stop answering")).to_be_visible()
    expect(page.get_by_role("button", name="Send")).to_be_hidden()

    page.get_by_label("Your message").fill("and another thing")
    expect(page.get_by_role("button", name="Send")).to_be_visible()
    page.keyboard.press("Escape")

    assert socket.receive("stop") == {"type": "stop"}


def test_code_is_copied_without_the_clipboard_api(page: Page, fake_site: FakeSite) -> None:
    page.add_init_script("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    page.goto(fake_site.url)
    html = '<pre><code class="language-python">print("hi")\n</code></pre>'
    socket = fake_site.next_socket().welcome(
        user_message(1, "x", role="assistant", state="done", html=html)
    )

    expect(page.locator(".code-head")).to_contain_text("python")
    page.locator(".code-head button").click()
    expect(page.locator(".code-head button")).to_have_text("Copied")
    page.get_by_label("Your message").press("ControlOrMeta+V")

    expect(page.get_by_label("Your message")).to_have_value('print("hi")\n')
    assert socket.waiting() == []
