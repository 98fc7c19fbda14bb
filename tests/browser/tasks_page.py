"""The panel of tasks as the tests open it, and the tasks they put into it."""

import datetime as dt

from fake_server import FakeSite, FakeSocket, task
from playwright.sync_api import Locator, Page, expect

NOW = dt.datetime(2026, 3, 2, 18, 27, 20, tzinfo=dt.UTC)
SOON = task(1, "Stretch", words="Today at 18:30", next_at="2026-03-02T18:30:00Z")
DAILY = task(2, "Stand-up", words="Every day at 09:00", next_at="2026-03-03T09:00:00Z")
PAUSED = task(3, "Plants", next_at=None, state="paused", reason="Three failures in a row.")


def stop_clock(page: Page) -> None:
    page.clock.install(time=NOW - dt.timedelta(minutes=1))
    page.goto("about:blank")
    page.clock.pause_at(NOW)


def panel(page: Page) -> Locator:
    return page.get_by_role("dialog", name="Your tasks")


def opened(page: Page, site: FakeSite, *tasks: dict[str, object]) -> FakeSocket:
    """Open the page and its panel, and answer what both ask."""
    page.goto(site.url)
    socket = site.next_socket().welcome(tasks=tasks)
    page.get_by_role("button", name="Your tasks").click()
    socket.receive("tasks")
    socket.send(type="tasks", tasks=list(tasks))
    expect(panel(page)).to_be_visible()
    return socket
