"""The panel of one's own tasks: what is set up here, when it is next, for everyone."""

import re
from collections.abc import Callable

import pytest
from fake_server import FakeSite, reply, task, user_message
from playwright.sync_api import Page, expect
from tasks_page import DAILY, PAUSED, SOON, opened, panel, stop_clock
from test_accessibility import LOOKS, SCREENS, violations

from tests.harness.site import Site

# -- what it shows ---------------------------------------------------------------------------------


def test_the_server_is_told_the_readers_time_zone(
    new_page: Callable[..., Page], fake_site: FakeSite
) -> None:
    page = new_page(timezone_id="America/Lima")

    page.goto(fake_site.url)

    assert fake_site.next_socket().query["timezone"] == "America/Lima"


def test_the_button_counts_the_tasks_and_nothing_moves(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome(user_message(1, state="answered"))
    button = page.get_by_role("button", name="Your tasks", exact=True)
    expect(button).to_have_text("")
    places = [page.locator(place).bounding_box() for place in ("#connection", ".message")]

    socket.send(type="tasks", tasks=[SOON, DAILY, PAUSED])
    button = page.get_by_role("button", name="Your tasks (3)")
    expect(button).to_have_text("3")
    button.click()
    expect(panel(page)).to_be_visible()

    assert places == [page.locator(place).bounding_box() for place in ("#connection", ".message")]


def test_a_task_shows_its_next_time_by_the_readers_clock(
    new_page: Callable[..., Page], fake_site: FakeSite
) -> None:
    page = new_page(timezone_id="Asia/Shanghai")
    stop_clock(page)

    later = task(2, "Call", next_at="2026-03-03T16:30:00Z")
    opened(page, fake_site, SOON, later)

    first, second = page.locator(".task").all()
    expect(first.get_by_role("heading", name="Stretch")).to_be_visible()
    expect(first.locator("time")).to_have_attribute("datetime", "2026-03-02T18:30:00Z")
    expect(first.locator("time")).to_have_text("2:30")
    expect(second.locator("time")).to_have_text("Wed 4 Mar, 0:30")
    expect(second).to_contain_text("Every day at 09:00")


def test_the_time_left_counts_down(page: Page, fake_site: FakeSite) -> None:
    stop_clock(page)
    near = task(4, "Near", next_at="2026-03-02T18:27:32Z")
    far = task(5, "Far", next_at="2026-03-09T01:00:00Z")
    opened(page, fake_site, near, SOON, DAILY, far)
    left = page.locator(".task-distance")

    expect(left).to_have_text(["in 12 sec", "in 3 min", "in 15 hr", "in 7 days"])
    page.clock.run_for(11_000)
    expect(left).to_have_text(["in 1 sec", "in 2 min", "in 15 hr", "in 7 days"])
    page.clock.run_for(1_000)

    expect(left.first).to_have_text("now")


def test_a_paused_task_says_why_and_has_no_next_time(page: Page, fake_site: FakeSite) -> None:
    opened(page, fake_site, PAUSED)

    expect(page.locator(".task-reason")).to_have_text("Paused: Three failures in a row.")
    expect(page.locator(".task time, .task-distance").first).to_be_hidden()
    expect(page.get_by_role("button", name="Resume: Plants")).to_be_visible()


def test_a_time_that_is_over_without_news_is_asked_about(page: Page, fake_site: FakeSite) -> None:
    stop_clock(page)
    socket = opened(page, fake_site, task(1, next_at="2026-03-02T18:27:25Z"))
    page.clock.run_for(6_000)
    assert socket.waiting() == []

    page.clock.run_for(3_000)

    assert socket.receive("tasks") == {"type": "tasks"}


def test_a_task_is_shown_as_text(page: Page, fake_site: FakeSite) -> None:
    opened(page, fake_site, task(1, "<img src=x onerror=alert(1)>"))

    expect(page.locator(".task-text")).to_have_text("<img src=x onerror=alert(1)>")


def test_a_server_without_tasks_is_no_problem(page: Page, fake_site: FakeSite) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket()
    socket.send(
        type="welcome", conversation="8d1c6b1e-7d0f-4f0a-9c9a-0d5f3c1a2b3c", seq=0, token=""
    )
    socket.receive("tasks")
    socket.send(type="error", code="unknown_type", detail="")
    socket.send(type="message", **user_message(1, state="answered"))
    expect(page.locator(".message")).to_be_visible()

    expect(page.locator("#problem")).to_be_hidden()
    page.get_by_role("button", name="Your tasks").click()
    socket.receive("tasks")
    socket.send(type="error", code="unknown_type", detail="")

    expect(panel(page).get_by_role("alert")).to_contain_text("older than this page")


# -- opening and closing ---------------------------------------------------------------------------


def test_escape_takes_back_the_question_then_closes_and_stops_no_answer(
    page: Page, fake_site: FakeSite
) -> None:
    socket = opened(page, fake_site, SOON)
    socket.send(type="message", **user_message(1, state="answering"))
    expect(page.locator("#stop")).to_be_visible()
    page.get_by_role("button", name="Cancel: Stretch").click()

    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Yes")).to_be_hidden()
    expect(panel(page)).to_be_visible()
    page.keyboard.press("Escape")
    expect(panel(page)).to_be_hidden()

    expect(page.get_by_role("button", name="Your tasks")).to_be_focused()
    assert socket.waiting() == []


def test_the_focus_stays_in_the_panel(page: Page, fake_site: FakeSite) -> None:
    opened(page, fake_site, SOON)

    for _ in range(12):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement.closest('.app') === null")


@pytest.mark.parametrize("way", ["button", "beside"])
def test_it_is_closed_by_its_button_and_by_a_click_beside_it(
    page: Page, fake_site: FakeSite, way: str
) -> None:
    opened(page, fake_site, SOON)
    page.locator(".task-text").click()
    expect(panel(page)).to_be_visible()

    if way == "button":
        panel(page).get_by_role("button", name="Close").click()
    else:
        page.mouse.click(40, 300)

    expect(panel(page)).to_be_hidden()
    expect(page.get_by_role("button", name="Your tasks")).to_be_focused()


@pytest.mark.parametrize(
    ("locale", "examples"),
    [
        ("en-US", ["/remind in 10m stretch", "/remind daily 09:00 stand-up"]),
        ("zh-CN", ["/提醒 10分钟后 喝水", "/提醒 每天9:00 站会"]),
    ],
)
def test_without_tasks_it_shows_how_to_make_one(
    new_page: Callable[..., Page], fake_site: FakeSite, locale: str, examples: list[str]
) -> None:
    page = new_page(locale=locale)
    page.goto(fake_site.url)
    fake_site.next_socket().welcome()

    for example in examples:
        page.locator("#tasks-open").click()
        page.locator("#tasks").get_by_role("button", name=example).click()
        expect(page.locator("#tasks")).to_be_hidden()
        expect(page.locator("#draft")).to_be_focused()
        assert page.locator("#draft").input_value() == example
        page.locator("#draft").fill("")


# -- in the transcript -----------------------------------------------------------------------------


def test_what_a_task_says_has_a_clock_and_an_answer_has_none(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    asked, text = user_message(1, "/remind in 10s stretch", state="answered"), "Done.\nNext: 9:00"
    html = "<p>Done.<br>\nNext: 9:00</p>"
    fake_site.next_socket().welcome(
        asked, reply(2, text, html=html, reply_to="user-1"), reply(3, "Stretch")
    )

    answer, said = page.locator(".message.assistant").all()
    expect(said.locator(".unasked")).to_have_text("Scheduled task")
    expect(said.locator(".unasked use")).to_have_attribute("href", "#icon-clock")
    expect(answer.locator(".unasked")).to_have_count(0)
    assert answer.locator(".text").inner_text() == text


# -- for everyone ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("scheme", "screen", "locale"), LOOKS)
def test_axe_finds_nothing_in_the_panel(
    new_page: Callable[..., Page], fake_site: FakeSite, scheme: str, screen: str, locale: str
) -> None:
    width, height = SCREENS[screen]
    page = new_page(
        locale=locale,
        color_scheme=scheme,
        viewport={"width": width, "height": height},
        reduced_motion="reduce",
    )
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()
    page.locator("#tasks-open").click()
    expect(page.locator("#tasks-none")).to_be_visible()
    assert violations(page) == []

    long = task(4, "x" * 300, words="Every day at 09:00 " * 5, timezone="America/New_York")
    socket.send(type="tasks", tasks=[SOON, DAILY, PAUSED, long])
    page.locator(".task .cancel").first.click()
    socket.send(type="error", code="unavailable", detail="")

    expect(page.locator(".task-question").first).to_be_visible()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("#tasks").evaluate("box => box.scrollWidth <= box.clientWidth")


@pytest.mark.parametrize(
    ("locale", "command", "badge"),
    [
        ("en-GB", "/remind daily 9:00 stretch", "Your tasks (1)"),
        ("zh-CN", "/提醒 每天9:00 喝水", "你的任务（1）"),
    ],
)
def test_a_reminder_is_paused_resumed_and_canceled_on_a_real_site(
    new_page: Callable[..., Page], site: Site, locale: str, command: str, badge: str
) -> None:
    page = new_page(locale=locale, timezone_id="Asia/Shanghai")
    page.goto(site.url)
    page.get_by_role("textbox").fill(command)
    page.keyboard.press("Enter")

    page.get_by_role("button", name=badge).click()
    steer = page.locator(".task .button").first
    page.locator(".task .pause").click()
    expect(page.locator(".task")).to_have_attribute("data-state", "paused")
    steer.click()
    expect(page.locator(".task")).to_have_attribute("data-state", "enabled")
    # With the day before it, where it is past nine there.
    expect(page.locator(".task time")).to_have_text(re.compile(r"\b9:00$"))
    page.locator(".task .cancel").click()
    page.locator(".task .yes").click()

    expect(page.locator(".task")).to_have_count(0)
    expect(page.locator("#tasks-none")).to_be_visible()
    expect(page.locator("#tasks-problem")).to_be_hidden()
