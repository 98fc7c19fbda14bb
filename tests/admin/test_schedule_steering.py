"""Pause, resume, run now and duplicate ask first, need their permission, and leave a trace."""

from datetime import UTC, datetime

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from scheduling import planning
from scheduling.models import Run, Schedule
from tests.admin.conftest import CONFIRMED, SignIn
from tests.admin.schedule_parts import SCHEDULES, make, register, said

STEPS = ("pause", "resume", "run_now", "duplicate")
BUTTONS = ("pause", "resume", "run", "duplicate")
ALL = ("view_schedule", "pause_schedule", "run_schedule", "add_schedule", "change_schedule")


@pytest.fixture(autouse=True)
def known_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def post(client: Client, name: str, schedules: list[Schedule], **more: str) -> object:
    selected = [schedule.pk for schedule in schedules]
    return client.post(SCHEDULES, {"action": name, "_selected_action": selected} | more)


def notes(schedule: Schedule) -> list[str]:
    entries = LogEntry.objects.filter(object_id=str(schedule.pk)).order_by("pk")
    return [entry.get_change_message() for entry in entries]


def state() -> tuple[int, int, int]:
    """Return what steering changes: enabled schedules, all schedules, runs."""
    enabled = Schedule.objects.filter(enabled=True).count()
    return enabled, Schedule.objects.count(), Run.objects.count()


# -- from the list ---------------------------------------------------------------------------------


@pytest.mark.parametrize("step", STEPS)
def test_the_list_asks_first_and_names_what_is_selected(admin_client: Client, step: str) -> None:
    schedules = [make(name="morning"), make(name="evening")]
    before = state()

    page = post(admin_client, step, schedules)

    assert page.status_code == 200
    assert "morning" in page.text
    assert "evening" in page.text
    assert ('name="reason"' in page.text) == (step == "pause")
    assert state() == before
    assert not LogEntry.objects.exists()


def test_pausing_keeps_the_reason(admin_client: Client) -> None:
    schedules = [make(), make()]

    answer = post(admin_client, "pause", schedules, confirmed="yes", reason="on holiday")

    assert said(answer) == ["2 schedules are paused."]
    for schedule in Schedule.objects.all():
        assert (schedule.enabled, schedule.paused_by) == (False, "admin")
        assert schedule.paused_reason == "on holiday"
        assert notes(schedule) == ["Paused: on holiday"]


def test_resuming_leaves_those_alone_that_are_not_paused(admin_client: Client) -> None:
    paused, running = make(name="paused"), make(name="running")
    planning.pause(paused, now=timezone.now())

    answer = post(admin_client, "resume", [paused, running], confirmed="yes")

    assert said(answer) == [
        "1 schedule goes on.",
        "1 was left alone. running: It is not paused.",
    ]
    assert Schedule.objects.filter(enabled=True).count() == 2
    assert (notes(paused), notes(running)) == (["Resumed."], [])


def test_a_broken_definition_is_not_resumed(admin_client: Client) -> None:
    schedule = make()
    planning.pause(schedule, now=timezone.now())
    Schedule.objects.update(expression="61 * * * *")

    answer = post(admin_client, "resume", [schedule], confirmed="yes")

    assert "61" in said(answer)[0]
    assert not Schedule.objects.get().enabled


def test_running_now_queues_a_run_that_names_who_asked(admin_client: Client) -> None:
    schedule = make()

    post(admin_client, "run_now", [schedule], confirmed="yes")

    run = Run.objects.get(is_next=False)
    assert (run.schedule, run.requested_by) == (schedule, "admin")
    assert notes(schedule) == [f"Run now: run #{run.pk}."]


def test_a_copy_is_paused_and_belongs_to_the_site(admin_client: Client) -> None:
    schedule = make(owner="conversation:1", number=3, jitter_seconds=7)

    post(admin_client, "duplicate", [schedule], confirmed="yes")

    copy = Schedule.objects.exclude(pk=schedule.pk).get()
    assert (copy.name, copy.expression, copy.jitter_seconds) == ("digest (copy)", "0 9 * * *", 7)
    assert (copy.is_paused, copy.owner, copy.number, copy.next_run) == (True, "", None, None)
    assert notes(copy) == [f"A copy of “digest” #{schedule.pk}."]
    assert notes(schedule) == [f"Duplicated as “digest (copy)” #{copy.pk}."]


def test_a_single_time_of_the_past_is_not_duplicated(admin_client: Client) -> None:
    schedule = make(kind="once", at=datetime(2098, 1, 1, tzinfo=UTC))
    Schedule.objects.update(at=datetime(2020, 1, 1, tzinfo=UTC))

    answer = post(admin_client, "duplicate", [schedule], confirmed="yes")

    assert "in the past" in said(answer)[0]
    assert Schedule.objects.count() == 1


# -- from a schedule's page ------------------------------------------------------------------------


