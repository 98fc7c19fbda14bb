"""A person's conversations on a real site: listed, opened, named, searched, exported, deleted."""

from __future__ import annotations

import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Locator, Page, expect

from tests.harness.site import Site

LIST_ITEMS = ".conversation-title"


def say(page: Page, text: str) -> None:
    """Say something that is echoed, and wait for its answer."""
    field = page.get_by_role("textbox", name="Your message")
    field.fill(text)
    field.press("Enter")
    expect(page.locator(".message.assistant").last).to_contain_text(text)
    expect(page.locator(".message.user .state").last).to_have_text("Answered")


def titles(page: Page) -> Locator:
    return page.get_by_role("navigation", name="Conversations").locator(LIST_ITEMS)


def begin(page: Page) -> None:
    page.get_by_role("button", name="New conversation", exact=True).click()
    expect(page.locator(".message")).to_have_count(0)


def choose(page: Page, title: str, what: str) -> None:
    """Choose from the menu of a conversation."""
    item = page.locator(".conversation").filter(has_text=title)
    item.hover()
    item.get_by_role("button").click()
    page.get_by_role("menuitem", name=what).click()


def path(page: Page) -> str:
    return urlsplit(page.url).path


@pytest.fixture
def talked(site: Site, page: Page) -> Page:
    """A page of a person with two conversations, the second one open."""
    page.goto(site.url)
    say(page, "Trains to Lisbon")
    begin(page)
    say(page, "周末去爬山")
    expect(titles(page)).to_have_text(["周末去爬山", "Trains to Lisbon"])
    return page


def test_conversations_have_addresses_and_the_browser_goes_back_and_forth(
    talked: Page, site: Site, new_page: Callable[..., Page]
) -> None:
    page, draft = talked, talked.get_by_role("textbox", name="Your message")
    second = path(page)
    draft.fill("half written")

    page.get_by_role("link", name="Trains to Lisbon").click()
    expect(page.locator(".message.user .text")).to_have_text("Trains to Lisbon")
    expect(page.get_by_role("link", name="Trains")).to_have_attribute("aria-current", "page")
    expect(page).to_have_title("Trains to Lisbon · BotFlow")
    expect(draft).to_have_value("")
    first = path(page)
    assert re.fullmatch(r"/c/[0-9a-f-]{36}", first)
    assert first != second

    page.go_back()
    expect(page.locator(".message.user .text")).to_have_text("周末去爬山")
    expect(draft).to_have_value("half written")
    page.go_forward()
    page.reload()
    expect(page.locator(".message.user .text")).to_have_text("Trains to Lisbon")

    page.goto(site.url)
    expect(page.locator(".message.user .text")).to_have_text("周末去爬山")
    stranger = new_page()
    assert stranger.request.get(site.url + first).status == 404


def test_what_is_said_meanwhile_elsewhere_is_shown_as_unread(talked: Page) -> None:
    page = talked
    other = page.context.new_page()
    other.goto(page.url)
    page.bring_to_front()
    page.get_by_role("link", name="Trains to Lisbon").click()
    expect(page.locator(".message.user .text")).to_have_text("Trains to Lisbon")

    other.bring_to_front()
    other.evaluate("Object.defineProperty(document, 'hidden', { get: () => true })")
    say(other, "Was soll mit?")
    other.close()
    page.evaluate("dispatchEvent(new Event('focus'))")
    unread = page.get_by_role("link", name=re.compile("周末去爬山.*Unread"))
    expect(unread).to_be_visible()

    unread.click()
    expect(page.get_by_text("Was soll mit?").last).to_be_visible()
    expect(page.locator(".new-line")).to_be_visible()
    expect(page.locator(".conversation-state[data-state=unread]")).to_have_count(0)
    page.get_by_role("link", name="Trains to Lisbon").click()
    expect(page.get_by_role("link", name="Trains")).to_have_attribute("aria-current", "page")
    expect(page.locator(".conversation-state[data-state=unread]")).to_have_count(0)


