"""A message that was not confirmed is sent by whichever tab is there, and is on the page once."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from conftest import watch
from fake_server import CONVERSATION, FakeSite, FakeSocket
from playwright.sync_api import Page, expect

OTHER = CONVERSATION.replace("8d1c", "9d1c")
PUT = "([key, item]) => localStorage.setItem(`botflow.outbox.${key}`, item)"
KEPT = """() => Object.keys(localStorage).filter((key) => key.startsWith("botflow.outbox."))"""


@pytest.fixture
def second(page: Page) -> Iterator[Page]:
    """Another tab of the same browser."""
    troubles: list[str] = []
    other = page.context.new_page()
    watch(other, troubles)
    yield other
    assert troubles == []


def opened(page: Page, site: FakeSite) -> FakeSocket:
    page.goto(site.url)
    return site.next_socket().welcome()


def write(page: Page, text: str) -> None:
    page.get_by_label("Your message").fill(text)
    page.keyboard.press("Enter")


def kept(client_id: str, **fields: Any) -> tuple[str, str]:
    """Return what an earlier page has left: where, and the item."""
    item = {"clientId": client_id, "conversation": CONVERSATION, "content": client_id}
    item |= {"at": 4_000_000_000_000, "createdAt": "2026-03-01T09:00:00Z", **fields}
    return client_id, json.dumps(item)


def test_what_a_closed_tab_left_is_sent_by_the_next_one(
    page: Page, second: Page, fake_site: FakeSite
) -> None:
    socket = opened(page, fake_site)
    write(page, "Left behind")
    first = socket.receive("message")
    page.close()

    socket = opened(second, fake_site)
    again = socket.receive("message")
    expect(second.locator(".message.user .state")).to_have_text("Sending…")
    socket.store(again, seq=1)

    assert again == first
    expect(second.locator(".message.user .state")).to_have_text("Queued")
    assert second.evaluate(KEPT) == []


def test_several_tabs_show_it_once_and_forget_it_together(
    page: Page, second: Page, fake_site: FakeSite
) -> None:
    mine, theirs = opened(page, fake_site), opened(second, fake_site)
    write(page, "For both")
    frame = mine.receive("message")
    expect(second.locator(".message.user")).to_have_count(1)
    # It is the first tab's to send.
    assert "message" not in theirs.waiting()

    stored = mine.store(frame, seq=1)
    theirs.send(type="message", **stored)

    for tab in (page, second):
        expect(tab.locator(".message.user .state")).to_have_text("Queued")
        expect(tab.locator(".message.user")).to_have_count(1)
    assert second.evaluate(KEPT) == []
    # One that is refused can be sent again from either.
    write(page, "Too fast")
    frame = mine.receive("message")
    mine.send(type="error", code="rate_limited", detail="", client_id=frame["client_id"])
    second.get_by_role("button", name="Try again").click()
    assert theirs.receive("message") == frame


def test_what_is_unsent_in_another_conversation_is_brought_there(
    page: Page, fake_site: FakeSite
) -> None:
    opened(page, fake_site)
    for client_id in ("first", "second"):
        at = {"first": 4_000_000_000_000, "second": 4_000_000_000_001}[client_id]
        page.evaluate(PUT, kept(client_id, conversation=OTHER, at=at))
    page.evaluate(PUT, kept("outdated", at=1))
    page.reload()
    here = fake_site.next_socket().welcome()
    there = fake_site.next_socket()
    assert there.query["conversation"] == OTHER

    there.send(type="welcome", conversation=OTHER, seq=0, token="t")
    frames = [there.receive("message"), there.receive("message")]
    there.store(frames[0], seq=1)
    there.send(type="error", code="too_long", detail="", client_id=frames[1]["client_id"])

    assert [frame["client_id"] for frame in frames] == ["first", "second"]
    assert there.over.wait(10)
    # What was refused waits there for the person; here nothing of it is shown.
    assert page.evaluate(KEPT) == ["botflow.outbox.second"]
    expect(page.locator(".message")).to_have_count(0)
    assert "message" not in here.waiting()
