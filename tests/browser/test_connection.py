"""The page notices when its connection is gone, says so calmly, and carries on where it was."""

import pytest
from fake_server import CONVERSATION, FakeSite, reply, user_message
from playwright.sync_api import Page, expect

from tests.harness.polling import wait_until


@pytest.mark.parametrize("code", [1000, 1001, 1011, 1012, 1013])
def test_a_closed_socket_is_opened_again_from_where_it_was(
    page: Page, fake_site: FakeSite, code: int
) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome(user_message(1, state="answering"))

    socket.close(code)
    socket = fake_site.next_socket()
    socket.send(type="welcome", conversation=CONVERSATION, seq=2, token="t")
    socket.send(type="message", **reply(2, "Back again", reply_to="user-1"))

    query = {"conversation": CONVERSATION, "after": "1", "timezone": "UTC", "render": "1"}
    assert socket.query == query
    expect(page.locator(".message .text")).to_have_text(["Hello", "Back again"])


def test_a_short_interruption_is_not_mentioned(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    socket.cut()
    fake_site.next_socket().welcome()

    expect(page.locator("#connection-text")).to_have_text("Connected")
    expect(page.locator("#connection-notice")).to_be_hidden()


def test_a_long_interruption_counts_down_and_can_be_ended(page: Page, fake_site: FakeSite) -> None:
    page.clock.install()
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()
    expect(page.locator("#welcome")).to_be_visible()
    # The page's time goes on only when it is told to: it must not come back by itself.
    page.clock.pause_at(page.evaluate("Date.now()") + 15_000)
    fake_site.close()
    socket.cut()

    def counts_down() -> bool:
        page.clock.run_for(250)
        return "Trying again in" in page.locator("#connection-notice").inner_text()

    wait_until(counts_down, "the page to count down")
    expect(page.locator("#connection-text")).to_have_text("Reconnecting…")
    fake_site.open()
    page.get_by_role("button", name="Retry now").click()
    fake_site.next_socket().welcome()

    expect(page.locator("#connection-notice-text")).to_have_text("Back again. Nothing was lost.")
    expect(page.locator("#connection-text")).to_have_text("Connected")
    page.clock.run_for(5_500)
    expect(page.locator("#connection-notice")).to_be_hidden()


def test_a_dead_link_is_noticed_without_a_close(page: Page, fake_site: FakeSite) -> None:
    page.clock.install()
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()
    expect(page.locator("#welcome")).to_be_visible()

    page.clock.run_for(21_000)
    assert socket.receive("ping")
    page.clock.run_for(11_000)

    assert fake_site.next_socket().query["conversation"] == CONVERSATION


def test_a_living_link_is_kept(page: Page, fake_site: FakeSite) -> None:
    page.clock.install()
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()
    expect(page.locator("#welcome")).to_be_visible()

    page.clock.run_for(21_000)
    socket.receive("ping")
    socket.send(type="pong")
    socket.send(type="message", **user_message(1, "still the same"))
    expect(page.locator(".message")).to_have_count(1)
    page.clock.run_for(11_000)

    assert not fake_site.has_socket()


def test_frames_that_were_lost_are_asked_for_with_the_next_heartbeat(
    page: Page, fake_site: FakeSite
) -> None:
    page.clock.install()
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome(user_message(1, state="answered"))

    socket.send(type="message", **user_message(5, "two before this were lost"))
    expect(page.locator(".message")).to_have_count(2)
    page.clock.run_for(21_000)

    assert socket.receive("resume") == {"type": "resume", "after": 1}


def test_being_offline_is_said_and_coming_back_reconnects_at_once(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    page.context.set_offline(True)
    socket.cut()
    expect(page.locator("#connection-notice")).to_contain_text("You are offline")
    page.context.set_offline(False)
    fake_site.next_socket().welcome()

    expect(page.locator("#connection-text")).to_have_text("Connected")


def test_a_conversation_that_is_gone_gives_way_to_a_new_one(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome(user_message(1, "old"))

    socket.close(4404)
    socket = fake_site.next_socket()
    socket.welcome()

    assert "conversation" not in socket.query
    expect(page.get_by_role("alert")).to_contain_text("no longer available")
    expect(page.locator(".message")).to_have_count(0)


def test_a_signed_out_person_is_sent_to_the_login(page: Page, fake_site: FakeSite) -> None:
    page.route("**/login?next=*", lambda route: route.fulfill(body="login"))
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    socket.close(4401)

    page.wait_for_url("**/login?next=/")


def test_a_restored_backup_is_shown_as_it_is(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome(user_message(1, "kept"), user_message(9, "undone"))
    expect(page.locator(".message")).to_have_count(2)

    socket.cut()
    socket = fake_site.next_socket()
    socket.send(type="welcome", conversation=CONVERSATION, seq=1, token="t")
    socket.send(type="message", **user_message(1, "kept"))

    expect(page.locator(".message .text")).to_have_text(["kept"])
