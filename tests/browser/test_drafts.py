"""What is written and not sent is kept for each conversation, over reloads and in every tab."""

from fake_server import CONVERSATION, FakeSite
from playwright.sync_api import Page, expect

FULL = """() => {
  for (let number = 0; number < 60; number += 1) {
    const draft = JSON.stringify({content: `old ${number}`, at: 1000 + number});
    localStorage.setItem(`botflow.draft.${number}`, draft);
  }
}"""
KEPT = """() => Object.keys(localStorage).filter((key) => key.startsWith("botflow.draft."))"""


def test_drafts_are_kept_for_each_conversation_and_the_oldest_are_dropped(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    # Written before the page knows in which conversation it is.
    draft = page.get_by_label("Your message")
    draft.fill("unfinished")
    fake_site.next_socket().welcome()
    expect(page.locator("#welcome")).to_be_visible()
    expect(draft).to_have_value("unfinished")

    page.evaluate(FULL)
    page.reload()
    fake_site.next_socket().welcome()
    expect(draft).to_have_value("unfinished")
    kept = page.evaluate(KEPT)
    assert len(kept) == 50
    assert f"botflow.draft.{CONVERSATION}" in kept
    assert "botflow.draft.0" not in kept
    assert "botflow.draft.59" in kept

    draft.fill("")
    page.reload()
    fake_site.next_socket().welcome()
    expect(draft).to_have_value("")
    assert f"botflow.draft.{CONVERSATION}" not in page.evaluate(KEPT)


def test_what_is_written_goes_along_when_its_conversation_is_gone(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()
    draft = page.get_by_label("Your message")
    draft.fill("for whoever reads it")

    socket.close(4404)
    socket = fake_site.next_socket()
    expect(draft).to_have_value("for whoever reads it")
    draft.press("Enter")
    other = CONVERSATION.replace("8d1c", "9d1c")
    socket.send(type="welcome", conversation=other, seq=0, token="t")

    assert socket.receive("message")["content"] == "for whoever reads it"
