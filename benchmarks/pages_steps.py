"""The steps of pages.py: each does something to a chat page and says what became of it."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page
from playwright.sync_api import TimeoutError as TooLate

from benchmarks.pages_agents import REASON, WORDS
from benchmarks.pages_chats import Chat

#: What a screen reader would read out, counted while an answer is written.
COUNT_ANNOUNCEMENTS = """() => {
  window.announced = 0;
  const live = (node) => {
    for (let at = node; at; at = at.parentElement ?? at.getRootNode().host) {
      const [mode, role] = [at.getAttribute?.("aria-live"), at.getAttribute?.("role")];
      if (at.getAttribute?.("aria-busy") === "true" || mode === "off") return false;
      if (mode || ["log", "status", "alert"].includes(role)) return true;
    }
    return false;
  };
  new MutationObserver((changes) => {
    for (const { target } of changes) {
      const node = target.nodeType === 1 ? target : target.parentElement;
      if (node && live(node)) window.announced += 1;
    }
  }).observe(document.body, { subtree: true, childList: true, characterData: true });
}"""

#: Enter behind the end of a composition: as Safari sends it, known by its key code alone, and as
#: older WebKit does, known by the moment alone.
ENTER_BEHIND = """(field, keyCode) => {
  field.dispatchEvent(new CompositionEvent("compositionstart", { bubbles: true }));
  field.dispatchEvent(new CompositionEvent("compositionend", { bubbles: true, data: "ni" }));
  const enter = { key: "Enter", code: "Enter", keyCode, bubbles: true, cancelable: true };
  field.dispatchEvent(new KeyboardEvent("keydown", enter));
}"""


class Visit:
    """One person's browser on one chat page."""

    def __init__(self, chat: Chat, browser: Browser) -> None:
        self.chat = chat
        self.context = browser.new_context(locale="en-GB")
        self.context.set_default_timeout(20_000)
        self.page = self.context.new_page()
        self.requests: list[str] = []
        self.page.on("request", lambda request: self.requests.append(request.url))

    def end(self) -> None:
        self.context.close()

    def open(self, page: Page | None = None) -> None:
        page = page or self.page
        page.goto(self.chat.url)
        self.chat.field(page).wait_for()
        page.wait_for_timeout(1_500)  # pages that are not ready yet swallow what is typed

    def say(self, text: str) -> None:
        field = self.chat.field(self.page)
        field.click()
        self.page.keyboard.type(text)
        self.page.keyboard.press("Enter")

    def text(self, page: Page | None = None) -> str:
        return (page or self.page).locator("body").inner_text()

    def words(self, page: Page | None = None) -> list[int]:
        return [int(number) for number in re.findall(r"\bword(\d+)\b", self.text(page))]

    def wait_for_words(self, least: int, seconds: float = 12) -> bool:
        """Wait until that many words of answers are on the page; tell whether they came."""
        deadline = time.monotonic() + seconds
        while len(self.words()) < least:
            if time.monotonic() > deadline:
                return False
            self.page.wait_for_timeout(50)
        return True

    def pause(self, seconds: float) -> None:
        self.page.wait_for_timeout(seconds * 1000)


def told(words: list[int]) -> str:
    """Say how much of one answer is there, and whether anything is there twice."""
    twice = "" if len(words) == len(set(words)) else ", some twice"
    return f"{len(set(words))} of {WORDS} words{twice}"


def refresh(visit: Visit) -> str:
    visit.open()
    visit.say("go")
    visit.wait_for_words(8)
    visit.page.reload()
    visit.chat.field(visit.page).wait_for()
    visit.pause(1.5)
    soon = len(set(visit.words()))
    visit.pause(5)
    return f"after 1.5 s {'some text' if soon else 'no text'}, in the end {told(visit.words())}"


def server_kill(visit: Visit) -> str:
    visit.open()
    visit.say("go")
    visit.wait_for_words(8)
    visit.chat.kill()
    visit.chat.start()
    deadline = time.monotonic() + 45
    while len(set(visit.words())) < WORDS and time.monotonic() < deadline:
        visit.pause(0.5)
    return f"in the end {told(visit.words())}"


def second_tab(visit: Visit) -> str:
    visit.open()
    visit.say("go")
    visit.wait_for_words(3)
    other = visit.context.new_page()
    visit.open(other)
    visit.pause(5)
    return f"the other tab shows {told(visit.words(other))}"


def offline(visit: Visit) -> str:
    visit.open()
    visit.say("hello")
    visit.wait_for_words(WORDS)
    visit.context.set_offline(True)
    visit.pause(1)
    try:
        visit.say("written-offline")
    except TooLate:
        return "cannot be written"
    visit.pause(4)
    visit.context.set_offline(False)
    visit.pause(12)
    count = visit.text().count("written-offline")
    return f"shown {count} times, {'answered' if len(visit.words()) > WORDS else 'not answered'}"


