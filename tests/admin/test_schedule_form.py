"""The form of a schedule stores what was meant, and says field by field what cannot be meant."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from conversations.models import Conversation
from scheduling import planning
from scheduling.models import Run, Schedule
from tests.admin.conftest import SignIn
from tests.admin.schedule_parts import SCHEDULES, errors, make, register, said, send


@pytest.fixture(autouse=True)
def known_actions(monkeypatch: pytest.MonkeyPatch) -> None:
    register(monkeypatch)


# -- each kind -------------------------------------------------------------------------------------


def test_a_single_time_is_read_on_the_clock_of_its_zone(admin_client: Client) -> None:
    assert send(admin_client, kind="once").status_code == 302

    assert Schedule.objects.get().at == datetime(2099, 3, 4, 1, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("number", "unit", "every"),
    [
        ("90", "minutes", timedelta(minutes=90)),
        ("1.5", "hours", timedelta(minutes=90)),
        ("2", "days", timedelta(days=2)),
        ("0.5", "seconds", timedelta(seconds=0.5)),
    ],
)
def test_an_interval_is_a_number_and_a_unit(
    admin_client: Client, number: str, unit: str, every: timedelta
) -> None:
    sent = send(admin_client, kind="interval", every_number=number, every_unit=unit)

    assert sent.status_code == 302
    assert Schedule.objects.get().every == every


def test_an_interval_is_shown_in_its_largest_unit(admin_client: Client) -> None:
    schedule = make(kind="interval", every=timedelta(hours=36))

    field = admin_client.get(f"{SCHEDULES}{schedule.pk}/change/").context["adminform"].form["every"]

    assert field.field.widget.decompress(field.initial) == [36, "hours"]


def test_a_cron_expression_is_stored_with_its_next_occurrence(admin_client: Client) -> None:
    assert send(admin_client, start_at="2098-01-01T00:00").status_code == 302

    schedule = Schedule.objects.get()
    assert schedule.start_at == datetime(2097, 12, 31, 16, tzinfo=UTC)
    assert schedule.next_run.fire_at == datetime(2098, 1, 1, 1, tzinfo=UTC)


def test_fields_of_other_kinds_are_left_out_and_named(admin_client: Client) -> None:
    sent = send(
        admin_client,
        kind="once",
        expression="0 9 * * *",
        every_number="nonsense",
        every_unit="days",
    )

    assert sent.status_code == 302
    assert said(sent)[0] == (
        "Left out, since a schedule of this kind has none: Every, Cron expression."
    )
    assert (Schedule.objects.get().expression, Schedule.objects.get().every) == ("", None)


def test_a_schedule_can_change_its_kind(admin_client: Client) -> None:
    schedule = make()

    sent = send(admin_client, f"{schedule.pk}/change/", kind="interval")

    assert sent.status_code == 302
    schedule.refresh_from_db()
    assert (schedule.kind, schedule.expression) == ("interval", "")
    assert schedule.every == timedelta(minutes=90)


# -- what is wrong ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "fields", "wrong"),
    [
        ("once", {"at": ""}, "at"),
        ("once", {"at": "2001-01-01T00:00"}, "at"),
        ("once", {"at": "tomorrow"}, "at"),
        ("once", {"at": "2099-03-04T09:30+08:00"}, "at"),
        ("once", {"at": "0001-01-01T00:00"}, "at"),
        ("interval", {"every_number": ""}, "every"),
        ("interval", {"every_number": "0"}, "every"),
        ("interval", {"every_number": "-3"}, "every"),
        ("interval", {"every_number": "nan"}, "every"),
        ("interval", {"every_number": "99999999999", "every_unit": "days"}, "every"),
        ("interval", {"every_unit": "fortnights"}, "every"),
        ("cron", {"expression": ""}, "expression"),
        ("cron", {"expression": "0 0 31 2 *"}, "expression"),
        ("cron", {"expression": "a b c d e"}, "expression"),
        ("cron", {"expression": "* " * 5000}, "expression"),
        ("cron", {"start_at": "2030-01-01T00:00", "end_at": "2029-01-01T00:00"}, "end_at"),
        ("cron", {"timezone": "Mars/Olympus"}, "timezone"),
        ("cron", {"timezone": "../../etc/passwd"}, "timezone"),
        ("cron", {"action": ""}, "action"),
        ("cron", {"action": "tests.unknown"}, "action"),
        ("cron", {"name": ""}, "name"),
        ("cron", {"misfire": "whenever"}, "misfire"),
        ("cron", {"max_attempts": "0"}, "max_attempts"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_alone(
    admin_client: Client, kind: str, fields: dict[str, str], wrong: str
) -> None:
    found = errors(send(admin_client, kind=kind, **fields))

    assert list(found) == [wrong]
    assert len(found[wrong]) == 1
    assert not Schedule.objects.exists()


def test_a_time_that_the_clock_leaves_out_is_refused(admin_client: Client) -> None:
    sent = send(admin_client, kind="once", timezone="Europe/Berlin", at="2099-03-29T02:30")

    assert errors(sent) == {
        "at": ["Clocks are put forward then: this time does not exist in Europe/Berlin."]
    }


def test_the_later_of_two_equal_times_survives_an_edit(admin_client: Client) -> None:
    later = datetime(2098, 10, 26, 1, 30, tzinfo=UTC)  # 02:30 for the second time in Berlin
    schedule = make(kind="once", at=later, timezone="Europe/Berlin")
    shown = admin_client.get(f"{SCHEDULES}{schedule.pk}/change/").context["adminform"].form

    page = f"{schedule.pk}/change/"
    send(
        admin_client, page, kind="once", timezone="Europe/Berlin", at=shown["at"].value(), name="x"
    )

    schedule.refresh_from_db()
    assert (schedule.name, schedule.at) == ("x", later)


# -- actions ---------------------------------------------------------------------------------------


def test_actions_that_a_person_can_fill_in_are_offered(admin_client: Client) -> None:
    form = admin_client.get(SCHEDULES + "add/").context["adminform"].form

    offered = [name for name, _ in form["action"].field.widget.choices]
    assert {"tests.nothing", "tests.greet", "tests.optional"} <= set(offered)
    assert "tests.bare" not in offered


def test_the_form_of_the_action_is_stored_as_json(admin_client: Client) -> None:
    fields = {"args-who": "Ada", "args-day": "2026-03-04", "args-loudly": "on"}

    sent = send(admin_client, action="tests.greet", **fields)

    assert sent.status_code == 302
    assert Schedule.objects.get().args == {"who": "Ada", "day": "2026-03-04", "loudly": True}


def test_what_an_action_lacks_is_said_at_its_own_field(admin_client: Client) -> None:
    sent = send(admin_client, action="tests.greet", **{"args-who": "x" * 30, "args-day": "soon"})

    assert list(errors(sent)) == ["action"]
    form = sent.context["adminform"].form.action_form
    assert sorted(form.errors) == ["day", "who"]
    assert 'value="soon"' in sent.text


def test_stored_arguments_are_shown_in_the_form_of_the_action(admin_client: Client) -> None:
    args = {"who": "Ada", "day": "2026-03-04", "loudly": True}
    schedule = make(action="tests.greet", args=args)

    page = admin_client.get(f"{SCHEDULES}{schedule.pk}/change/")

    assert 'name="args-who" value="Ada"' in page.text
    assert 'value="2026-03-04"' in page.text


def test_a_conversation_is_stored_by_its_uuid(
    admin_client: Client, conversation: Conversation
) -> None:
    fields = {"args-conversation": str(conversation.uuid), "args-text": "Good morning"}

    sent = send(admin_client, action="conversations.send_text", **fields)

    assert sent.status_code == 302
    stored = {"conversation": str(conversation.uuid), "text": "Good morning"}
    assert Schedule.objects.get().args == stored


@pytest.mark.parametrize(
    ("text", "is_right"),
    [('{"size": 3}', True), ("", True), ('{"sise": 3}', False), ("[1]", False), ("{", False)],
)
def test_arguments_without_a_form_are_json_that_fits(
    admin_client: Client, text: str, is_right: bool
) -> None:
    sent = send(admin_client, action="tests.optional", args=text)

    if is_right:
        assert sent.status_code == 302
    else:
        assert list(errors(sent)) == ["args"]


def test_an_action_that_is_gone_is_still_shown(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = make()
    Schedule.objects.update(action="plugin.gone", args={"size": 3})

    page = admin_client.get(f"{SCHEDULES}{schedule.pk}/change/")

    assert 'value="plugin.gone" selected' in page.text
    assert "&quot;size&quot;: 3" in page.text


# -- saving ----------------------------------------------------------------------------------------


def test_an_edit_writes_only_what_was_edited(admin_client: Client) -> None:
    schedule = make()
    read = Schedule.objects.get()
    planning.pause(schedule, now=datetime.now(UTC), by="somebody", reason="holiday")
    Schedule.objects.update(run_count=7, misfire_grace_seconds=5)
    form_fields = {"expression": "0 9 * * *", "misfire_grace_seconds": "5"}

    sent = send(admin_client, f"{read.pk}/change/", name="renamed", **form_fields)

    assert sent.status_code == 302
    stored = Schedule.objects.get()
    assert (stored.name, stored.enabled, stored.paused_by) == ("renamed", False, "somebody")
    assert (stored.run_count, stored.misfire_grace_seconds) == (7, 5)


def test_columns_of_others_are_not_in_the_update(
    admin_client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    schedule = make()
    saved: list[set[str]] = []
    save = Schedule.save

    def note(self: Schedule, **more: object) -> None:
        saved.append(set(more["update_fields"]))  # type: ignore[call-overload]
        save(self, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(Schedule, "save", note)
    send(admin_client, f"{schedule.pk}/change/", expression="0 9 * * *", max_attempts="5")

    assert saved == [{"max_attempts"}]


def test_an_edit_takes_effect_at_once(admin_client: Client) -> None:
    schedule = make()

    send(admin_client, f"{schedule.pk}/change/", kind="once")

    assert Run.objects.get(is_next=True).fire_at == datetime(2099, 3, 4, 1, 30, tzinfo=UTC)


def test_a_viewer_changes_nothing(sign_in: SignIn) -> None:
    schedule = make(action="tests.greet", args={"who": "Ada"})
    client = sign_in("scheduling.view_schedule")

    page = client.get(f"{SCHEDULES}{schedule.pk}/change/")

    assert page.status_code == 200
    assert "schedule-preview" not in page.text
    assert "Ada" in page.text
    assert send(client, f"{schedule.pk}/change/", name="other").status_code == 403
    assert send(client).status_code == 403
    assert Schedule.objects.get().name == "digest"
