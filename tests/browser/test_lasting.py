"""On a real site the page outlasts a killed server, a cutting proxy, and writing meanwhile."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.harness.cutting import CuttingProxy
from tests.harness.polling import wait_until
from tests.harness.site import Site

STORED = """
from conversations.models import Message
rows = Message.objects.order_by("pk").values_list("role", "content", "state")
print(json.dumps([list(row) for row in rows]))
"""
SLOW = "words=40 every=0.1"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site(agent="tests.agents.slow") as site:
        site.start_web()
        site.start_cluster()
        site.wait_ready()
        yield site


def write(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Your message").fill(text)
    page.keyboard.press("Enter")


def test_nothing_is_lost_or_doubled_by_a_killed_server_and_a_cutting_proxy(
    page: Page, site: Site
) -> None:
    page.set_default_timeout(30_000)
    expect.set_options(timeout=30_000)
    said = page.locator(".message .text")
    try:
        with CuttingProxy(site.port, idle_seconds=1) as proxy:
            page.goto(proxy.url)
            write(page, SLOW)
            expect(said.nth(1)).to_contain_text("w3")
            site.web.kill_all()
            expect(page.locator("#connection-notice")).to_contain_text("Connection lost")
            write(page, "words=1 meanwhile")
            expect(page.locator(".message.user .state").last).to_contain_text("Sent when you are")

            site.start_web()
            site.wait_ready()
            words = page.locator("#connection-notice-text")
            expect(words).to_have_text("Back again. Nothing was lost.")
            whole = "".join(f"w{number} " for number in range(40)) + f"end of {SLOW}"
            texts = [SLOW, whole, "words=1 meanwhile", "w0 end of words=1 meanwhile"]
            expect(said).to_have_text(texts)

            # From now on it is quiet: the proxy cuts, and the page comes back without a word.
            before = proxy.cuts
            wait_until(lambda: proxy.cuts > before + 1, "the proxy to cut twice")
            expect(page.locator("#connection-notice")).to_be_hidden()
            write(page, "words=1 later")
            expect(said.last).to_have_text("w0 end of words=1 later")
    finally:
        expect.set_options(timeout=5_000)

    expect(page.locator(".message.user")).to_have_count(3)
    stored = site.run(STORED)
    assert [row[0] for row in stored].count("user") == 3
    assert [row[1] for row in stored if row[0] == "user"] == [SLOW, texts[2], "words=1 later"]
    assert {row[2] for row in stored} == {"answered", "done"}
