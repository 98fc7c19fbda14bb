"""Files are picked, pasted or dropped, go up at once, and are sent with the message or say why."""

import itertools
import re
from collections.abc import Callable
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from fake_server import FakeSite, FakeSocket
from playwright.sync_api import Page, Route, expect

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154789c63"
    "606060000000040001f61738550000000049454e44ae426082"
)
TOO_LARGE, REFUSED, MANY = b"x" * 3000, b"MZ", b"many"
# Events as a browser makes them of files from elsewhere, which a test cannot bring along.
ELSEWHERE = """([kind, name, type, isText]) => {
  const data = new DataTransfer();
  data.items.add(new File([new Uint8Array(9)], name, {type}));
  if (isText) data.setData("text/plain", "text");
  const fields = {bubbles: true, cancelable: true};
  if (kind === "paste") {
    const event = new ClipboardEvent("paste", {...fields, clipboardData: data});
    document.querySelector("#draft").dispatchEvent(event);
  } else {
    document.body.dispatchEvent(new DragEvent(kind, {...fields, dataTransfer: data}));
  }
}"""

File = dict[str, Any]


def file(name: str, content: bytes = PNG, kind: str = "image/png") -> File:
    return {"name": name, "mimeType": kind, "buffer": content}


class Uploads:
    """Answers the page's uploads; `held` keeps them waiting until `release`, `status` refuses."""

    def __init__(self, page: Page) -> None:
        self.numbers = itertools.count(1)
        self.held: list[Route] | None = None
        self.refusal: tuple[int, str] | None = None
        page.route("**/api/uploads", self._came)

    def _came(self, route: Route) -> None:
        if self.held is None:
            self._answer(route)
        else:
            self.held.append(route)

    def release(self) -> None:
        held, self.held = self.held or [], None
        for route in held:
            self._answer(route)

    def _answer(self, route: Route) -> None:
        if self.refusal:
            status, code = self.refusal
            route.fulfill(status=status, json={"code": code, "detail": "No."})
            return
        head = (route.request.post_data_buffer or b"")[:500].decode("utf-8", "replace")
        [name] = re.findall(r'filename="([^"]*)"', head)
        kind = "image/png" if name.endswith("png") else "application/pdf"
        number = next(self.numbers)
        told = {"id": f"id-{number}", "url": f"/media/{number}/{name}", "name": name}
        route.fulfill(status=201, json=told | {"type": kind, "size": 1234})


@pytest.fixture
def uploads(page: Page) -> Uploads:
    page.route("**/media/**", lambda route: route.fulfill(body=PNG, content_type="image/png"))
    return Uploads(page)


def open_page(page: Page, site: FakeSite) -> FakeSocket:
    page.goto(site.url)
    socket = site.next_socket().welcome()
    expect(page.locator("#welcome")).to_be_visible()
    return socket


def pick(page: Page, *files: File) -> None:
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Attach files").click()
    chooser.value.set_files(list(files))  # type: ignore[arg-type]


def items(page: Page, state: str = "") -> Any:
    return page.locator(f'.attachment[data-state="{state}"]' if state else ".attachment")


def test_files_are_picked_pasted_and_dropped_and_go_with_the_message(
    page: Page, fake_site: FakeSite, uploads: Uploads
) -> None:
    socket = open_page(page, fake_site)

    pick(page, file("one.png"), file("two.pdf", b"%PDF-", "application/pdf"))
    expect(items(page, "ready")).to_have_count(2)
    page.evaluate(ELSEWHERE, ["paste", "three.png", "image/png", False])
    page.evaluate(ELSEWHERE, ["paste", "text.png", "image/png", True])
    page.evaluate(ELSEWHERE, ["dragenter", "four.png", "image/png", False])
    expect(page.get_by_text("Drop files here")).to_be_visible()
    page.evaluate(ELSEWHERE, ["drop", "four.png", "image/png", False])
    expect(page.get_by_text("Drop files here")).to_be_hidden()
    expect(items(page, "ready")).to_have_count(4)
    expect(page.get_by_role("list", name="Attached files")).to_contain_text("four.png")
    assert Axe().run(page).response["violations"] == []

    page.get_by_label("Your message").press("Enter")  # without a word

    frame = socket.receive("message")
    assert (frame["content"], frame["files"]) == ("", ["id-1", "id-2", "id-3", "id-4"])
    expect(items(page)).to_have_count(0)
    pictures = page.locator(".message.user .picture")
    expect(pictures).to_have_count(3)
    expect(page.get_by_role("link", name="Download two.pdf")).to_be_visible()
    told = [
        {"url": f"/media/{n}/{n}.png", "name": "x", "type": "image/png", "size": 9} for n in "123"
    ]
    socket.store(frame, 1, files=told)
    expect(page.get_by_role("link", name="Download two.pdf")).to_have_count(0)


