"""What was said can be changed in its place, answered again, deleted; versions are kept."""

from collections.abc import Callable
from typing import Any

from fake_server import FakeSite, FakeSocket, reply, user_message
from playwright.sync_api import Locator, Page, expect

NAMES = ("id", "seq", "created_at", "replaces", "chosen")


def texts(page: Page) -> Locator:
    return page.locator(".message:not([hidden]) > .text:visible")


def talked(socket: FakeSocket, *more: dict[str, Any]) -> FakeSocket:
    """Greet with two questions and their answers, the ids of which are `user-1` and `user-3`."""
    turns = [
        user_message(1, "one", state="answered"),
        reply(2, "Answer one.", reply_to="user-1"),
        user_message(3, "two", state="answered"),
        reply(4, "Answer two.", reply_to="user-3"),
    ]
    return socket.welcome(*turns, *more)


def version(seq: int, content: str, of: str, **fields: Any) -> dict[str, Any]:
    fields = {"replaces": of, "chosen": seq, "state": "answered", **fields}
    return user_message(seq, content, **fields)


# The Enter that confirms a word of an input method, in two orders of events.
CONFIRM_WORD = """(field) => {
  field.dispatchEvent(new CompositionEvent("compositionstart", {bubbles: true}));
  const keys = {key: "Enter", keyCode: 229, isComposing: true, bubbles: true};
  field.dispatchEvent(new KeyboardEvent("keydown", keys));
  field.dispatchEvent(new CompositionEvent("compositionend", {bubbles: true}));
  const tail = {...keys, isComposing: false};
  field.dispatchEvent(new KeyboardEvent("keydown", tail));
}"""


