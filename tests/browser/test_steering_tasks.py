"""Steering tasks in the panel: the server decides, and the page waits for what it says."""

from fake_server import FakeSite
from playwright.sync_api import Page, expect
from tasks_page import DAILY, SOON, opened, panel, stop_clock


def test_a_task_is_paused_and_resumed_by_the_server_alone(page: Page, fake_site: FakeSite) -> None:
    socket = opened(page, fake_site, SOON, DAILY)
    pause = page.get_by_role("button", name="Pause: Stretch")
    pause.click()
    assert socket.receive("task") == {"type": "task", "number": 1, "do": "pause"}
    expect(pause).to_have_attribute("aria-disabled", "true")
    pause.press("Enter")  # waits, and asks no second time

    socket.send(type="tasks", tasks=[SOON | {"state": "paused", "next_at": None}, DAILY])
    resume = page.get_by_role("button", name="Resume: Stretch")
    expect(resume).to_be_focused()
    expect(resume).to_have_attribute("aria-disabled", "false")
    expect(page.locator("#tasks-status")).to_have_text("Paused: Stretch")
    assert socket.waiting() == []
    resume.press("Enter")

    assert socket.receive("task") == {"type": "task", "number": 1, "do": "resume"}


def test_news_of_another_task_does_not_end_the_waiting(page: Page, fake_site: FakeSite) -> None:
    socket = opened(page, fake_site, SOON, DAILY)
    pause = page.get_by_role("button", name="Pause: Stretch")
    pause.click()

    socket.send(type="tasks", tasks=[SOON, DAILY | {"words": "Every day at 09:30"}])

    expect(page.locator(".task").nth(1)).to_contain_text("09:30")
    expect(pause).to_have_attribute("aria-disabled", "true")


def test_canceling_asks_once(page: Page, fake_site: FakeSite) -> None:
    socket = opened(page, fake_site, SOON, DAILY)
    cancel = page.get_by_role("button", name="Cancel: Stretch")

    cancel.click()
    question = page.get_by_role("group", name="Cancel this task? Stretch")
    expect(question.get_by_role("button", name="No")).to_be_focused()
    page.keyboard.press("Enter")
    expect(question).to_be_hidden()
    expect(cancel).to_be_focused()
    assert socket.waiting() == []
    cancel.click()
    question.get_by_role("button", name="Yes").click()
    assert socket.receive("task") == {"type": "task", "number": 1, "do": "cancel"}
    socket.send(type="tasks", tasks=[DAILY])

    expect(page.locator(".task-text")).to_have_text(["Stand-up"])
    expect(page.locator("#tasks-status")).to_have_text("Canceled: Stretch")
    expect(page.get_by_role("heading", name="Your tasks")).to_be_focused()


def test_a_question_about_a_task_is_not_answered_for_another(
    page: Page, fake_site: FakeSite
) -> None:
    socket = opened(page, fake_site, SOON, DAILY)
    page.get_by_role("button", name="Cancel: Stretch").click()

    socket.send(type="tasks", tasks=[DAILY | {"number": 1}])

    expect(page.get_by_role("button", name="Cancel: Stand-up")).to_be_focused()
    expect(page.get_by_role("button", name="Yes")).to_be_hidden()


def test_an_error_is_shown_in_the_panel(page: Page, fake_site: FakeSite) -> None:
    socket = opened(page, fake_site, SOON)
    page.get_by_role("button", name="Pause: Stretch").click()
    socket.receive("task")

    socket.send(type="error", code="bad_frame", detail="The schedule makes no sense.")

    expect(panel(page).get_by_role("alert")).to_have_text("The schedule makes no sense.")
    expect(page.get_by_role("button", name="Pause: Stretch")).to_have_attribute(
        "aria-disabled", "false"
    )
    expect(page.locator("#problem")).to_be_hidden()


def test_a_task_that_is_gone_is_asked_about_again(page: Page, fake_site: FakeSite) -> None:
    socket = opened(page, fake_site, SOON, DAILY)
    page.get_by_role("button", name="Pause: Stretch").click()
    socket.receive("task")

    socket.send(type="error", code="not_found", detail="There is no such task.")
    socket.receive("tasks")
    socket.send(type="tasks", tasks=[DAILY])

    expect(page.locator(".task-text")).to_have_text(["Stand-up"])
    expect(panel(page).get_by_role("alert")).to_have_text("This task no longer exists.")


def test_a_task_that_moves_in_the_list_keeps_the_focus(page: Page, fake_site: FakeSite) -> None:
    socket = opened(page, fake_site, SOON, DAILY)
    cancel = page.get_by_role("button", name="Cancel: Stand-up")
    cancel.focus()

    socket.send(type="tasks", tasks=[DAILY, SOON])

    expect(page.locator(".task-text")).to_have_text(["Stand-up", "Stretch"])
    expect(cancel).to_be_focused()
    socket.send(type="tasks", tasks=[SOON, DAILY])
    expect(page.locator(".task-text")).to_have_text(["Stretch", "Stand-up"])
    expect(cancel).to_be_focused()


def test_a_lost_connection_ends_the_waiting_and_its_return_brings_the_truth(
    page: Page, fake_site: FakeSite
) -> None:
    socket = opened(page, fake_site, SOON)
    page.get_by_role("button", name="Pause: Stretch").click()
    socket.receive("task")

    socket.cut()
    expect(panel(page).get_by_role("alert")).to_contain_text("Not connected")
    fake_site.next_socket().welcome(tasks=[SOON | {"state": "paused", "next_at": None}])

    expect(page.get_by_role("button", name="Resume: Stretch")).to_be_visible()
    expect(panel(page).get_by_role("alert")).to_be_hidden()


def test_a_question_that_is_never_answered_gives_the_buttons_back(
    page: Page, fake_site: FakeSite
) -> None:
    stop_clock(page)
    socket = opened(page, fake_site, DAILY)
    pause = page.get_by_role("button", name="Pause: Stand-up")
    pause.click()
    socket.receive("task")
    expect(pause).to_have_attribute("aria-disabled", "true")

    page.clock.run_for(10_500)

    expect(pause).to_have_attribute("aria-disabled", "false")
    expect(panel(page).get_by_role("alert")).to_be_visible()
