"""What came while the reader was elsewhere is counted, marked by a line, and told to the server."""

from fake_server import CONVERSATION, FakeSite, FakeSocket, reply, user_message
from playwright.sync_api import Page, expect

HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { value: hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
# What stands right below the line, or nothing where there is no line.
BELOW = "document.querySelector('.new-line')?.nextElementSibling?.innerText ?? ''"


def open_read_up_to(site: FakeSite, mark: int, count: int) -> FakeSocket:
    """Open a conversation of so many replies, of which those up to the change `mark` were read."""
    socket = site.next_socket()
    socket.send(type="welcome", conversation=CONVERSATION, seq=count, read=mark, token="t")
    assert socket.receive("history")
    messages = [reply(n, f"line {n}") for n in range(1, count + 1)]
    socket.send(type="history", messages=messages, more=False)
    return socket


def test_what_is_new_since_the_last_visit_stands_below_a_line(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = open_read_up_to(fake_site, 37, 40)

    expect(page.locator(".new-line")).to_have_text("New")
    assert "line 38" in page.evaluate(BELOW)
    assert socket.receive("read") == {"type": "read", "seq": 40}

    page.get_by_label("Your message").fill("Thanks")
    page.keyboard.press("Enter")
    expect(page.locator(".new-line")).to_have_count(0)


def test_who_reads_further_up_is_told_how_many_came(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    socket = open_read_up_to(fake_site, 40, 40)
    expect(page.get_by_text("line 40", exact=True)).to_be_in_viewport()
    expect(page.locator(".new-line")).to_have_count(0)
    page.locator("#transcript").evaluate("box => { box.scrollTop = 0 }")
    jump = page.locator("#jump")
    expect(jump).to_have_accessible_name("Jump to the latest message")

    socket.send(type="message", **reply(41, "line 41"))
    expect(jump).to_have_accessible_name("1 new message")
    socket.send(type="message", **user_message(42, "from the phone", state="answered"))
    socket.send(type="message", **reply(43, "line 43"))
    expect(jump).to_have_accessible_name("2 new messages")
    expect(page).to_have_title("(2) BotFlow")
    assert "read" not in socket.waiting()
    jump.click()

    expect(page.get_by_text("line 43", exact=True)).to_be_in_viewport()
    expect(jump).to_be_hidden()
    expect(page).to_have_title("BotFlow")
    assert "line 41" in page.evaluate(BELOW)
    assert socket.receive("read") == {"type": "read", "seq": 43}


def test_what_comes_into_a_hidden_tab_is_new_until_it_is_looked_at(
    page: Page, fake_site: FakeSite
) -> None:
    page.add_init_script("navigator.setAppBadge = async (count) => { window.appBadge = count }")
    page.goto(fake_site.url)
    socket = open_read_up_to(fake_site, 3, 3)
    expect(page.get_by_text("line 3", exact=True)).to_be_visible()
    page.evaluate(HIDE, True)

    socket.send(type="message", **reply(4, "line 4"))
    expect(page).to_have_title("(1) BotFlow")
    assert page.evaluate("window.appBadge") == 1
    assert "line 4" in page.evaluate(BELOW)
    page.evaluate(HIDE, False)

    expect(page).to_have_title("BotFlow")
    assert page.evaluate("window.appBadge") == 0
    expect(page.locator(".new-line")).to_be_visible()
    assert socket.receive("read") == {"type": "read", "seq": 4}
