"""A page of a real site is light to fetch, and stays quick with thousands of messages."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.harness.polling import wait_until
from tests.harness.site import Site

MESSAGES = 5_000
FIRST_LOAD_BYTES = 150_000

FILL = """
from datetime import timedelta
from django.utils import timezone
from conversations.models import Conversation, Message

(count,) = arguments
place = Conversation.objects.latest("pk")
place.messages.update(state="answered")
now, text = timezone.now(), "Some **words** and a list:\\n\\n- one\\n- two\\n\\nThat is all."
asked = [
    Message(conversation=place, role="user", content=f"Question {n}?", state="answered",
            seq=place.seq + 2 * n + 1, created_at=now + timedelta(seconds=2 * n))
    for n in range(count // 2)
]
Message.objects.bulk_create(asked)
Message.objects.bulk_create(
    Message(conversation=place, role="assistant", content=text, state="done", reply_to=one,
            seq=one.seq + 1, created_at=one.created_at)
    for one in asked
)
last = place.seq + count
Conversation.objects.filter(pk=place.pk).update(seq=last, read_seq=last)
"""
# Milliseconds from the beginning of the page's own work until the latest message is seen.
SHOWN = """() => new Promise((shown) => {
  const look = () => document.querySelector(".message")
    ? shown(performance.now())
    : requestAnimationFrame(look);
  look();
})"""
# How many messages the browser has to lay out at this moment.
LAID_OUT = """() => [...document.querySelectorAll(".message")]
  .filter((node) => node.checkVisibility({ contentVisibilityAuto: true })).length"""


@pytest.fixture(scope="module")
def long_site() -> Iterator[Site]:
    with Site() as one:
        one.start_web()  # nothing is to be answered
        one.wait_ready()
        yield one


def open_counting(page: Page, url: str) -> int:
    """Open the page; return the bytes it took over the wire, with the headers."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    sizes: list[int] = []

    def finished(event: dict[str, Any]) -> None:
        sizes.append(int(event["encodedDataLength"]))

    session.on("Network.loadingFinished", finished)
    page.goto(url, wait_until="networkidle")
    expect(page.get_by_role("log")).to_be_visible()
    return sum(sizes)


def test_a_page_is_light_and_quick_with_thousands_of_messages(page: Page, long_site: Site) -> None:
    weight = open_counting(page, long_site.url)

    assert 50_000 < weight < FIRST_LOAD_BYTES

    page.get_by_label("Your message").fill("Begin")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Queued")).to_be_visible()
    long_site.run(FILL, MESSAGES)

    times = []
    for _ in range(3):  # the machine may be busy with other tests
        page.reload(wait_until="commit")
        times.append(page.evaluate(SHOWN))
    assert min(times) < 1_000, times
    expect(page.get_by_text("Question 2499?")).to_be_attached()
    expect(page.locator(".message").last).to_be_in_viewport()

    # Scrolling up: earlier messages come, and those out of sight are not laid out any more.
    box = page.locator("#transcript")
    for loaded in range(100, 450, 50):
        box.evaluate("box => { box.scrollTop = 0 }")
        expect(page.locator(".message").nth(loaded - 1)).to_be_attached()
    box.evaluate("box => { box.scrollTop = box.scrollHeight }")
    wait_until(lambda: page.evaluate(LAID_OUT) < 200, "far messages to be left out", 10, pause=0.1)
    expect(page.get_by_text("Question 2499?")).to_be_in_viewport()
