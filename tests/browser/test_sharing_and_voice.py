"""A conversation is shared by a link on a real site; dictation and reading aloud with fakes."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from fake_server import FakeSite, FakeSocket, reply, user_message
from playwright.sync_api import Page, expect

from conversations.rendering import to_html
from tests.harness.site import Site


def say(page: Page, words: str) -> None:
    field = page.get_by_role("textbox", name="Your message")
    field.fill(words)
    field.press("Enter")
    expect(page.locator(".message.assistant").last).to_contain_text(words.replace("*", ""))
    expect(page.locator(".message.user .state").last).to_have_text("Answered")


def violations(page: Page) -> list[str]:
    return [found["id"] for found in Axe().run(page).response["violations"]]


def open_share(page: Page) -> None:
    item = page.locator(".conversation").first
    item.hover()
    item.get_by_role("button").click()
    page.get_by_role("menuitem", name="Share").click()


RECOGNITION = """
window.SpeechRecognition = class {
  constructor() { window.heard = this; this.calls = []; }
  start() { this.calls.push("start"); }
  stop() { this.calls.push("stop"); }
  abort() { this.calls.push("abort"); this.onend?.({}); }
  say(...words) { this.onresult({ results: words.map((transcript) => [{ transcript }]) }); }
};
"""


def test_what_is_dictated_comes_to_the_cursor_until_it_is_ended(
    page: Page, fake_site: FakeSite, settings: Any
) -> None:
    settings.BOTFLOW_VOICE = True
    page.add_init_script(RECOGNITION)
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()
    field = page.get_by_role("textbox", name="Your message")
    button = page.get_by_role("button", name="Dictate")

    field.fill("See you there.")
    field.evaluate("node => node.setSelectionRange(7, 7)")
    button.click()
    expect(button).to_have_attribute("aria-pressed", "true")
    expect(field).to_have_attribute("placeholder", "Listening…")
    said = "[heard.lang, heard.interimResults, heard.continuous, ...heard.calls]"
    assert page.evaluate(said) == ["en-GB", True, True, "start"]
    page.evaluate("heard.say('on mon')")
    expect(field).to_have_value("See you on mon there.")
    page.evaluate("heard.say('on Monday', ' at nine')")
    expect(field).to_have_value("See you on Monday at nine there.")

    button.click()  # what was said until then is still taken
    expect(button).to_have_attribute("aria-pressed", "false")
    page.evaluate("heard.say('on Monday', ' at ten')")
    page.evaluate("heard.onend({})")
    expect(field).to_have_value("See you on Monday at ten there.")
    assert page.evaluate("heard.calls") == ["start", "stop"]

    field.fill("明天")
    button.click()
    page.evaluate("heard.say('九点见')")
    page.keyboard.press("Escape")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(field).to_have_value("明天九点见")
    assert page.evaluate("heard.calls") == ["start", "stop"]
    assert "stop" not in socket.waiting()

    button.click()
    page.evaluate("heard.say('。再见')")
    field.press("Enter")
    assert socket.receive("message")["content"] == "明天九点见。再见"
    page.evaluate("heard.onresult && heard.say('too late')")
    expect(field).to_have_value("")
    assert page.evaluate("heard.calls") == ["start", "abort"]

    button.click()
    page.evaluate("heard.say('typed')")
    field.press("!")
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(field).to_have_value("typed!")

    for error, sentence in [
        ("not-allowed", "The browser may not use the microphone for this page."),
        ("audio-capture", "No microphone was found."),
    ]:
        button.click()
        page.evaluate("error => heard.onerror({ error })", error)
        expect(page.get_by_role("alert").filter(has_text=sentence)).to_be_visible()
        expect(button).to_have_attribute("aria-pressed", "false")


SYNTHESIS = """
window.SpeechSynthesisUtterance = class { constructor(text) { this.text = text; } };
window.spoken = [];
Object.defineProperty(window, "speechSynthesis", { value: {
  speak: (utterance) => spoken.push(utterance),
  cancel: () => spoken.push({ text: "<cancel>" }),
  getVoices: () => [
    { lang: "en-US", localService: true, name: "us" },
    { lang: "en-GB", localService: false, name: "far" },
    { lang: "en-GB", localService: true, name: "near" },
    { lang: "zh_CN", localService: true, name: "cn" },
  ],
} });
"""
WORDS = """# A *plan*

