"""What nobody asked for on the page: texts the assistant says by itself, and answered prompts."""

from typing import Any

from fake_server import FakeSite, FakeSocket, reply, user_message
from playwright.sync_api import Page, expect


def prompt(seq: int, content: str = "Good morning?", **fields: Any) -> dict[str, Any]:
    fields = {"role": "system", "state": "answering", "id": "prompt", **fields}
    return user_message(seq, content, html=f'<p class="plain">{content}</p>', **fields)


def opened(page: Page, site: FakeSite, *messages: dict[str, Any]) -> FakeSocket:
    page.goto(site.url)
    return site.next_socket().welcome(*messages)


def test_a_text_that_answers_nothing_is_a_message_of_its_own(
    page: Page, fake_site: FakeSite
) -> None:
    socket = opened(page, fake_site, user_message(1, state="answered"))

    socket.send(type="message", **reply(2, "Drink!", reply_to=None))

    expect(page.locator(".message .text")).to_have_text(["Hello", "Drink!"])
    expect(page.locator(".message.assistant")).to_have_attribute("aria-label", "BotFlow")
    expect(page.locator("#announcer")).to_have_text("New message")
    expect(page.locator(".outcome, .typing")).to_have_count(0)


def test_a_prompt_is_a_note_with_a_clock_above_its_answer(page: Page, fake_site: FakeSite) -> None:
    socket = opened(page, fake_site, user_message(1, state="answered"))
    note = page.locator(".message.scheduled")

    socket.send(type="message", **prompt(2, "<b>Good</b> morning?"))
    expect(note.locator(".text")).to_have_text("<b>Good</b> morning?")
    expect(note.locator("use")).to_have_attribute("href", "#icon-clock")
    expect(note).to_have_attribute("aria-label", "Scheduled task")
    expect(page.locator(".scheduled + .typing")).to_be_visible()
    socket.send(type="delta", id="r", offset=0, text="Good")
    expect(page.locator(".typing")).to_have_count(0)
    socket.send(type="message", **reply(3, "Good morning!", id="r", reply_to="prompt"))
    socket.send(type="status", id="prompt", state="answered", seq=4)

    expect(page.locator(".message .text").nth(2)).to_have_text("Good morning!")
    expect(page.locator(".scheduled + .assistant")).to_be_visible()
    expect(page.locator("#announcer")).to_have_text("Done")
    expect(note.locator("button, .state")).to_have_count(0)


def test_a_prompt_stays_in_its_place_while_it_is_answered(page: Page, fake_site: FakeSite) -> None:
    socket = opened(page, fake_site, user_message(1, state="answered"))
    note, typing = page.locator(".message.scheduled"), page.locator(".typing")
    socket.send(type="message", **prompt(2))
    expect(typing).to_be_visible()
    places = [note.bounding_box()]
    above = typing.bounding_box()

    socket.send(type="delta", id="r", offset=0, text="Good")
    answer = page.locator(".message.assistant")
    expect(answer).to_be_visible()
    places.append(note.bounding_box())
    below = answer.bounding_box()
    socket.send(type="message", **reply(3, "Good morning!", id="r", reply_to="prompt"))
    socket.send(type="status", id="prompt", state="answered", seq=4)
    expect(page.locator("#announcer")).to_have_text("Done")
    places.append(note.bounding_box())

    assert places[0] == places[1] == places[2]
    assert above and below and above["y"] == below["y"]


def test_an_answer_to_a_prompt_can_be_stopped(page: Page, fake_site: FakeSite) -> None:
    socket = opened(page, fake_site)
    socket.send(type="message", **prompt(1))

    page.locator("#stop").click()
    assert socket.receive("stop") == {"type": "stop"}
    socket.send(type="status", id="prompt", state="stopped", seq=2)

    expect(page.locator(".outcome.stopped")).to_be_visible()
    expect(page.locator("#stop")).to_be_hidden()


def test_a_prompt_that_failed_says_why_and_can_be_tried_again(
    page: Page, fake_site: FakeSite
) -> None:
    socket = opened(page, fake_site)
    socket.send(type="message", **prompt(1))
    socket.send(type="status", id="prompt", state="failed", seq=2, detail="Not today.")

    expect(page.locator(".outcome.failed p")).to_have_text("Not today.")
    page.locator(".outcome .retry").click()

    assert socket.receive("retry") == {"type": "retry", "id": "prompt"}


def test_a_note_of_the_system_is_neither_a_prompt_nor_waited_for(
    page: Page, fake_site: FakeSite
) -> None:
    note = reply(1, "A note.", role="system", id="note")
    opened(page, fake_site, note)

    expect(page.locator(".message.system .text")).to_have_text("A note.")
    expect(page.locator(".scheduled, .typing, .outcome")).to_have_count(0)
    expect(page.locator("#stop")).to_be_hidden()


def test_a_long_prompt_stays_within_the_page(page: Page, fake_site: FakeSite) -> None:
    page.set_viewport_size({"width": 320, "height": 640})
    opened(page, fake_site, prompt(1, "long " * 80 + "x" * 400, state="answered"))

    expect(page.locator(".message.scheduled")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_a_prompt_is_named_in_chinese(new_page: Any, fake_site: FakeSite) -> None:
    page = new_page(locale="zh-CN")
    opened(page, fake_site, prompt(1, "早上好？", state="answered"))

    expect(page.locator(".message.scheduled")).to_have_attribute("aria-label", "定时任务")
