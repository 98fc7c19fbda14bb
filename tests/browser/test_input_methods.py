"""Chinese, Japanese and Korean are written without a word being sent before it is finished."""

from composing import InputMethod, confirm_by_events
from fake_server import FakeSite, FakeSocket
from playwright.sync_api import Page, expect

# What is seen meanwhile, and what is written in the end.
WORDS = [
    (["n", "ni", "ni hao"], "你好"),
    (["k", "か", "かん", "漢字"], "漢字"),
    (["ㅎ", "하", "한"], "한"),
]


def opened(page: Page, site: FakeSite) -> FakeSocket:
    page.goto(site.url)
    socket = site.next_socket().welcome()
    page.locator("#draft").focus()
    return socket


def test_a_word_that_chromium_composes_is_sent_by_the_next_enter_only(
    page: Page, fake_site: FakeSite
) -> None:
    socket = opened(page, fake_site)
    method, draft = InputMethod(page), page.locator("#draft")

    for stages, word in WORDS:
        method.show(*stages)
        expect(draft).to_have_value(stages[-1])
        method.press_enter()
        method.confirm(word)
        expect(draft).to_have_value(word)
        assert "message" not in socket.waiting()
        page.wait_for_timeout(50)  # longer than the moment in which an Enter is the method's
        page.keyboard.press("Enter")
        assert socket.receive("message")["content"] == word
        expect(draft).to_have_value("")


def test_the_enter_that_confirms_a_word_sends_nothing_in_any_browsers_order(
    page: Page, fake_site: FakeSite
) -> None:
    socket = opened(page, fake_site)
    draft = page.locator("#draft")

    for how in ("flagged", "unflagged", "chrome", "safari", "close"):
        confirm_by_events(draft, "你好", how)
        expect(draft).to_have_value("你好")
    assert "message" not in socket.waiting()
    page.wait_for_timeout(50)  # longer than the moment in which an Enter is the method's
    page.keyboard.press("Enter")

    assert socket.receive("message")["content"] == "你好"


def test_keys_of_the_input_method_choose_no_command_and_stop_no_answer(
    page: Page, fake_site: FakeSite
) -> None:
    socket = opened(page, fake_site)
    method, draft = InputMethod(page), page.locator("#draft")
    page.keyboard.insert_text("／")
    expect(page.get_by_role("option")).to_have_count(8)

    method.show("t", "ti")
    method.press_enter()
    expect(draft).to_have_value("／ti")
    method.confirm("提")

    expect(draft).to_have_value("／提")
    expect(page.get_by_role("option")).to_have_count(1)
    assert "message" not in socket.waiting()
