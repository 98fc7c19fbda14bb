"""While one types the server says in words what was typed, or which field cannot be understood."""

from datetime import UTC, datetime
from typing import Any

import pytest
from django.test import Client

from scheduling.models import Run, Schedule
from tests.admin.conftest import SignIn
from tests.admin.schedule_parts import SCHEDULES, make, register

PREVIEW = SCHEDULES + "preview/"
FIELDS = SCHEDULES + "action-form/"
CRON = {"kind": "cron", "timezone": "Europe/Berlin", "expression": "30 9 * * *"}


@pytest.fixture(autouse=True)
def known_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


@pytest.fixture
def spring(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is two days before clocks are put forward in Berlin."""
    noon = datetime(2026, 3, 27, 12, tzinfo=UTC)
    monkeypatch.setattr("scheduling.clock.now", lambda: noon)


def ask(client: Client, **fields: str) -> dict[str, Any]:
    response = client.get(PREVIEW, CRON | fields)
    assert response.status_code == 200
    return dict(response.json())


def test_the_next_times_are_told_in_the_zone_with_its_offset(
    admin_client: Client, spring: None
) -> None:
    answer = ask(admin_client)

    assert answer["words"] == "At 09:30 every day"
    assert answer["zone"] == "Europe/Berlin"
    told = [(t["date"], t["weekday"], t["time"], t["offset"]) for t in answer["times"]]
    assert told[:2] == [
        ("2026-03-28", "Sat", "09:30:00", "UTC+01:00"),
        ("2026-03-29", "Sun", "09:30:00", "UTC+02:00"),
    ]
    assert len(told) == 5
    assert answer["times"][0]["relative"] == "in 20 h 30 min"


def test_the_words_are_in_the_language_of_the_reader(admin_client: Client) -> None:
    answer = admin_client.get(PREVIEW, CRON, headers={"Accept-Language": "zh-hans"}).json()

    assert answer["words"] == "每天 09:30"


@pytest.mark.parametrize(
    ("fields", "wrong", "label"),
    [
        ({"expression": "61 * * * *"}, "expression", "Cron expression"),
        ({"expression": "* " * 3000}, "expression", "Cron expression"),
        ({"expression": "0 0 30 2 *"}, "expression", "Cron expression"),
        ({"expression": "\0"}, "expression", "Cron expression"),
        ({"expression": "<script>alert(1)</script>"}, "expression", "Cron expression"),
        ({"timezone": "\ud800".encode("utf-16", "surrogatepass").hex()}, "timezone", "Time zone"),
        ({"timezone": "/etc/passwd"}, "timezone", "Time zone"),
        ({"kind": "sometimes"}, "kind", "Kind"),
        ({"kind": "interval", "every_number": "1e400", "every_unit": "days"}, "every", "Every"),
        ({"kind": "interval", "every_number": "NaN", "every_unit": "days"}, "every", "Every"),
        ({"kind": "once", "at": "9999-12-31T23:59:59"}, "at", "At"),
        ({"kind": "once", "at": "0001-01-01T00:00:00"}, "at", "At"),
        ({"kind": "once", "at": "٢٠٢٦-٠٣-٠٤"}, "at", "At"),
    ],
)
def test_bad_input_is_answered_with_the_field_and_a_sentence(
    admin_client: Client, fields: dict[str, str], wrong: str, label: str
) -> None:
    if wrong == "at" and fields["at"].startswith("9999"):
        fields = fields | {"timezone": "America/New_York"}

    (error,) = ask(admin_client, **fields)["errors"]

    assert (error["field"], error["label"]) == (wrong, label)
    assert error["message"]


def test_nothing_at_all_is_no_error_of_the_server(admin_client: Client) -> None:
    assert admin_client.get(PREVIEW).json()["errors"]


def test_a_preview_stores_nothing(admin_client: Client) -> None:
    schedule = make()

    ask(admin_client, expression="* * * * *", schedule=str(schedule.pk))

    assert Schedule.objects.get().expression == "0 9 * * *"
    assert Run.objects.count() == 1


@pytest.mark.parametrize("pk", ["0", "-1", "x", "9" * 30, "٣"])
def test_a_schedule_that_is_none_is_no_error(admin_client: Client, pk: str) -> None:
    assert ask(admin_client, schedule=pk)["times"]


def test_a_single_time_of_the_past_is_told_for_a_schedule_that_had_it(admin_client: Client) -> None:
    schedule = make(kind="once", at=datetime(2098, 1, 1, tzinfo=UTC))
    Schedule.objects.update(at=datetime(2020, 1, 1, tzinfo=UTC))

    old = {"kind": "once", "timezone": "Asia/Shanghai", "at": "2020-01-01T08:00:00"}

    assert ask(admin_client, **old, schedule=str(schedule.pk))["note"] == "It never fires again."
    assert ask(admin_client, **old)["errors"][0]["field"] == "at"


@pytest.mark.parametrize("page", [PREVIEW, FIELDS])
@pytest.mark.parametrize(
    ("permissions", "status"),
    [
        ((), 403),
        (("scheduling.view_schedule",), 403),
        (("scheduling.add_schedule",), 200),
        (("scheduling.change_schedule",), 200),
    ],
)
def test_only_those_who_may_edit_are_answered(
    sign_in: SignIn, page: str, permissions: tuple[str, ...], status: int
) -> None:
    assert sign_in(*permissions).get(page, CRON).status_code == status


@pytest.mark.parametrize("page", [PREVIEW, FIELDS])
def test_strangers_are_sent_to_sign_in(client: Client, db: None, page: str) -> None:
    assert client.get(page).status_code == 302


def test_nothing_can_be_sent_to_the_preview(admin_client: Client) -> None:
    assert admin_client.post(PREVIEW, CRON).status_code == 405


def test_the_fields_of_an_action_come_alone(admin_client: Client) -> None:
    page = admin_client.get(FIELDS, {"action": "tests.greet"}).text

    assert 'name="args-who"' in page
    assert "<html" not in page


def test_the_fields_of_the_stored_action_are_filled_in(admin_client: Client) -> None:
    schedule = make(action="tests.greet", args={"who": "<Ada>"})

    page = admin_client.get(FIELDS, {"action": "tests.greet", "schedule": schedule.pk}).text

    assert 'value="&lt;Ada&gt;"' in page


@pytest.mark.parametrize(
    ("action", "expected"),
    [
        ("tests.optional", 'name="args"'),
        ("tests.nothing", "needs nothing further"),
        ("", "once it is chosen"),
        ("<script>", 'name="args"'),
    ],
)
def test_actions_without_a_form_have_json_or_nothing(
    admin_client: Client, action: str, expected: str
) -> None:
    page = admin_client.get(FIELDS, {"action": action}).text

    assert expected in page
    assert "<script>" not in page
