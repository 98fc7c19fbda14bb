"""The states of the page that are pictured: each scene brings one person's page into one."""

from __future__ import annotations

import re
import struct
import uuid
import zlib
from collections.abc import Callable
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect

#: What is typed, by the language of the page.
WORDS = {
    "en": {
        "plan": "Plan three days in Kyoto for me",
        "pack": "What should I pack?",
        "weather": "And the weather?",
        "offline": "Which bus goes to the castle?",
        "photo": "What do you see in this photo?",
        "again": "Plan four days in Kyoto for me",
        "search": "bus",
        "draft": "Remind me tomorrow at nine",
        "pack_answer": "The evenings are cool",
        "failed": "weather service",
        "tasks": "/remind daily 09:00 drink a glass of water|/remind in 3h call Aki|/pause 2",
    },
    "zh": {
        "plan": "帮我安排三天的京都行程",
        "pack": "行李要带什么？",
        "weather": "天气怎么样？",
        "offline": "去二条城坐哪路车？",
        "photo": "这张照片里有什么？",
        "again": "帮我安排四天的京都行程",
        "search": "公交",
        "draft": "明天九点提醒我",
        "pack_answer": "五月的夜晚",
        "failed": "天气服务",
        "tasks": "/提醒 每天9:00 喝水|/提醒 3小时后 给阿木打电话|/暂停 2",
    },
}


#: A site that shows the chat as a bubble.
SHOP_ORIGIN = "http://localhost:8099"
SHOP = """<!DOCTYPE html>
<html lang="{language}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <title>Lake House Books</title>
  <style>
    body {{ margin: 0; font: 18px/1.6 Georgia, serif; color: #333; background: #fffdf8 }}
    header {{ padding: 4rem 3rem; background: #35506b; color: #fff }}
    main {{ max-width: 34rem; padding: 3rem }}
  </style>
  <header><h1>Lake House Books</h1></header>
  <main><p>New and used, by the lake since 1987. Open from ten to six.</p></main>
  <script src="{site}/embed.js" async data-open></script>
</html>
"""


@dataclass
class Stage:
    """A page that shows the newest conversation, and what it is asked in its language."""

    page: Page
    words: dict[str, str]
    is_phone: bool

    @property
    def field(self) -> Locator:
        return self.page.locator("#draft")

    def say(self, text: str) -> None:
        self.field.fill(text)
        self.field.press("Enter")

    def anew(self) -> None:
        """Go to a conversation in which nothing was said."""
        self.page.keyboard.press("Control+Shift+O")
        expect(self.page.locator("#welcome")).to_be_visible()

    def planned(self) -> None:
        self.anew()
        self.say(self.words["plan"])
        expect(self.page.locator(".message.assistant[data-state=done]")).to_have_count(1)


def first_screen(stage: Stage) -> None:
    stage.anew()


def conversation(stage: Stage) -> None:
    stage.planned()
    expect(stage.page.locator(".message.assistant table")).to_be_visible()


def streaming(stage: Stage) -> None:
    stage.anew()
    stage.say(stage.words["pack"])
    expect(stage.page.get_by_text(stage.words["pack_answer"])).to_be_visible()
    stage.field.fill(stage.words["draft"])


def failed(stage: Stage) -> None:
    stage.anew()
    stage.say(stage.words["weather"])
    expect(stage.page.get_by_text(stage.words["failed"])).to_be_visible()


def offline(stage: Stage) -> None:
    stage.planned()
    stage.page.context.set_offline(True)
    stage.page.evaluate("dispatchEvent(new Event('offline'))")
    stage.say(stage.words["offline"])
    expect(stage.page.locator("#connection-notice")).to_be_visible(timeout=60_000)


def commands(stage: Stage) -> None:
    stage.anew()
    stage.field.press_sequentially("/")
    expect(stage.page.locator("#commands")).to_be_visible()


def tasks(stage: Stage) -> None:
    stage.anew()
    for count, order in enumerate(stage.words["tasks"].split("|"), start=1):
        stage.say(order)
        expect(stage.page.locator(".message.assistant[data-state=done]")).to_have_count(count)
    stage.page.locator("#tasks-open").click()
    expect(stage.page.locator("#tasks-list > li").first).to_be_visible()


def files(stage: Stage) -> None:
    stage.anew()
    pick = stage.page.locator("input[type=file]")
    pick.set_input_files([{"name": "lake.png", "mimeType": "image/png", "buffer": picture()}])
    stage.field.fill(stage.words["photo"])
    expect(stage.page.locator("#send")).to_be_enabled()
    stage.field.press("Enter")
    expect(stage.page.locator(".message.assistant[data-state=done]")).to_have_count(1)
    notes = {"name": "notes.md", "mimeType": "text/markdown", "buffer": b"# Notes\n"}
    pick.set_input_files(
        [{"name": "lake.png", "mimeType": "image/png", "buffer": picture()}, notes]
    )
    expect(stage.page.locator("#attachments li, #attachments .attachment").nth(1)).to_be_visible()


