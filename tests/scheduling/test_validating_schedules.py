"""Bad input is refused with a sentence at the field that is wrong, in English and Chinese."""

import re
from datetime import date, datetime, timedelta, timezone
from typing import Any

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.utils import translation

from scheduling import actions
from scheduling.models import Run, Schedule
from scheduling.triggers import FIELDS, MESSAGES
from tests.scheduling.schedule_parts import NOON, Clock, make
from tests.scheduling.workers import Register

pytestmark = pytest.mark.django_db

WEST = timezone(-timedelta(hours=12))
ONCE: dict[str, Any] = {"kind": "once", "at": NOON + timedelta(hours=1)}
INTERVAL: dict[str, Any] = {"kind": "interval", "every": timedelta(hours=1)}
CRON: dict[str, Any] = {"kind": "cron", "expression": "0 9 * * *"}

# (fields, the one that is wrong, part of what is said of it)
WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"kind": "weekly"}, "kind", "once, interval, cron"),
    ({"kind": ""}, "kind", "once, interval, cron"),
    ({"kind": "once"}, "at", "needed"),
    ({"kind": "interval"}, "every", "needed"),
    ({"kind": "cron"}, "expression", "needed"),
    ({"kind": "cron", "expression": None}, "expression", "needed"),
    (ONCE | {"every": timedelta(1)}, "every", "Leave this empty"),
    (ONCE | {"expression": "* * * * *"}, "expression", "Leave this empty"),
    (ONCE | {"start_at": NOON}, "start_at", "Leave this empty"),
    (INTERVAL | {"at": NOON}, "at", "Leave this empty"),
    (CRON | {"every": timedelta(1)}, "every", "Leave this empty"),
    ({"kind": "once", "at": NOON - timedelta(seconds=1)}, "at", "past"),
    ({"kind": "once", "at": "tomorrow"}, "at", "2027-01-31 18:30"),
    ({"kind": "once", "at": 5}, "at", "2027-01-31 18:30"),
    ({"kind": "once", "at": datetime(2027, 1, 1)}, "at", "time zone"),
    ({"kind": "once", "at": datetime.max.replace(tzinfo=WEST)}, "at", "end of the calendar"),
    ({"kind": "interval", "every": 5}, "every", "1:30:00"),
    ({"kind": "interval", "every": "often"}, "every", "1:30:00"),
    ({"kind": "interval", "every": timedelta()}, "every", "0.1 seconds"),
    ({"kind": "interval", "every": -timedelta(1)}, "every", "0.1 seconds"),
    ({"kind": "interval", "every": timedelta.max}, "every", "36,500 days"),
    ({"kind": "interval", "every": timedelta(microseconds=1)}, "every", "0.1 seconds"),
    (INTERVAL | {"start_at": NOON, "end_at": NOON - timedelta(1)}, "end_at", "before the start"),
    (CRON | {"start_at": datetime(2027, 1, 1)}, "start_at", "time zone"),
    (CRON | {"end_at": date(2027, 1, 1).isoformat() + "T"}, "end_at", "2027-01-31 18:30"),
    ({"kind": "cron", "expression": "99 * * * *"}, "expression", "0 to 59"),
    ({"kind": "cron", "expression": "* * * *"}, "expression", "five fields"),
    ({"kind": "cron", "expression": "0 0 31 2 *"}, "expression", "never"),
    ({"kind": "cron", "expression": "0 9 ? * *"}, "expression", "Write * instead"),
    ({"kind": "cron", "expression": "@reboot"}, "expression", "@daily"),
    ({"kind": "cron", "expression": "1" * 500}, "expression", "200"),
    ({"kind": "cron", "expression": "٣ * * * *"}, "expression", "U+0663"),
    (CRON | {"timezone": "Mars/Phobos"}, "timezone", "Asia/Shanghai"),
    (CRON | {"timezone": "../../etc/passwd"}, "timezone", "Asia/Shanghai"),
    (CRON | {"timezone": ""}, "timezone", ""),
    (CRON | {"timezone": 8}, "timezone", "Asia/Shanghai"),
    (CRON | {"action": "no.such"}, "action", "tests.greet"),
    (CRON | {"action": ""}, "action", ""),
    (CRON | {"args": ["Ann"]}, "args", "object"),
    (CRON | {"args": None}, "args", "object"),
    (CRON | {"args": {"whom": "Ann"}}, "args", "'name'"),
    (CRON | {"args": {"name": "x\0y"}}, "args", "NUL"),
    (CRON | {"args": {"name": {1, 2}}}, "args", "JSON"),
    (CRON | {"args": {"name": float("nan")}}, "args", "JSON"),
    (CRON | {"action": "tests.form", "args": {"name": ""}}, "args", "Whom: This field is required"),
    (CRON | {"action": "tests.form", "args": {"name": "Annabel"}}, "args", "Whom: Ensure"),
    (CRON | {"name": ""}, "name", "blank"),
    (CRON | {"name": "x" * 201}, "name", "200"),
    (CRON | {"name": "a\0b"}, "name", "characters"),
    (CRON | {"name": "a\ud800b"}, "name", "characters"),
    (CRON | {"owner": "a\0b"}, "owner", "characters"),
    (CRON | {"misfire": "later"}, "misfire", "run_once, skip, run_all"),
    (CRON | {"overlap": "never"}, "overlap", "skip, queue, allow"),
    (CRON | {"misfire_grace_seconds": -1}, "misfire_grace_seconds", "0"),
    (CRON | {"misfire_grace_seconds": 10**12}, "misfire_grace_seconds", "31536000"),
    (CRON | {"misfire_limit": 0}, "misfire_limit", "1"),
    (CRON | {"max_runs": 0}, "max_runs", "1"),
    (CRON | {"max_runs": "a few"}, "max_runs", "integer"),
    (CRON | {"max_attempts": 0}, "max_attempts", "1"),
    (CRON | {"jitter_seconds": 100_000}, "jitter_seconds", "86400"),
    (CRON | {"timeout_seconds": 0}, "timeout_seconds", "0.1"),
    (CRON | {"timeout_seconds": float("nan")}, "timeout_seconds", "number"),
    (CRON | {"timeout_seconds": float("inf")}, "timeout_seconds", "86400"),
    (CRON | {"backoff_seconds": "soon"}, "backoff_seconds", "float"),
    (CRON | {"pause_after_failures": -1}, "pause_after_failures", "0"),
    (CRON | {"number": -1}, "number", "0"),
]