@pytest.mark.parametrize("button", BUTTONS)
def test_a_button_asks_first_and_changes_nothing_with_a_get(
    admin_client: Client, button: str
) -> None:
    schedule = make()
    before = state()

    page = admin_client.get(f"{SCHEDULES}{schedule.pk}/{button}/")

    assert page.status_code == 200
    assert "csrfmiddlewaretoken" in page.text
    assert state() == before


def test_a_button_pauses_with_a_reason_and_leads_back(admin_client: Client) -> None:
    schedule = make()
    page = f"{SCHEDULES}{schedule.pk}/"

    answer = admin_client.post(page + "pause/", CONFIRMED | {"reason": "on holiday"})

    assert (answer.status_code, answer["Location"]) == (303, page + "change/")
    assert Schedule.objects.get().paused_reason == "on holiday"


def test_a_button_leads_to_the_copy(admin_client: Client) -> None:
    schedule = make()

    headers = {"HX-Request": "true"}
    answer = admin_client.post(f"{SCHEDULES}{schedule.pk}/duplicate/", CONFIRMED, headers=headers)

    copy = Schedule.objects.exclude(pk=schedule.pk).get()
    assert answer["HX-Redirect"] == f"{SCHEDULES}{copy.pk}/change/"


@pytest.mark.parametrize("pk", ["77", "0", "x", "9" * 30])
@pytest.mark.parametrize("button", BUTTONS)
def test_a_schedule_that_is_gone_is_no_error(admin_client: Client, pk: str, button: str) -> None:
    assert admin_client.post(f"{SCHEDULES}{pk}/{button}/", CONFIRMED).status_code == 303
    assert admin_client.get(f"{SCHEDULES}{pk}/change/").status_code == 302


@pytest.mark.parametrize(
    ("becomes", "offered"),
    [
        ("enabled", ["Pause", "Run now", "Duplicate"]),
        ("paused", ["Resume", "Run now", "Duplicate"]),
        ("finished", ["Run now", "Duplicate"]),
    ],
)
def test_a_page_offers_what_its_state_allows(
    admin_client: Client, becomes: str, offered: list[str]
) -> None:
    schedule = make()
    if becomes == "paused":
        planning.pause(schedule, now=timezone.now())
    if becomes == "finished":
        Schedule.objects.update(enabled=False, finished_at=timezone.now())

    page = admin_client.get(f"{SCHEDULES}{schedule.pk}/change/")

    assert [str(button["title"]) for button in page.context["actions_detail"]] == offered


# -- who may ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "button", "permission"),
    [
        ("pause", "pause", "pause_schedule"),
        ("resume", "resume", "pause_schedule"),
        ("run_now", "run", "run_schedule"),
        ("duplicate", "duplicate", "add_schedule"),
    ],
)
def test_each_step_needs_its_own_permission_and_that_to_view(
    sign_in: SignIn, step: str, button: str, permission: str
) -> None:
    schedule = make()
    others = [f"scheduling.{name}" for name in ALL if name != permission]
    before = state()

    for client in (sign_in(*others), sign_in(f"scheduling.{permission}")):
        post(client, step, [schedule], confirmed="yes")
        answer = client.post(f"{SCHEDULES}{schedule.pk}/{button}/", CONFIRMED)

        assert answer.status_code == 403
        assert state() == before

    allowed = sign_in("scheduling.view_schedule", f"scheduling.{permission}")
    assert allowed.post(f"{SCHEDULES}{schedule.pk}/{button}/", CONFIRMED).status_code == 303


@pytest.mark.parametrize("page", ["", "1/change/", "1/runs/", "timeline/", "add/", "1/delete/"])
def test_staff_without_permissions_see_nothing(sign_in: SignIn, page: str) -> None:
    make(pk=1)

    assert sign_in().get(SCHEDULES + page).status_code == 403


@pytest.mark.parametrize("page", ["1/runs/", "timeline/"])
@pytest.mark.parametrize("permission", ["view_schedule", "view_run"])
def test_runs_are_shown_to_those_who_may_view_both(
    sign_in: SignIn, page: str, permission: str
) -> None:
    make(pk=1)

    assert sign_in(f"scheduling.{permission}").get(SCHEDULES + page).status_code == 403
    both = sign_in("scheduling.view_schedule", "scheduling.view_run")
    assert both.get(SCHEDULES + page).status_code == 200


@pytest.mark.parametrize("page", ["1/runs/", "timeline/", "1/pause/", "1/run/"])
def test_strangers_are_sent_to_sign_in(client: Client, db: None, page: str) -> None:
    answer = client.get(SCHEDULES + page)

    assert answer["Location"] == f"/admin/login/?next={SCHEDULES}{page}"


def test_a_button_without_a_token_is_refused(admin_user: object) -> None:
    schedule = make()
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)  # type: ignore[arg-type]

    assert client.post(f"{SCHEDULES}{schedule.pk}/pause/", CONFIRMED).status_code == 403
    assert Schedule.objects.get().enabled
