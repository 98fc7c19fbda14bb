"""A reply grows as it is written, and ends up whole whatever frames were lost, doubled or late."""

from fake_server import FakeSite, FakeSocket, reply, user_message
from playwright.sync_api import Page, expect


def answering(page: Page, site: FakeSite) -> FakeSocket:
    page.goto(site.url)
    return site.next_socket().welcome(user_message(1, state="answering"))


def test_text_grows_and_the_whole_message_replaces_it(page: Page, fake_site: FakeSite) -> None:
    socket = answering(page, fake_site)
    text = page.locator(".message.assistant .text")

    socket.send(type="delta", id="r", offset=0, text="**Hel")
    expect(text).to_have_text("**Hel")
    socket.send(type="delta", id="r", offset=5, text="lo**")
    expect(text).to_have_text("**Hello**")
    whole = reply(2, "**Hello**", id="r", html="<p><strong>Hello</strong></p>", reply_to="user-1")
    socket.send(type="message", **whole)

    expect(text.locator("strong")).to_have_text("Hello")
    expect(page.locator(".message.assistant")).to_have_count(1)
    expect(page.locator(".message.user .state")).to_have_text("Answered")
    expect(page.locator("#announcer")).to_have_text("Done")


def test_offsets_count_code_points(page: Page, fake_site: FakeSite) -> None:
    socket = answering(page, fake_site)

    socket.send(type="delta", id="r", offset=0, text="😀好")
    socket.send(type="delta", id="r", offset=2, text="👍!")
    socket.send(type="delta", id="r", offset=3, text="!?")

    expect(page.locator(".message.assistant .text")).to_have_text("😀好👍!?")


def test_repeated_and_overlapping_deltas_add_nothing_twice(page: Page, fake_site: FakeSite) -> None:
    socket = answering(page, fake_site)

    for offset, text in [(0, "abc"), (0, "abc"), (1, "bcde"), (3, "de"), (5, "f")]:
        socket.send(type="delta", id="r", offset=offset, text=text)

    expect(page.locator(".message.assistant .text")).to_have_text("abcdef")


def test_a_gap_is_asked_for_and_closed(page: Page, fake_site: FakeSite) -> None:
    socket = answering(page, fake_site)
    text = page.locator(".message.assistant .text")

    socket.send(type="delta", id="r", offset=0, text="abc")
    socket.send(type="delta", id="r", offset=6, text="ghi")
    assert socket.receive("resume") == {"type": "resume", "after": 1}
    expect(text).to_have_text("abc")
    so_far = reply(2, "abcde", id="r", state="streaming", reply_to="user-1")
    socket.send(type="message", **so_far)
    expect(text).to_have_text("abcde")
    socket.send(type="delta", id="r", offset=5, text="f")

    expect(text).to_have_text("abcdefghi")


def test_a_saved_part_that_lags_behind_takes_nothing_away(page: Page, fake_site: FakeSite) -> None:
    socket = answering(page, fake_site)

    socket.send(type="delta", id="r", offset=0, text="abcdef")
    lagging = reply(2, "abc", id="r", state="streaming", reply_to="user-1")
    socket.send(type="message", **lagging)
    socket.send(type="delta", id="r", offset=6, text="g")

    expect(page.locator(".message.assistant .text")).to_have_text("abcdefg")


def test_an_answer_that_begins_anew_replaces_the_lost_one(page: Page, fake_site: FakeSite) -> None:
    socket = answering(page, fake_site)

    socket.send(type="delta", id="r", offset=0, text="The first try")
    socket.send(type="delta", id="r", offset=0, text="Another")
    socket.send(type="delta", id="r", offset=7, text=" way")

    expect(page.locator(".message.assistant .text")).to_have_text("Another way")


def test_an_older_version_of_a_message_changes_nothing(page: Page, fake_site: FakeSite) -> None:
    socket = answering(page, fake_site)

    socket.send(type="message", **reply(5, "new", id="r", reply_to="user-1"))
    socket.send(type="message", **reply(4, "old", id="r", reply_to="user-1"))
    socket.send(type="delta", id="r", offset=3, text=" late")
    socket.send(type="message", **user_message(6, "after", state="answered"))

    expect(page.locator(".message .text")).to_have_text(["Hello", "new", "after"])


def test_an_answer_may_overtake_the_confirmation_of_its_question(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    socket.send(type="message", **reply(3, "Quick", reply_to="user-1"))
    socket.send(type="status", id="user-1", state="answered", seq=4)
    socket.send(type="message", **user_message(1, "Slow to be confirmed"))

    expect(page.locator(".message .text")).to_have_text(["Slow to be confirmed", "Quick"])
    expect(page.locator(".message.user .state")).to_have_text("Answered")


def test_everything_missing_is_asked_for_even_in_quick_succession(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome(user_message(1, state="answered"))

    socket.send(type="status", id="unknown-1", state="answering")
    assert socket.receive("resume") == {"type": "resume", "after": 1}
    socket.send(type="status", id="unknown-2", state="answering")

    assert socket.receive("resume") == {"type": "resume", "after": 1}


def test_a_reply_stands_below_what_it_answers(page: Page, fake_site: FakeSite) -> None:
    socket = answering(page, fake_site)

    socket.send(type="message", **user_message(2, "second"))
    socket.send(type="delta", id="r", offset=0, text="to the first")

    expect(page.locator(".message .text")).to_have_text(["Hello", "to the first", "second"])


def test_stop_keeps_what_was_written(page: Page, fake_site: FakeSite) -> None:
    socket = answering(page, fake_site)
    socket.send(type="delta", id="r", offset=0, text="Half a")

    page.get_by_role("button", name="Stop answering").click()
    socket.receive("stop")
    socket.send(type="status", id="user-1", state="stopped")

    expect(page.locator(".outcome.stopped")).to_contain_text("Stopped")
    expect(page.locator(".message.assistant .text")).to_have_text("Half a")
    expect(page.locator(".streaming")).to_have_count(0)
    expect(page.get_by_role("button", name="Stop answering")).to_be_hidden()


def test_what_the_server_sanitized_is_all_the_page_runs(page: Page, fake_site: FakeSite) -> None:
    socket = answering(page, fake_site)

    socket.send(type="delta", id="r", offset=0, text="<img src=x onerror=alert(1)>")

    expect(page.locator(".message.assistant .text")).to_have_text("<img src=x onerror=alert(1)>")
    expect(page.locator(".message.assistant img")).to_have_count(0)
