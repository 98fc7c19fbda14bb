"""A page that lost its connection comes back without a rush, and says that nothing was lost."""

from itertools import pairwise

from fake_server import CONVERSATION, FakeSite, FakeSocket, reply, user_message
from playwright.sync_api import Page, expect

# Every attempt fails at once; the pauses are as short as they may be and as long, in turn.
FAILING = """() => {
  window.attempts = [];
  Math.random = () => (attempts.length % 2 ? 0 : 1);
  window.WebSocket = class {
    static CONNECTING = 0;
    static OPEN = 1;
    readyState = 0;
    constructor() {
      attempts.push(Date.now());
      queueMicrotask(() => this.onclose?.({ code: 1006 }));
    }
    close() {}
  };
}"""


def resumed(site: FakeSite, seq: int) -> FakeSocket:
    """Let the page come back into its conversation."""
    socket = site.next_socket()
    socket.send(type="welcome", conversation=CONVERSATION, seq=seq, token="t")
    return socket


def test_attempts_come_at_growing_pauses_of_which_half_is_chance(
    page: Page, fake_site: FakeSite
) -> None:
    page.clock.install()
    page.add_init_script(f"({FAILING})()")
    page.goto(fake_site.url)
    page.clock.run_for(60_000)

    times = page.evaluate("attempts")[:8]

    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses == [250, 1000, 1000, 4000, 4000, 15_000, 7500]


def test_it_says_that_nothing_was_lost_once_everything_is_there(
    page: Page, fake_site: FakeSite
) -> None:
    page.clock.install()
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome(user_message(1, state="answering"))
    expect(page.locator(".message")).to_have_count(1)
    notice = page.locator("#connection-notice")

    # One that nobody noticed is not worth a word.
    socket.cut()
    page.clock.run_for(600)
    socket = resumed(fake_site, seq=1)
    socket.receive("tasks")
    socket.send(type="pong")
    socket.send(type="message", **reply(2, "While it was gone", reply_to="user-1"))
    expect(page.locator(".message")).to_have_count(2)
    expect(notice).to_be_hidden()

    page.context.set_offline(True)
    socket.cut()
    page.clock.run_for(1500)
    expect(notice).to_contain_text("You are offline")
    page.context.set_offline(False)
    socket = resumed(fake_site, seq=3)
    expect(notice).to_be_hidden()
    socket.send(type="message", **user_message(3, "from elsewhere"))
    socket.send(type="pong")
    expect(page.locator("#connection-notice-text")).to_have_text("Back again. Nothing was lost.")
    expect(page.locator("#announcer")).to_have_text("Back again. Nothing was lost.")
    expect(page.get_by_role("button", name="Retry now")).to_be_hidden()
    page.clock.run_for(5_500)

    expect(notice).to_be_hidden()