def test_sending_waits_for_what_is_on_its_way_and_needs_no_second_press(
    page: Page, fake_site: FakeSite, uploads: Uploads
) -> None:
    socket = open_page(page, fake_site)
    uploads.held = []

    pick(page, file("one.png"))
    expect(page.get_by_role("progressbar", name="Uploading one.png")).to_be_visible()
    page.get_by_label("Your message").fill("Look")
    page.get_by_role("button", name="Send").click()

    expect(page.get_by_text("Sends as soon as the files are uploaded")).to_be_visible()
    expect(page.get_by_label("Your message")).to_have_value("Look")
    assert "message" not in socket.waiting()
    uploads.release()
    frame = socket.receive("message")
    assert (frame["content"], frame["files"]) == ("Look", ["id-1"])
    expect(page.get_by_label("Your message")).to_have_value("")
    expect(page.locator("#attachments-note")).to_be_hidden()


def test_a_refused_file_says_why_and_stays_behind(
    page: Page, fake_site: FakeSite, uploads: Uploads, settings: Any
) -> None:
    settings.BOTFLOW_MAX_UPLOAD_BYTES, settings.BOTFLOW_MAX_FILES = 2048, 3
    socket = open_page(page, fake_site)

    pick(page, file("huge.png", TOO_LARGE), file("empty.txt", b"", "text/plain"))
    expect(items(page).first).to_contain_text("Too large: at most 2 kB")
    expect(items(page).last).to_contain_text("This file is empty")
    expect(page.get_by_role("button", name="Send")).to_be_disabled()
    uploads.refusal = (415, "bad_type")
    pick(page, file("tool.exe", b"MZ", "application/octet-stream"))
    expect(items(page).last).to_contain_text("Files of this kind cannot be sent here")
    expect(page.locator("#attachments-status")).to_have_text(re.compile("^tool.exe: Files of"))
    expect(page.get_by_role("button", name="Try again: tool.exe")).to_be_hidden()

    uploads.refusal = (429, "quota")
    pick(page, file("late.png"))
    expect(items(page).last).to_contain_text("The limit for today is reached")
    uploads.refusal = None
    page.get_by_role("button", name="Try again: late.png").click()
    expect(items(page, "ready")).to_have_count(1)
    pick(page, *[file(f"{number}.png") for number in range(3)])
    expect(page.get_by_text("One message takes at most 3 files.")).to_be_visible()
    expect(items(page, "ready")).to_have_count(3)
    page.get_by_label("Your message").press("Enter")

    assert socket.receive("message")["files"] == ["id-1", "id-2", "id-3"]
    expect(items(page)).to_have_count(0)


def test_a_file_is_taken_away_by_keyboard_while_it_goes_up(
    page: Page, fake_site: FakeSite, uploads: Uploads
) -> None:
    open_page(page, fake_site)
    uploads.held = []
    pick(page, file("one.png"), file("two.png"))
    expect(items(page, "sending")).to_have_count(2)

    with page.expect_event("requestfailed") as failed:
        page.get_by_role("button", name="Remove one.png").press("Enter")
    assert "/api/uploads" in failed.value.url
    expect(page.get_by_role("button", name="Remove two.png")).to_be_focused()
    page.keyboard.press("Enter")

    expect(items(page)).to_have_count(0)
    expect(page.get_by_label("Your message")).to_be_focused()
    expect(page.get_by_role("button", name="Send")).to_be_disabled()


def test_files_wait_for_the_connection_and_survive_a_reload(
    page: Page, fake_site: FakeSite, uploads: Uploads
) -> None:
    open_page(page, fake_site)

    page.context.set_offline(True)
    pick(page, file("one.png"))
    expect(items(page, "waiting")).to_contain_text("Waits for the connection")
    page.context.set_offline(False)
    expect(items(page, "ready")).to_have_count(1)
    page.reload()
    socket = fake_site.next_socket().welcome()
    expect(items(page, "ready")).to_contain_text("one.png")
    page.get_by_label("Your message").fill("Here")
    page.get_by_label("Your message").press("Enter")

    assert socket.receive("message")["files"] == ["id-1"]


def test_a_site_that_takes_no_files_offers_none(
    new_page: Callable[..., Page], fake_site: FakeSite, settings: Any
) -> None:
    settings.BOTFLOW_UPLOADS = False
    page = new_page()
    socket = open_page(page, fake_site)

    page.evaluate(ELSEWHERE, ["dragenter", "one.png", "image/png", False])
    page.evaluate(ELSEWHERE, ["paste", "one.png", "image/png", False])
    page.get_by_label("Your message").fill("Words only")
    page.get_by_label("Your message").press("Enter")

    assert "files" not in socket.receive("message")
    expect(page.get_by_role("button", name="Attach files")).to_have_count(0)
    expect(page.locator(".attachment, .dropzone")).to_have_count(0)
