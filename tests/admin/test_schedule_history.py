"""The runs of a schedule: what became of each occurrence, and calling off the next one."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from conversations.models import Conversation
from scheduling.models import Run, Schedule
from scheduling.states import RunState
from tests.admin.conftest import CONFIRMED, MakeRun
from tests.admin.schedule_parts import SCHEDULES, add_runs, make, register

RUNS = "/admin/scheduling/run/"


@pytest.fixture(autouse=True)
def known_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


def history(client: Client, schedule: Schedule, query: str = "") -> list[Run]:
    page = client.get(f"{SCHEDULES}{schedule.pk}/runs/{query}")
    assert page.status_code == 200
    return [line["run"] for line in page.context["lines"]]


def test_each_occurrence_is_accounted_for(admin_client: Client) -> None:
    schedule = make()
    add_runs(schedule, 1)
    before = timezone.now() - timedelta(hours=1)
    add_runs(schedule, 1, "skipped", skip_reason="overlap", fire_at=before)
    earlier = before - timedelta(hours=1)
    add_runs(schedule, 1, "failed", error="out of order", requested_by="ada", fire_at=earlier)

    page = admin_client.get(f"{SCHEDULES}{schedule.pk}/runs/").text

    for text in ("Next", "Succeeded", "Skipped: overlap", "out of order", "Requested by ada"):
        assert text in page


def test_the_history_of_another_schedule_is_not_shown(admin_client: Client) -> None:
    schedule, other = make(), make()
    add_runs(other, 3)

    assert [run.is_next for run in history(admin_client, schedule)] == [True]


def test_a_long_history_comes_in_pages_without_gap_or_repetition(admin_client: Client) -> None:
    schedule = make()
    add_runs(schedule, 119)
    seen: list[int] = []
    query = ""
    for _page in range(3):
        page = admin_client.get(f"{SCHEDULES}{schedule.pk}/runs/{query}")
        seen += [line["run"].pk for line in page.context["lines"]]
        query = page.context["older"]

    assert query == ""
    assert seen == list(Run.objects.order_by("-fire_at").values_list("pk", flat=True))


@pytest.mark.parametrize("before", ["", "x", "2026-99-99T00:00:00Z", "2026-01-01", "%00"])
def test_a_page_that_is_none_is_the_first(admin_client: Client, before: str) -> None:
    schedule = make()
    add_runs(schedule, 2)

    assert len(history(admin_client, schedule, f"?before={before}")) == 3


def test_a_run_leads_to_the_messages_it_produced(
    admin_client: Client, conversation: Conversation
) -> None:
    schedule = make()
    message = conversation.messages.first()
    add_runs(schedule, 1, result={"messages": [str(message.uuid)]})

    page = admin_client.get(f"{SCHEDULES}{schedule.pk}/runs/").text

    address = f"/admin/conversations/message/?uuid__exact={message.uuid}"
    assert f'href="{address}"' in page
    shown = admin_client.get(address)
    assert [row.pk for row in shown.context["cl"].result_list] == [message.pk]


@pytest.mark.parametrize("result", [None, 7, [], {}, {"messages": 7}, {"messages": [None, {}]}])
def test_any_result_is_shown_without_links(admin_client: Client, result: object) -> None:
    schedule = make()
    add_runs(schedule, 1, result=result)

    assert len(history(admin_client, schedule)) == 2


def test_an_unknown_schedule_has_no_history(admin_client: Client) -> None:
    assert admin_client.get(f"{SCHEDULES}77/runs/").status_code == 404


# -- the list of runs ------------------------------------------------------------------------------


def test_the_list_of_runs_can_be_narrowed_to_a_schedule(
    admin_client: Client, make_run: MakeRun
) -> None:
    schedule = make()
    make_run()

    page = admin_client.get(f"{RUNS}?schedule__id__exact={schedule.pk}")

    assert [run.schedule_id for run in page.context["cl"].result_list] == [schedule.pk]
    assert "Runs of “digest”" in str(page.context["title"])


@pytest.mark.parametrize(
    ("source", "number"), [("schedule", 2), ("next", 1), ("manual", 1), ("other", 1)]
)
def test_runs_are_told_apart_by_where_they_come_from(
    admin_client: Client, make_run: MakeRun, source: str, number: int
) -> None:
    add_runs(make(), 1, requested_by="ada")
    make_run()

    page = admin_client.get(f"{RUNS}?source={source}")

    assert len(page.context["cl"].result_list) == number


@pytest.mark.parametrize("way", ["button", "list"])
def test_cancelling_the_next_occurrence_skips_that_one(admin_client: Client, way: str) -> None:
    schedule = make()
    called_off = schedule.next_run

    if way == "button":
        admin_client.post(f"{RUNS}{called_off.pk}/cancel/", CONFIRMED)
    else:
        data = {"action": "cancel", "_selected_action": [called_off.pk]}
        admin_client.post(RUNS, data)

    assert Run.objects.get(pk=called_off.pk).state == RunState.CANCELLED
    following = schedule.next_run
    assert following.fire_at == called_off.fire_at + timedelta(days=1)
    assert (following.state, following.is_next) == (RunState.PENDING, True)


def test_calling_off_the_only_occurrence_finishes_the_schedule(admin_client: Client) -> None:
    schedule = make(kind="once", at=timezone.now() + timedelta(days=1))

    admin_client.post(f"{RUNS}{schedule.next_run.pk}/cancel/", CONFIRMED)

    schedule.refresh_from_db()
    assert schedule.finished_at is not None
    assert schedule.next_run is None
