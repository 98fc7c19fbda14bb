"""The reader decides what is in view: new text follows only those who read the end."""

from collections.abc import Callable

from fake_server import FakeSite, reply, user_message
from playwright.sync_api import Page, expect

AT_END = "box => box.scrollHeight - box.scrollTop - box.clientHeight < 2"


def is_at_end(page: Page) -> bool:
    return bool(page.locator("#transcript").evaluate(AT_END))


def test_the_end_is_shown_first(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    fake_site.next_socket().welcome(*(user_message(n, f"line {n}") for n in range(1, 50)))

    expect(page.get_by_text("line 49", exact=True)).to_be_in_viewport()
    assert is_at_end(page)


def test_new_text_follows_at_the_end(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome(
        *(user_message(n, f"line {n}", state="answered") for n in range(1, 50))
    )
    expect(page.get_by_text("line 49", exact=True)).to_be_in_viewport()

    socket.send(type="delta", id="r", offset=0, text="a\n" * 40)
    expect(page.locator(".message.assistant")).to_be_visible()

    assert is_at_end(page)
    expect(page.locator("#jump")).to_be_hidden()


def test_new_text_does_not_move_who_reads_further_up(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome(*(user_message(n) for n in range(1, 50)))
    expect(page.locator(".message")).to_have_count(49)
    box = page.locator("#transcript")
    box.evaluate("box => { box.scrollTop = 300 }")

    socket.send(type="message", **reply(99, "far below"))
    expect(page.locator("#jump")).to_be_visible()
    assert box.evaluate("box => box.scrollTop") == 300
    page.locator("#jump").click()

    expect(page.get_by_text("far below")).to_be_in_viewport()
    expect(page.locator("#jump")).to_be_hidden()


def test_reaching_the_top_loads_earlier_messages_in_place(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    recent = [user_message(n, f"line {n}") for n in range(51, 101)]
    socket = fake_site.next_socket().welcome(*recent, more=True)
    first = page.get_by_text("line 51", exact=True)
    expect(first).to_be_attached()

    page.locator("#transcript").evaluate("box => { box.scrollTop = 0 }")
    assert socket.receive("history") == {"type": "history", "before": 51, "limit": 50}
    # Refused, as when too much was asked for in a short time: it can be asked for again.
    socket.send(type="error", code="rate_limited", detail="Slower, please.")
    expect(page.locator("#problem")).to_be_visible()
    page.get_by_role("button", name="Earlier messages").click()
    assert socket.receive("history") == {"type": "history", "before": 51, "limit": 50}
    where = first.bounding_box()
    earlier = [user_message(n, f"line {n}") for n in range(1, 51)]
    socket.send(type="history", messages=earlier, more=False)
    expect(page.locator(".message")).to_have_count(100)

    assert where and abs(first.bounding_box()["y"] - where["y"]) < 60  # type: ignore[index]
    expect(page.locator("#earlier")).to_be_hidden()
    assert page.locator(".message .text").all_inner_texts() == [f"line {n}" for n in range(1, 101)]


def test_a_keyboard_that_opens_leaves_the_end_in_view(
    new_page: Callable[..., Page], fake_site: FakeSite
) -> None:
    page = new_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(fake_site.url)
    fake_site.next_socket().welcome(
        *(user_message(n, f"line {n}", state="answered") for n in range(1, 30))
    )
    expect(page.get_by_text("line 29", exact=True)).to_be_in_viewport()

    for _ in range(4):
        page.get_by_label("Your message").fill("one\n" * 6)
        page.set_viewport_size({"width": 390, "height": 390})
        page.wait_for_timeout(150)  # the last of what tells of the moves comes behind them
        assert is_at_end(page)
        page.get_by_label("Your message").fill("")
        page.set_viewport_size({"width": 390, "height": 844})