First **Lisbon**. Then [Porto](https://a.example/).

- Trains
- Food

| a | b |
|---|---|
| 1 | 2 |

```python
x = 1
```
"""


def replies(site: FakeSite, page: Page) -> FakeSocket:
    page.goto(site.url)
    questions = [user_message(seq, state="answered") for seq in (1, 3)]
    first = reply(2, WORDS, id="r1", html=to_html(WORDS), reply_to="user-1")
    chinese = "明天去 Lisbon。" + "好的，" * 100 + "再见。"
    second = reply(4, chinese, id="r2", html=to_html(chinese), reply_to="user-3")
    return site.next_socket().welcome(questions[0], first, questions[1], second)


def test_a_reply_is_read_aloud_without_its_marks_in_a_voice_of_its_language(
    page: Page, fake_site: FakeSite, settings: Any
) -> None:
    settings.BOTFLOW_VOICE = True
    page.add_init_script(SYNTHESIS)
    replies(fake_site, page)
    texts, first = "spoken.map((each) => each.text)", page.locator(".message.assistant").first
    button = first.get_by_role("button", name="Read aloud")

    first.hover()
    button.click()
    assert violations(page) == []
    expect(button).to_have_attribute("aria-pressed", "true")
    plan = ["A plan", "First Lisbon. Then Porto.", "Trains", "Food", "a, b", "1, 2", "Code"]
    assert page.evaluate(texts) == plan
    assert page.evaluate("[spoken[0].lang, spoken[0].voice.name]") == ["en-GB", "near"]
    button.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    assert page.evaluate(texts) == [*plan, "<cancel>"]

    page.evaluate("spoken.length = 0")
    button.click()
    last = page.locator(".message.assistant").last
    last.hover()
    other = last.get_by_role("button", name="Read aloud")
    other.click()
    expect(button).to_have_attribute("aria-pressed", "false")
    expect(other).to_have_attribute("aria-pressed", "true")
    pieces = page.evaluate(texts)[len(plan) + 1 :]
    assert "".join(pieces) == "明天去 Lisbon。" + "好的，" * 100 + "再见。"
    assert max(map(len, pieces)) <= 220
    assert page.evaluate("[spoken.at(-1).lang, spoken.at(-1).voice.name]") == ["zh_CN", "cn"]
    page.evaluate("spoken.at(-1).onend()")
    expect(other).to_have_attribute("aria-pressed", "false")


def test_without_the_setting_nothing_listens_and_nothing_speaks(
    page: Page, fake_site: FakeSite
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.add_init_script(RECOGNITION + SYNTHESIS)
    replies(fake_site, page)

    expect(page.locator(".message.assistant .tool.again")).to_have_count(2)
    expect(page.locator(".dictate, .tool.aloud")).to_have_count(0)
    assert not [url for url in asked if "/later/" in url or "voice.css" in url]


def test_a_conversation_is_shared_read_by_a_stranger_renewed_and_revoked(
    site: Site, page: Page, new_page: Callable[..., Page]
) -> None:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(site.url)
    assert page.locator('link[rel=modulepreload][href*="later"]').count() == 0
    say(page, "**Trains** to Lisbon")
    open_share(page)
    dialog = page.get_by_role("dialog", name="Share this conversation")
    expect(dialog.get_by_role("button", name="Make a link")).to_be_focused()
    expect(dialog.get_by_label("Link")).to_be_hidden()

    dialog.get_by_role("button", name="Make a link").click()
    address = dialog.get_by_label("Link")
    expect(address).to_have_value(re.compile(rf"^{site.url}/shared/[\w-]{{32}}$"))
    url = address.input_value()
    expect(dialog.get_by_role("status")).to_contain_text("It shows what was said up to then.")
    expect(dialog.get_by_role("button", name="Copy")).to_be_focused()
    assert violations(page) == []
    page.keyboard.press("Enter")
    expect(dialog.get_by_role("button", name="Copied")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == url
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    expect(page.locator(".conversation-more").first).to_be_focused()

    stranger = new_page(locale="zh-CN", color_scheme="dark")
    answer = stranger.goto(url)
    assert answer is not None
    assert answer.all_headers()["x-robots-tag"] == "noindex, nofollow"
    expect(stranger.locator("html")).to_have_attribute("data-theme", "dark")
    expect(stranger.locator("html")).to_have_attribute("lang", "zh-hans")
    expect(stranger.locator(".message .text")).to_have_count(2)
    expect(stranger.locator(".assistant strong")).to_have_text("Trains")
    expect(stranger.locator(".message time").first).to_have_text(re.compile(r"年\d+月"))
    expect(stranger.locator("button, textarea, form")).to_have_count(0)
    assert stranger.context.cookies() == []
    assert violations(stranger) == []

    say(page, "And later")
    stranger.reload()
    expect(stranger.locator(".message .text")).to_have_count(2)
    page.reload()
    open_share(page)
    expect(dialog.get_by_role("status")).to_contain_text("The conversation has gone on since.")
    dialog.get_by_role("button", name="Update to now").click()
    expect(dialog.get_by_role("button", name="Update to now")).to_be_hidden()
    expect(address).to_have_value(url)
    stranger.reload()
    expect(stranger.locator(".message .text")).to_have_count(4)

    dialog.get_by_role("button", name="Revoke the link").click()
    expect(dialog.get_by_role("status")).to_have_text("The link leads nowhere any more.")
    expect(dialog.get_by_role("button", name="Make a link")).to_be_focused()
    assert stranger.request.get(url).status == 404
