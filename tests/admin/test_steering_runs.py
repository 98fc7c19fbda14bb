"""Retry and cancel in the admin do what they say, say what they did, and leave a trace."""

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.messages import get_messages
from django.test import Client

from scheduling.models import Run
from scheduling.states import RunState
from tests.admin.conftest import CONFIRMED, MakeRun

RUNS = "/admin/scheduling/run/"


def post(client: Client, name: str, runs: list[Run], **more: str) -> list[str]:
    data = {"action": name, "_selected_action": [run.pk for run in runs], "index": "0"} | more
    response = client.post(RUNS, data)
    assert response.status_code == 302
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_retry_puts_back_what_did_not_succeed(admin_client: Client, make_run: MakeRun) -> None:
    runs = [make_run(state) for state in ("failed", "cancelled", "skipped", "succeeded", "running")]

    said = post(admin_client, "retry", runs)

    assert [Run.objects.get(pk=run.pk).state for run in runs] == [
        *["pending"] * 3,
        "succeeded",
        "running",
    ]
    assert said[0] == "3 runs go again."
    assert said[1].startswith("2 runs were left alone")


def test_cancel_ends_what_waits_and_asks_for_what_runs(
    admin_client: Client, make_run: MakeRun
) -> None:
    waiting, running, ended = make_run(), make_run("running"), make_run("failed", error="before")

    said = post(admin_client, "cancel", [waiting, running, ended])

    assert Run.objects.get(pk=waiting.pk).state == RunState.CANCELLED
    assert Run.objects.get(pk=running.pk).cancel_requested_at is not None
    assert Run.objects.get(pk=ended.pk).error == "before"
    assert said == [
        "2 runs were cancelled, or their workers asked to stop them.",
        "1 run had ended already.",
    ]


@pytest.mark.parametrize(("name", "state"), [("retry", "failed"), ("cancel", "pending")])
def test_each_steered_run_is_logged(
    admin_client: Client, make_run: MakeRun, name: str, state: str
) -> None:
    steered, untouched = make_run(state), make_run("succeeded")

    post(admin_client, name, [steered, untouched])

    entry = LogEntry.objects.get()
    assert (entry.object_id, entry.action_flag) == (str(steered.pk), CHANGE)
    assert entry.user.username == "admin"


@pytest.mark.parametrize(("way", "state"), [("retry", "failed"), ("cancel", "pending")])
def test_a_button_asks_first_and_changes_nothing_with_a_get(
    admin_client: Client, make_run: MakeRun, way: str, state: str
) -> None:
    run = make_run(state)

    page = admin_client.get(f"{RUNS}{run.pk}/{way}/")

    assert page.status_code == 200
    assert "csrfmiddlewaretoken" in page.text
    assert Run.objects.get().state == state
    assert not LogEntry.objects.exists()


def test_a_button_steers_its_run_and_leads_back(admin_client: Client, make_run: MakeRun) -> None:
    run = make_run("failed")

    plain = admin_client.post(f"{RUNS}{run.pk}/retry/", CONFIRMED)
    scripted = admin_client.post(
        f"{RUNS}{run.pk}/cancel/", CONFIRMED, headers={"HX-Request": "true"}
    )

    assert (plain.status_code, plain["Location"]) == (303, f"{RUNS}{run.pk}/change/")
    assert scripted["HX-Redirect"] == f"{RUNS}{run.pk}/change/"
    assert Run.objects.get().state == RunState.CANCELLED
    assert LogEntry.objects.count() == 2


def test_a_button_without_a_token_is_refused(admin_user: object, make_run: MakeRun) -> None:
    run = make_run("failed")
    client = Client(enforce_csrf_checks=True)
    client.force_login(admin_user)  # type: ignore[arg-type]

    assert client.post(f"{RUNS}{run.pk}/retry/", CONFIRMED).status_code == 403
    assert Run.objects.get().state == RunState.FAILED


@pytest.mark.parametrize("state", RunState.values)
def test_a_page_offers_what_its_state_allows(
    admin_client: Client, make_run: MakeRun, state: str
) -> None:
    run = make_run(state)

    offered = admin_client.get(f"{RUNS}{run.pk}/change/").context["actions_detail"]

    allowed = {"succeeded": [], "pending": ["Cancel"], "running": ["Cancel"]}
    assert [str(button["title"]) for button in offered] == allowed.get(state, ["Retry"])


def test_a_run_that_is_gone_is_no_error(admin_client: Client, db: None) -> None:
    response = admin_client.post(f"{RUNS}77/retry/", CONFIRMED)

    assert response.status_code == 303
    assert not LogEntry.objects.exists()
