"""In a real browser the form of a schedule says in words what is typed, and the list shows it."""

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.harness.site import Site

SET_UP = """
from conversations.models import Conversation, User
name = arguments[0]
User.objects.filter(username=name).delete()
User.objects.create_superuser(name, password="correct horse")
Conversation.objects.get_or_create(
    channel="web", address="visitor-1", defaults={"participant": "visitor:1", "title": "Renewal"}
)
"""
SCHEDULES = "/admin/scheduling/schedule/"


@pytest.fixture
def admin_page(site: Site, new_page: Callable[..., Page], request: pytest.FixtureRequest) -> Page:
    """A page that is signed in to the admin; any error on its console fails the test."""
    site.run(SET_UP, "root")
    page = new_page(**getattr(request, "param", {}))
    page.goto(f"{site.url}/admin/login/?next={SCHEDULES}add/")
    page.fill("[name=username]", "root")
    page.fill("[name=password]", "correct horse")
    page.click("button[type=submit]")
    page.wait_for_url(f"**{SCHEDULES}add/")
    return page


def test_the_preview_follows_what_is_typed(admin_page: Page) -> None:
    words, times = (
        admin_page.locator(".botflow-preview-words"),
        admin_page.locator("#schedule-preview li"),
    )

    admin_page.fill("[name=expression]", "0 9 * * 1-5")
    expect(words).to_have_text("At 09:00, Monday to Friday")
    expect(times).to_have_count(5)

    admin_page.fill("[name=expression]", "61 9 * * *")
    expect(words).to_contain_text("Cron expression: ")
    expect(times).to_have_count(0)

    admin_page.get_by_label("At an interval").check()
    admin_page.fill("[name=every_number]", "90")
    expect(words).to_contain_text("Every 1 hour 30 minutes")


def test_only_the_fields_of_the_kind_are_shown(admin_page: Page) -> None:
    at, expression = admin_page.locator("[name=at]"), admin_page.locator("[name=expression]")

    expect(at).to_be_hidden()
    admin_page.get_by_label("Once", exact=True).check()
    expect(at).to_be_visible()
    expect(expression).to_be_hidden()
    expect(admin_page.locator("[name=start_at]")).to_be_hidden()

    admin_page.get_by_label("Cron expression", exact=True).first.check()
    expect(at).to_be_hidden()
    expect(expression).to_be_visible()


def test_the_zone_is_searched_for_and_changes_the_preview(admin_page: Page) -> None:
    admin_page.fill("[name=expression]", "0 9 * * *")
    admin_page.click(".field-timezone .select2-selection")
    admin_page.fill(".select2-search__field", "tokyo")
    admin_page.press(".select2-search__field", "Enter")

    expect(admin_page.locator("#schedule-preview li").first).to_contain_text("UTC+09:00")


def test_the_fields_of_an_action_come_back_as_they_were(admin_page: Page) -> None:
    action, text = admin_page.locator("[name=action]"), admin_page.locator("[name=args-text]")

    action.select_option("conversations.send_text")
    text.fill("Good morning")
    action.select_option("conversations.ask")
    expect(admin_page.locator("[name=args-prompt]")).to_be_visible()
    expect(text).to_have_count(0)
    action.select_option("conversations.send_text")

    expect(text).to_have_value("Good morning")


def test_a_schedule_is_made_seen_in_the_list_and_paused(admin_page: Page) -> None:
    admin_page.fill("[name=name]", "Weekday briefing")
    admin_page.fill("[name=expression]", "0 9 * * 1-5")
    admin_page.select_option("[name=action]", "conversations.send_text")
    admin_page.locator("[name=args-conversation]").select_option(index=1)
    admin_page.fill("[name=args-text]", "Good morning")
    admin_page.click("[name=_save]")
    admin_page.wait_for_url(f"**{SCHEDULES}")

    row = admin_page.locator("#result_list tbody", has_text="Weekday briefing").first
    expect(row).to_contain_text("At 09:00, Monday to Friday")
    row.get_by_role("link", name="Weekday briefing").click()
    admin_page.get_by_role("link", name="Pause").click()
    admin_page.locator("#dialog [name=reason]").fill("on holiday")
    admin_page.locator("#dialog button[type=submit]").click()

    expect(admin_page.locator(".botflow-glance")).to_contain_text("on holiday")


@pytest.mark.parametrize(
    "admin_page",
    [{"viewport": {"width": 390, "height": 800}, "timezone_id": "Asia/Tokyo"}],
    indirect=True,
)
def test_the_timeline_begins_at_now_on_a_phone(admin_page: Page, site: Site) -> None:
    admin_page.goto(f"{site.url}{SCHEDULES}timeline/")

    now = admin_page.locator(".botflow-timeline").evaluate(
        "box => box.scrollLeft > 0 || box.scrollWidth <= box.clientWidth"
    )
    assert now
    expect(admin_page.get_by_role("link", name="Asia/Tokyo")).to_be_visible()