def draft(visit: Visit) -> str:
    visit.open()
    visit.chat.field(visit.page).click()
    visit.page.keyboard.type("half a thought")
    visit.pause(0.5)
    visit.page.reload()
    field = visit.chat.field(visit.page)
    field.wait_for()
    visit.pause(1.5)
    kept = field.evaluate("(field) => field.value ?? field.innerText")
    return "kept" if "half a thought" in kept else "lost"


def queueing(visit: Visit) -> str:
    visit.open()
    visit.say("first")
    visit.wait_for_words(3)
    visit.say("second-one")
    visit.pause(1)
    is_shown = visit.text().count("second-one") > 0
    visit.wait_for_words(2 * WORDS, 16)
    answers = len(visit.words()) // WORDS
    return f"{'taken' if is_shown else 'not taken'}, {answers} of 2 answered whole"


def ime(visit: Visit) -> str:
    """Confirm a candidate with Enter, as browsers tell of it in three ways."""
    outcome = []
    for name, key_code in (("Chromium", 0), ("Safari", 229), ("older WebKit", 13)):
        visit.open()
        field = visit.chat.field(visit.page)
        field.click()
        session = visit.context.new_cdp_session(visit.page)
        if key_code:
            session.send("Input.insertText", {"text": "你"})
            visit.pause(0.3)
            field.evaluate(ENTER_BEHIND, key_code)
        else:
            candidate = {"text": "你", "selectionStart": 1, "selectionEnd": 1}
            session.send("Input.imeSetComposition", candidate)
            enter = {"type": "rawKeyDown", "windowsVirtualKeyCode": 229, "key": "Enter"}
            session.send("Input.dispatchKeyEvent", enter)
            session.send("Input.insertText", {"text": "你"})
        visit.pause(1.5)
        rest = field.evaluate("(field) => field.value ?? field.innerText")
        outcome.append(f"{name}: {'kept' if '你' in rest else 'sent'}")
        visit.chat.field(visit.page).fill("")
    return ", ".join(outcome)


def announcements(visit: Visit) -> str:
    visit.open()
    visit.page.evaluate(COUNT_ANNOUNCEMENTS)
    visit.say("go")
    visit.wait_for_words(WORDS)
    visit.pause(1)
    count = visit.page.evaluate("window.announced")
    return f"{count} changes read out during one answer" if count else "nothing is read out"


def axe(visit: Visit) -> str:
    parts = []
    for scheme in ("light", "dark"):
        visit.page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        visit.open()
        visit.say("go")
        visit.wait_for_words(WORDS)
        found: Any = Axe().run(visit.page).response["violations"]
        worst = [rule["id"] for rule in found if rule["impact"] in ("critical", "serious")]
        parts.append(f"{scheme}: {len(found)} rules broken ({', '.join(worst) or 'none serious'})")
    return "; ".join(parts)


def exception(visit: Visit) -> str:
    visit.open()
    visit.say("fail")
    visit.pause(4)
    text = visit.text()
    if REASON in text:
        return "shows the exception to the visitor"
    if not re.search("error|wrong|failed", text, re.IGNORECASE):
        return "says nothing"
    buttons = visit.page.get_by_role("button", name=re.compile("again|retry", re.IGNORECASE))
    return f"says so{', with a button to try again' if buttons.count() else ''}"


def remote_image(visit: Visit) -> str:
    visit.open()
    visit.say("image")
    visit.pause(4)
    return "fetched" if any(":9/pixel" in url for url in visit.requests) else "not fetched"


def weight(visit: Visit) -> str:
    """Count what comes over the wire until the page is ready, and what was asked of others."""
    session = visit.context.new_cdp_session(visit.page)
    session.send("Network.enable")
    session.send("Network.setCacheDisabled", {"cacheDisabled": True})
    sizes: list[float] = []
    session.on("Network.loadingFinished", lambda event: sizes.append(event["encodedDataLength"]))
    began = time.monotonic()
    visit.page.goto(visit.chat.url)
    visit.chat.field(visit.page).wait_for()
    ready = time.monotonic() - began
    visit.pause(3)
    others = {
        url.split("/")[2] for url in visit.requests if not url.startswith(visit.chat.url[:16])
    }
    foreign = {host for host in others if not host.startswith("127.0.0.1")} - {""}
    asked = f", asks {len(foreign)} other hosts" if foreign else ""
    return f"{sum(sizes) / 1000:,.0f} kB in {len(sizes)} files, ready after {ready:.1f} s{asked}"


def policy(visit: Visit) -> str:
    response = visit.page.goto(visit.chat.url)
    header = (response.headers if response else {}).get("content-security-policy", "")
    if not header:
        return "none"
    is_strict = "unsafe" not in header and "script-src" in header
    return "strict: no inline script, no eval" if is_strict else "lets inline script or eval pass"


STEPS: dict[str, Callable[[Visit], str]] = {
    "refresh mid-answer": refresh,
    "server killed mid-answer": server_kill,
    "second tab": second_tab,
    "written offline": offline,
    "draft, reloaded": draft,
    "sent while it answers": queueing,
    "Enter confirms a candidate (IME)": ime,
    "screen reader": announcements,
    "axe": axe,
    "agent raises": exception,
    "image of another host": remote_image,
    "first load": weight,
    "content security policy": policy,
}