def test_a_conversation_is_named_exported_and_deleted_from_its_menu(talked: Page) -> None:
    page = talked

    choose(page, "Trains", "Rename")
    name = page.get_by_role("textbox", name="Title")
    expect(name).to_be_focused()
    name.fill("never")
    name.press("Escape")
    expect(titles(page)).to_have_text(["周末去爬山", "Trains to Lisbon"])
    choose(page, "Trains", "Rename")
    name.fill("Portugal")
    name.press("Enter")
    expect(titles(page)).to_have_text(["周末去爬山", "Portugal"])
    page.reload()
    expect(titles(page)).to_have_text(["周末去爬山", "Portugal"])

    with page.expect_download() as download:
        choose(page, "Portugal", "Export as Markdown")
    assert re.fullmatch(r"Portugal \d{4}-\d\d-\d\d\.md", download.value.suggested_filename)
    text = download.value.path().read_text(encoding="utf-8")
    assert text.startswith("# Portugal\n")
    assert text.count("Trains to Lisbon") == 2

    choose(page, "周末", "Delete")
    question = page.get_by_role("dialog", name="Delete this conversation?")
    expect(question).to_contain_text("周末去爬山")
    question.get_by_role("button", name="Cancel").click()
    expect(titles(page)).to_have_count(2)
    choose(page, "周末", "Delete")
    question.get_by_role("button", name="Delete").click()
    expect(titles(page)).to_have_text(["Portugal"])
    expect(page.locator(".message.user .text")).to_have_text("Trains to Lisbon")


def test_other_tabs_hear_of_a_new_name_and_of_the_end(talked: Page) -> None:
    page = talked
    other = page.context.new_page()
    other.goto(page.url)
    expect(other.locator(".message.user .text")).to_have_text("周末去爬山")

    page.bring_to_front()  # What is behind another tab is drawn once a second.
    choose(page, "周末", "Rename")
    page.get_by_role("textbox", name="Title").fill("Berge")
    page.keyboard.press("Enter")
    expect(other).to_have_title("Berge · BotFlow")
    choose(page, "Berge", "Delete")
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()

    expect(other.locator(".message.user .text")).to_have_text("Trains to Lisbon")
    expect(other.get_by_role("alert")).to_be_visible()
    expect(titles(other)).to_have_text(["Trains to Lisbon"])


FILL = """
import uuid
from conversations.models import Conversation, Message
place = Conversation.objects.get(uuid=arguments[0])
rows = [
    Message(conversation=place, role="user", state="answered", seq=100 + n, content=f"Note {n}.")
    for n in range(330)
]
rows[7].content = "The needle lies here."
Message.objects.bulk_create(rows)
Conversation.objects.filter(pk=place.pk).update(seq=500)
"""


def test_what_is_found_is_opened_where_it_was_said(talked: Page, site: Site) -> None:
    page = talked
    site.run(FILL, path(page).removeprefix("/c/"))
    page.get_by_role("link", name="Trains to Lisbon").click()

    page.keyboard.press("Control+k")
    search = page.get_by_role("searchbox", name="Search messages")
    expect(search).to_be_focused()
    search.press_sequentially("NEEDLE here")
    hit = page.get_by_role("link", name=re.compile("The needle lies here"))
    expect(hit.locator("mark")).to_have_text(["needle", "here"])
    expect(page.get_by_text("1 message found")).to_be_visible()
    hit.click()

    found = page.locator(".message").filter(has_text="The needle lies here.")
    expect(found).to_be_in_viewport()
    expect(page.locator(".message").filter(has_text="Note 6.")).to_have_count(1)
    search.press_sequentially("xyz")
    expect(page.get_by_text("Nothing found")).to_be_visible()
    search.press("Escape")
    expect(titles(page).first).to_be_visible()


def test_on_a_phone_the_list_is_a_drawer(
    talked: Page, site: Site, new_page: Callable[..., Page]
) -> None:
    phone = new_page(
        viewport={"width": 390, "height": 844},
        has_touch=True,
        storage_state=_state(talked.context),
    )
    phone.goto(site.url)
    drawer = phone.get_by_role("dialog", name="Conversations")
    expect(phone.locator(".message.user .text")).to_have_text("周末去爬山")
    expect(phone.get_by_role("navigation")).to_have_count(0)

    phone.get_by_role("button", name="Conversations").click()
    expect(drawer).to_be_visible()
    phone.keyboard.press("Escape")
    expect(drawer).not_to_be_visible()
    expect(phone.get_by_role("button", name="Conversations")).to_be_focused()
    phone.get_by_role("button", name="Conversations").click()
    drawer.get_by_role("link", name="Trains to Lisbon").tap()

    expect(drawer).not_to_be_visible()
    expect(phone.locator(".message.user .text")).to_have_text("Trains to Lisbon")


def _state(context: BrowserContext) -> object:
    return context.storage_state()
