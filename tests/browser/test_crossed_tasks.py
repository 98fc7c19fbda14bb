"""Two `tasks` frames may cross on their way: the page keeps the newer, whichever comes last."""

from fake_server import FakeSite, task, user_message
from playwright.sync_api import Page, expect


def test_an_older_list_of_tasks_that_comes_late_is_not_shown(
    page: Page, fake_site: FakeSite
) -> None:
    page.goto(fake_site.url)
    socket = fake_site.next_socket().welcome()

    socket.send(type="tasks", seq=7, tasks=[task(1)])
    socket.send(type="tasks", seq=6, tasks=[])
    socket.send(type="message", **user_message(1, content="after both"))

    expect(page.get_by_text("after both")).to_be_visible()
    expect(page.get_by_role("button", name="Your tasks (1)")).to_be_visible()
    socket.send(type="tasks", seq=8, tasks=[])
    expect(page.get_by_role("button", name="Your tasks", exact=True)).to_be_visible()