def test_a_message_is_changed_in_its_place_and_the_first_version_is_a_click_away(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = talked(fake_site.next_socket())
    first = page.locator(".message.user").first
    first.hover()
    first.get_by_role("button", name="Edit message").click()
    field = page.get_by_role("textbox", name="New wording")
    expect(field).to_be_focused()
    expect(field).to_have_value("one")

    # Escape leaves everything as it was, and the focus where it came from.
    field.fill("never sent")
    page.keyboard.press("Escape")
    expect(first.get_by_role("button", name="Edit message")).to_be_focused()
    page.keyboard.press("Enter")

    # The Enter that confirms a word of an input method is not one that sends.
    field.evaluate(CONFIRM_WORD)
    expect(field).to_have_value("one")
    page.wait_for_timeout(60)  # an Enter within 30 ms of a confirmed word may be its own
    field.fill("uno")
    page.keyboard.press("Enter")
    frame = socket.receive("message")
    assert (frame["content"], frame["replaces"]) == ("uno", "user-1")
    expect(texts(page)).to_have_text(["uno"])
    stored = socket.store(frame, seq=5, replaces="user-1", chosen=5)
    socket.send(type="message", **reply(6, "Answer uno.", reply_to=stored["id"]))
    socket.send(type="status", id=stored["id"], state="answered", seq=7)
    expect(texts(page)).to_have_text(["uno", "Answer uno."])
    expect(page.get_by_label("Your message")).to_be_focused()

    # What is said next belongs to this version.
    socket.send(type="message", **user_message(8, "three", branch=stored["id"], state="answered"))
    expect(texts(page)).to_have_text(["uno", "Answer uno.", "three"])
    group = page.get_by_role("group", name="Versions")
    expect(group).to_contain_text("Version 2 of 2")
    group.get_by_role("button", name="Previous version").click()
    assert socket.receive("choose") == {"type": "choose", "id": "user-1"}
    socket.send(
        type="message",
        **user_message(
            9,
            "one",
            id="user-1",
            state="answered",
            chosen=9,
            created_at="2026-03-01T09:00:01+00:00",
        ),
    )
    expect(texts(page)).to_have_text(["one", "Answer one.", "two", "Answer two."])
    expect(group).to_contain_text("Version 1 of 2")
    expect(group.get_by_role("button", name="Next version")).to_be_focused()
    previous = group.get_by_role("button", name="Previous version")
    expect(previous).to_have_attribute("aria-disabled", "true")


def test_what_another_tab_says_or_chooses_is_shown_at_once(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    socket = talked(fake_site.next_socket())
    group = page.get_by_role("group", name="Versions")

    second = version(5, "uno", of="user-1")
    socket.send(type="message", **second)
    socket.send(type="message", **reply(6, "Answer uno.", reply_to=second["id"]))
    expect(texts(page)).to_have_text(["uno", "Answer uno."])
    socket.send(type="message", **version(10, "ein", of="user-1"))
    expect(texts(page)).to_have_text(["ein"])
    expect(group).to_contain_text("Version 3 of 3")
    shown = version(11, "uno", of="user-1", id=second["id"], created_at=second["created_at"])
    socket.send(type="message", **shown)
    expect(texts(page)).to_have_text(["uno", "Answer uno."])
    expect(group).to_contain_text("Version 2 of 3")


def test_an_answer_is_given_anew_but_not_to_a_command(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    command = user_message(5, "/remind in 10m tea", state="answered")
    done = reply(6, "I will.", reply_to="user-5")
    socket = talked(fake_site.next_socket(), command, done)

    answers = page.locator(".message.assistant")
    expect(answers.nth(2).get_by_role("button", name="Delete message")).to_be_attached()
    expect(answers.nth(2).get_by_role("button", name="Answer again")).to_be_hidden()
    answers.nth(1).hover()
    answers.nth(1).get_by_role("button", name="Answer again").click()

    frame = socket.receive("message")
    assert (frame["content"], frame["replaces"]) == ("two", "user-3")
    expect(texts(page)).to_have_text(["one", "Answer one.", "two"])
    # Refused: it says so, and taking it back brings back what it hid.
    socket.send(type="error", code="not_found", detail="x", client_id=frame["client_id"])
    page.get_by_role("button", name="Edit", exact=True).click()
    expect(texts(page)).to_have_count(6)


def test_deleting_asks_first_and_other_tabs_drop_what_was_deleted_at_once(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = talked(fake_site.next_socket())
    first = page.locator(".message.user").first

    first.hover()
    first.get_by_role("button", name="Delete message").click()
    question = first.get_by_role("group", name="Delete this message and its answer?")
    expect(question.get_by_role("button", name="Cancel")).to_be_focused()
    page.keyboard.press("Escape")
    expect(first.get_by_role("button", name="Delete message")).to_be_focused()
    page.keyboard.press("Enter")
    question.get_by_role("button", name="Delete", exact=True).click()
    assert socket.receive("delete") == {"type": "delete", "id": "user-1"}
    gone = {"content": "", "deleted": True, "state": "answered"}
    socket.send(type="message", **(user_message(5) | gone | {"id": "user-1"}))
    expect(texts(page)).to_have_text(["two", "Answer two."])

    # One that is being written: what still comes of it is not shown.
    socket.send(type="message", **user_message(6, "three", state="answering"))
    socket.send(type="delta", id="reply-7", offset=0, text="Half")
    expect(texts(page)).to_have_text(["two", "Answer two.", "three", "Half"])
    socket.send(type="message", **(user_message(8) | gone | {"id": "user-6"}))
    socket.send(type="delta", id="reply-7", offset=4, text=" more")
    expect(texts(page)).to_have_text(["two", "Answer two."])
    socket.send(type="message", **(reply(9, "", reply_to="user-3") | gone | {"id": "reply-4"}))
    expect(texts(page)).to_have_text(["two"])
    socket.send(type="message", **(user_message(10) | gone | {"id": "user-3"}))
    expect(page.locator("#welcome")).to_be_visible()


def test_a_page_that_opens_shows_the_thread_whose_versions_it_is_told_of(
    new_page: Callable[..., Page], fake_site: FakeSite
) -> None:
    page = new_page()
    page.goto(fake_site.url)
    socket = fake_site.next_socket()
    socket.send(
        type="welcome", conversation="8d1c6b1e-7d0f-4f0a-9c9a-0d5f3c1a2b3c", seq=9, token="t"
    )
    socket.receive("history")
    first, later = user_message(1), version(3, "", of="user-1")
    told = [{name: each.get(name) for name in NAMES} for each in (first, later)]
    messages = [
        user_message(2, "on the first thread", state="answered"),
        user_message(4, "on the second", branch="user-3", state="answered"),
        reply(5, "Answer.", reply_to="user-4"),
        reply(6, "Time for tea.", reply_to=None),
    ]
    socket.send(type="history", messages=messages, more=True, versions=told)

    expect(texts(page)).to_have_text(["on the second", "Answer.", "Time for tea."])
    # ↑ in the empty field changes the last own message in its place.
    page.get_by_label("Your message").press("ArrowUp")
    expect(page.get_by_role("textbox", name="New wording")).to_have_value("on the second")
