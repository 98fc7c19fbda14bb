"""Known ways of smuggling a script, a request or a form into a page do nothing in this one."""

from collections.abc import Callable
from typing import Any

from fake_server import FakeSite, reply, user_message
from playwright.sync_api import Page, expect

from conversations.rendering import plain_to_html, to_html
from tests.hostile_markup import HOSTILE

MESSAGES = 16
# What in the transcript runs, loads, asks for input, leads elsewhere or dresses up as the page.
FOUND = """() => {
  const found = [];
  for (const node of document.querySelectorAll(".message .text *")) {
    for (const { name, value } of node.attributes) {
      if (/^on|^style$|^src(set|doc)$|^(form)?action$|^x-|^v-|^hx-|^ping$|^id$|^name$/.test(name)) {
        found.push(`${name}=${value}`);
      }
      if (name === "href" && !/^(https?:|mailto:|\\/media\\/(?!.*\\.\\.)|#icon-)/.test(value)) {
        found.push(value);
      }
      if (name === "src" && !/^\\/media\\/(?!.*\\.\\.)/.test(value)) found.push(value);
    }
  }
  const bad = "script,iframe,object,embed,style,link,meta,base,form,input,select,math,video,audio";
  for (const node of document.querySelectorAll(bad.replace(/\\w+/g, ".message .text $&"))) {
    found.push(node.outerHTML);
  }
  return [...found, ...(window.hacked.calls ?? [])];
}"""
TRAP = "window.hacked = () => (window.hacked.calls ??= []).push('ran')"


def test_nothing_hostile_runs_loads_or_stands_in_the_page(
    new_page: Callable[..., Page], fake_site: FakeSite
) -> None:
    page = new_page()
    page.add_init_script(TRAP)
    troubles: list[str] = []
    page.on("dialog", lambda dialog: troubles.append(dialog.message))
    page.on("download", lambda download: troubles.append(download.url))
    page.on("framenavigated", lambda frame: frame == page.main_frame or troubles.append(frame.url))

    page.goto(fake_site.url)
    asked = {"state": "answering", "content": "\n\n".join(HOSTILE)}
    socket = fake_site.next_socket().welcome(user_message(1, **asked), *replies())
    growing = "\n\n".join(HOSTILE)
    socket.send(type="delta", id="r", offset=0, text=growing)
    tail = {"html": to_html(growing), "tail": plain_to_html(growing)}
    socket.send(type="render", id="r", **{"from": 0}, to=len(growing), **tail)
    expect(page.locator(".message.assistant")).to_have_count(MESSAGES + 1)
    expect(page.locator(".streaming .code").first).to_be_attached()
    # Everything that runs by itself, or by a pointer over it, has had its chance.
    for box in page.locator(".message .text").all()[:4]:
        box.hover(position={"x": 9, "y": 9})
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => setTimeout(done, 50)))")

    assert page.evaluate(FOUND) == []
    assert troubles == []
    assert page.url.startswith(fake_site.url)


def replies() -> list[dict[str, Any]]:
    texts = ["\n\n".join(HOSTILE[number::MESSAGES]) for number in range(MESSAGES)]
    return [
        reply(number, text, html=to_html(text), reply_to=None)
        for number, text in enumerate(texts, start=2)
    ]