def versions(stage: Stage) -> None:
    stage.planned()
    own = stage.page.locator(".message.user")
    own.hover()
    own.get_by_role("button", name=re.compile("^(Edit|编辑)")).click()
    editor = own.get_by_role("textbox")
    editor.fill(stage.words["again"])
    editor.press("Enter")
    expect(stage.page.get_by_text("2/2")).to_be_visible()
    expect(stage.page.locator(".message.assistant[data-state=done]")).to_have_count(1)
    stage.page.locator("#transcript").evaluate("(box) => box.scrollTo(0, 0)")
    own.hover()


def search(stage: Stage) -> None:
    if stage.is_phone:
        stage.page.locator("#sidebar-open").click()
    stage.page.keyboard.press("Control+K")
    box = stage.page.locator("#search")
    box.fill(stage.words["search"])
    expect(stage.page.locator("#search-hits > li").first).to_be_visible()


def conversations(stage: Stage) -> None:
    if stage.is_phone:
        stage.page.locator("#sidebar-open").click()
    expect(stage.page.locator("#conversation-groups a").nth(2)).to_be_visible()


def menu(stage: Stage) -> None:
    stage.page.locator("#menu-open").click()
    expect(stage.page.locator("#menu")).to_be_visible()


def shortcuts(stage: Stage) -> None:
    stage.page.locator("#menu-open").click()
    stage.page.locator("#shortcuts-open").click()
    expect(stage.page.get_by_role("dialog")).to_be_visible()


def share(stage: Stage) -> None:
    stage.planned()
    if stage.is_phone:
        stage.page.locator("#sidebar-open").click()
    current = stage.page.locator(".conversation:has([aria-current])")
    current.hover()
    current.locator(".conversation-more").click()
    stage.page.locator("#conversation-menu [data-do=share]").click()
    stage.page.locator("#share-make").click()
    expect(stage.page.locator("#share-url")).to_be_visible()


def shared_page(stage: Stage) -> None:
    share(stage)
    stage.page.goto(stage.page.locator("#share-url").input_value())
    expect(stage.page.locator("table")).to_be_visible()


def bubble(stage: Stage) -> None:
    """The chat on another site; what that site says is answered here, not by a server."""
    site = stage.page.url.rpartition("/")[0].partition("/c")[0]
    shop = SHOP.format(site=site, language=stage.page.locator("html").get_attribute("lang"))
    stage.page.context.route(
        f"{SHOP_ORIGIN}/", lambda route: route.fulfill(body=shop, content_type="text/html")
    )
    stage.page.goto(f"{SHOP_ORIGIN}/")
    if stage.is_phone:
        stage.page.get_by_role("button").click()
    frame = stage.page.frame_locator("iframe")
    expect(frame.locator("#connection[data-state=open]")).to_be_attached()
    frame.locator("#draft").fill(stage.words["plan"])
    frame.locator("#draft").press("Enter")
    expect(frame.locator(".message.assistant[data-state=done]")).to_have_count(1)


def not_found(stage: Stage) -> None:
    stage.page.goto(f"{stage.page.url.partition('/c/')[0].rstrip('/')}/c/{uuid.uuid4()}")


def sign_in(stage: Stage) -> None:
    """The last: nobody is signed in behind it."""
    stage.page.context.clear_cookies()
    stage.page.goto(f"{stage.page.url.partition('/c/')[0].rstrip('/')}/login")
    expect(stage.page.locator("input[name=username]")).to_be_visible()


SCENES: dict[str, Callable[[Stage], None]] = {
    scene.__name__.replace("_", "-"): scene
    for scene in (
        first_screen,
        conversation,
        streaming,
        failed,
        offline,
        commands,
        tasks,
        files,
        versions,
        search,
        conversations,
        menu,
        shortcuts,
        share,
        shared_page,
        bubble,
        not_found,
        sign_in,
    )
}


def picture(width: int = 640, height: int = 400) -> bytes:
    """Return a PNG of a lake below an evening sky, made of two gradients."""
    rows = b""
    for y in range(height):
        share = y / height
        sky = (int(250 - 90 * share), int(190 - 40 * share), int(140 + 90 * share))
        lake = (int(60 + 30 * share), int(110 + 40 * share), int(140 + 40 * share))
        rows += b"\0" + bytes(sky if share < 0.6 else lake) * width
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + _chunk(b"IHDR", header)
        + _chunk(b"IDAT", zlib.compress(rows, 9))
        + _chunk(b"IEND", b"")
    )


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
