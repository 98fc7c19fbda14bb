"""Behind a slash the composer offers the commands, and never stands in the way of sending."""

from collections.abc import Callable

import pytest
from fake_server import FakeSite, FakeSocket, user_message
from playwright.sync_api import Locator, Page, expect
from test_accessibility import LOOKS, SCREENS, violations

from conversations.chat_texts import COMMANDS
from conversations.commands.parsing import parse_command

COMPOSING = """(field, text) => {
  field.dispatchEvent(new CompositionEvent("compositionstart"));
  field.value = text;
  field.dispatchEvent(new InputEvent("input", {isComposing: true}));
  const key = {key: "Enter", isComposing: true, bubbles: true, cancelable: true};
  field.dispatchEvent(new KeyboardEvent("keydown", key));
}"""
COMPOSED = """(field, text) => {
  field.value = text;
  field.dispatchEvent(new CompositionEvent("compositionend", {data: text}));
}"""


def opened(page: Page, site: FakeSite) -> FakeSocket:
    page.goto(site.url)
    return site.next_socket().welcome()


def options(page: Page) -> Locator:
    return page.get_by_role("option")


def draft(page: Page) -> Locator:
    return page.locator("#draft")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_spelling_that_is_offered_is_understood(name: str) -> None:
    for spelling in COMMANDS[name]:
        command = parse_command(f"{spelling} 1")

        assert command and command.name == name


@pytest.mark.parametrize(("locale", "place"), [("en-US", 0), ("zh-CN", 1)])
def test_a_slash_offers_every_command_in_the_pages_language(
    new_page: Callable[..., Page], fake_site: FakeSite, locale: str, place: int
) -> None:
    page = new_page(locale=locale)
    opened(page, fake_site)

    draft(page).press_sequentially("/")

    names = [spellings[place] for spellings in COMMANDS.values()]
    expect(page.locator(".command b")).to_have_text(names)
    expect(options(page).first).to_have_attribute("aria-selected", "true")


@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        ("/re", ["/remind", "/resume"]),
        ("／P", ["/pause"]),
        ("/取", ["/取消"]),
        ("/usr/bin", []),
        ("/etc", []),
        ("/remind ", []),
        ("a /", []),
        ("//", []),
    ],
)
def test_what_is_typed_narrows_them(
    page: Page, fake_site: FakeSite, typed: str, offered: list[str]
) -> None:
    opened(page, fake_site)

    draft(page).press_sequentially(typed)

    expect(page.locator(".command b")).to_have_text(offered)


def test_keys_choose_and_the_focus_stays(page: Page, fake_site: FakeSite) -> None:
    socket = opened(page, fake_site)

    draft(page).press_sequentially("/")
    expect(draft(page)).to_have_attribute("aria-activedescendant", "command-remind")
    draft(page).press("ArrowUp")
    expect(draft(page)).to_have_attribute("aria-activedescendant", "command-help")
    draft(page).press("ArrowDown")
    draft(page).press("ArrowDown")
    draft(page).press("Enter")
    assert draft(page).input_value() == "/tasks"
    expect(options(page)).to_have_count(0)
    draft(page).press("Enter")

    assert socket.receive("message")["content"] == "/tasks"


def test_tab_completes_and_waits_for_the_rest(page: Page, fake_site: FakeSite) -> None:
    socket = opened(page, fake_site)

    draft(page).press_sequentially("/rem")
    draft(page).press("Tab")
    draft(page).press_sequentially("in 10m stretch")
    expect(draft(page)).to_be_focused()
    draft(page).press("Enter")

    assert socket.receive("message")["content"] == "/remind in 10m stretch"


def test_a_click_chooses(page: Page, fake_site: FakeSite) -> None:
    opened(page, fake_site)

    draft(page).press_sequentially("/")
    options(page).filter(has_text="/cancel").click()

    expect(draft(page)).to_be_focused()
    assert draft(page).input_value() == "/cancel "
    expect(options(page)).to_have_count(0)


@pytest.mark.parametrize("content", ["/tasks", "/TASKS", "／任务", "/usr/bin", "/remind me", "/"])
def test_what_is_written_out_is_sent(page: Page, fake_site: FakeSite, content: str) -> None:
    socket = opened(page, fake_site)

    draft(page).press_sequentially(content)
    if content == "/":
        draft(page).press("Escape")
    draft(page).press("Enter")

    assert socket.receive("message")["content"] == content
    expect(options(page)).to_have_count(0)


def test_the_send_button_sends_what_is_there(page: Page, fake_site: FakeSite) -> None:
    socket = opened(page, fake_site)

    draft(page).press_sequentially("/he")
    page.get_by_role("button", name="Send").click()

    assert socket.receive("message")["content"] == "/he"


def test_escape_closes_the_list_and_stops_no_answer(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome(user_message(1, state="answering"))
    expect(page.locator("#stop")).to_be_visible()
    draft(page).press_sequentially("/")
    expect(options(page)).to_have_count(len(COMMANDS))

    draft(page).press("Escape")
    expect(options(page)).to_have_count(0)
    assert socket.waiting() == []
    draft(page).press("Escape")

    assert socket.receive("stop") == {"type": "stop"}


def test_an_input_method_is_left_alone(new_page: Callable[..., Page], fake_site: FakeSite) -> None:
    page = new_page(locale="zh-CN")
    socket = opened(page, fake_site)
    draft(page).press_sequentially("/")
    expect(options(page)).to_have_count(len(COMMANDS))

    draft(page).evaluate(COMPOSING, "/ti'xing")
    expect(options(page)).to_have_count(len(COMMANDS))
    assert draft(page).input_value() == "/ti'xing"
    draft(page).evaluate(COMPOSED, "/提")

    expect(page.locator(".command b")).to_have_text(["/提醒"])
    assert socket.waiting() == []


def test_it_is_gone_when_the_field_is_left(page: Page, fake_site: FakeSite) -> None:
    opened(page, fake_site)
    draft(page).press_sequentially("/")
    expect(options(page)).to_have_count(len(COMMANDS))

    draft(page).blur()

    expect(options(page)).to_have_count(0)


@pytest.mark.parametrize(("scheme", "screen", "locale"), LOOKS)
def test_axe_finds_nothing_in_the_list(
    new_page: Callable[..., Page], fake_site: FakeSite, scheme: str, screen: str, locale: str
) -> None:
    width, height = SCREENS[screen]
    page = new_page(
        locale=locale,
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
    )
    opened(page, fake_site)
    before = page.locator("#welcome").bounding_box()

    draft(page).press_sequentially("/")
    expect(options(page)).to_have_count(len(COMMANDS))

    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("#welcome").bounding_box() == before