class GreetForm(forms.Form):
    name = forms.CharField(label="Whom", max_length=5)


@pytest.fixture(autouse=True)
def greet(clock: Clock, register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    async def greet(run: Run, *, name: str) -> None: ...

    register(greet)
    with_form = actions.Action("tests.form", greet, "Greet", form=GreetForm, is_async=True)
    monkeypatch.setitem(actions.registry, "tests.form", with_form)


def refusal(fields: dict[str, Any]) -> dict[str, list[str]]:
    """Return what is said of each field of a schedule that is not stored."""
    values = {"action": "tests.greet", "args": {"name": "Ann"}, "name": "x", "timezone": "UTC"}
    with pytest.raises(ValidationError) as caught:
        Schedule(**values | fields).save()
    assert not Schedule.objects.exists()
    assert not Run.objects.exists()
    return caught.value.message_dict


@pytest.mark.parametrize(("fields", "wrong", "said"), WRONG)
def test_what_is_wrong_is_named_with_what_would_be_right(
    fields: dict[str, Any], wrong: str, said: str
) -> None:
    found = refusal(fields)

    assert set(found) == {wrong}
    assert any(said in message for message in found[wrong])


@pytest.mark.parametrize(("fields", "wrong", "said"), WRONG)
def test_it_is_said_in_chinese(fields: dict[str, Any], wrong: str, said: str) -> None:
    with translation.override("zh-hans"):
        found = refusal(fields)

    assert all(re.search("[\u4e00-\u9fff]", message) for message in found[wrong]), found


def test_everything_that_is_wrong_is_said_at_once() -> None:
    fields = {"name": "", "misfire": "later", "timeout_seconds": 0, "action": "no.such"}

    found = refusal({"kind": "cron", "expression": "99 * * * *"} | fields)

    assert set(found) == {*fields, "expression"}


@pytest.mark.parametrize("code", sorted(MESSAGES))
def test_every_sentence_about_a_trigger_is_translated(code: str) -> None:
    with translation.override("zh-hans"):
        text = translation.gettext(MESSAGES[code])

    assert re.search("[\u4e00-\u9fff]", text)
    assert sorted(re.findall(r"%\(\w+\)s", text)) == sorted(
        re.findall(r"%\(\w+\)s", MESSAGES[code])
    )


@pytest.mark.parametrize("field", FIELDS)
def test_the_fields_of_an_expression_have_chinese_names(field: str) -> None:
    with translation.override("zh-hans"):
        assert re.search("[\u4e00-\u9fff]", translation.gettext(field))


@pytest.mark.parametrize("fields", [ONCE, INTERVAL, CRON])
def test_what_is_right_is_stored(fields: dict[str, Any]) -> None:
    schedule = make(**fields, action="tests.form", args={"name": "Ann"})

    assert schedule.next_run is not None


def test_text_that_the_fields_can_read_is_taken() -> None:
    schedule = make(kind="interval", every="0:00:10", start_at="2026-03-04 12:00:05+00:00")

    assert schedule.every == timedelta(seconds=10)
    assert [run.fire_at for run in Run.objects.all()] == [NOON + timedelta(seconds=5)]
