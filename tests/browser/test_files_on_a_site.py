"""On a real site: a file goes up, is sent and answered, comes back, and nothing of it ever runs."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from test_attachments import PNG, file

from tests.harness.site import Site

SVG = b"""<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)">
<script>alert(2)</script><image href="https://example.com/x.png"/></svg>"""


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site(agent="tests.agents.counts_files", BOTFLOW_MAX_UPLOAD_BYTES=100_000) as running:
        running.start_web()
        running.start_cluster()
        running.wait_ready()
        yield running


def test_files_are_sent_answered_and_still_there_after_a_reload(
    new_page: Callable[..., Page], site: Site
) -> None:
    page = new_page()
    page.goto(site.url)
    files = [file("one.png"), file("猫.svg", SVG, "image/svg+xml"), file("big.png", b"x" * 200_000)]

    page.locator("#files").set_input_files(files)  # type: ignore[arg-type]
    expect(page.locator('.attachment[data-state="ready"]')).to_have_count(2)
    expect(page.locator('.attachment[data-state="refused"]')).to_contain_text("Too large")
    page.get_by_label("Your message").fill("What is this?")
    page.get_by_label("Your message").press("Enter")

    expect(page.locator(".message.assistant .text")).to_contain_text("2 files")
    page.reload()
    picture = page.get_by_role("button", name="Open image one.png").locator("img")
    expect(picture).to_be_visible()
    assert picture.evaluate("async (image) => (await image.decode(), image.naturalWidth)") == 1

    link = page.get_by_role("link", name="Download 猫.svg")
    with page.expect_download() as saved:
        link.click()
    assert saved.value.suggested_filename == "猫.svg"
    assert saved.value.path().read_bytes() == SVG
    address = str(link.get_attribute("href"))
    with page.expect_download():  # opened as a page it is a download too
        page.evaluate("(address) => { location.href = address; }", address)
    asked = page.request.get(address)
    assert asked.headers["content-type"] == "text/plain"


def test_another_visitor_cannot_send_the_file(new_page: Callable[..., Page], site: Site) -> None:
    page, other = new_page(), new_page()
    for one in (page, other):
        one.goto(site.url)

    answer = other.evaluate(
        """(id) => new Promise((resolve) => {
          const socket = new WebSocket(`ws://${location.host}/ws/chat`);
          socket.onmessage = ({data}) => /"(error|message)"/.test(data) && resolve(data);
          socket.onopen = () => socket.send(
            JSON.stringify({type: "message", content: "x", client_id: "c", files: [id]}));
        })""",
        _upload(page, site)["id"],
    )

    assert json.loads(answer) == {
        "type": "error",
        "code": "not_found",
        "detail": "There is no such file.",
        "client_id": "c",
    }


def _upload(page: Page, site: Site) -> dict[str, Any]:
    token = {each["name"]: each["value"] for each in page.context.cookies()}["csrftoken"]
    answer = page.request.post(
        f"{site.url}/api/uploads",
        headers={"X-CSRFToken": token},
        multipart={"file": file("one.png", PNG)},
    )
    assert answer.status == 201
    return dict(answer.json())
