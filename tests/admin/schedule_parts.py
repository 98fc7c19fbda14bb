"""What the tests of the schedules' pages share: rows to look at and forms to fill in."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from django import forms
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from scheduling import actions
from scheduling.actions import Action
from scheduling.models import Run, Schedule

SCHEDULES = "/admin/scheduling/schedule/"
MESSAGES = "_messages"


class GreetForm(forms.Form):
    who = forms.CharField(label="Who", max_length=20)
    day = forms.DateField(label="Day", required=False)
    loudly = forms.BooleanField(label="Loudly", required=False)


def register(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register one action of each sort: without arguments, with a form, with bare arguments."""

    def nothing(run: Run) -> None: ...
    def greet(run: Run, *, who: str, day: str | None = None, loudly: bool = False) -> None: ...
    def bare(run: Run, *, size: int) -> None: ...
    def optional(run: Run, *, size: int = 1) -> None: ...

    for function, form in ((nothing, None), (greet, GreetForm), (bare, None), (optional, None)):
        name = f"tests.{function.__name__}"
        action = Action(name, function, name.title(), form=form)
        monkeypatch.setitem(actions.registry, name, action)


def make(**fields: Any) -> Schedule:
    """Store a schedule that fires each morning at nine in Shanghai, unless said otherwise."""
    values: dict[str, Any] = {
        "name": "digest",
        "action": "tests.nothing",
        "timezone": "Asia/Shanghai",
    }
    if "kind" not in fields:
        values |= {"kind": "cron", "expression": "0 9 * * *"}
    schedule = Schedule(**values | fields)
    schedule.save()
    return schedule


def add_runs(schedule: Schedule, number: int, state: str = "succeeded", **fields: Any) -> list[Run]:
    """Store past runs of a schedule, a minute apart, the newest a minute ago."""
    now = timezone.now()
    return Run.objects.bulk_create(
        [
            _past_run(schedule, now - timedelta(minutes=n), state, fields)
            for n in range(1, 1 + number)
        ]
    )


def _past_run(schedule: Schedule, moment: datetime, state: str, fields: dict[str, Any]) -> Run:
    values: dict[str, Any] = {
        "schedule": schedule,
        "title": schedule.name,
        "action": schedule.action,
        "fire_at": moment,
        "state": state,
        "finished_at": moment + timedelta(seconds=2),
    }
    if state != "skipped":
        values |= {"started_at": moment + timedelta(milliseconds=12), "attempt": 1}
    return Run(**values | fields)


#: What the add page sends when only what is needed was filled in.
DEFAULTS: dict[str, Any] = {
    "name": "digest",
    "timezone": "Asia/Shanghai",
    "action": "tests.nothing",
    "misfire": "run_once",
    "misfire_grace_seconds": "60",
    "misfire_limit": "10",
    "overlap": "skip",
    "jitter_seconds": "0",
    "max_attempts": "3",
    "pause_after_failures": "10",
}
KINDS: dict[str, dict[str, str]] = {
    "once": {"kind": "once", "at": "2099-03-04T09:30"},
    "interval": {"kind": "interval", "every_number": "90", "every_unit": "minutes"},
    "cron": {"kind": "cron", "expression": "0 9 * * 1-5"},
}


def send(client: Client, page: str = "add/", kind: str = "cron", **fields: Any) -> Any:
    """Send the form; a field that is None is left out."""
    data = DEFAULTS | KINDS[kind] | fields
    sent = {name: value for name, value in data.items() if value is not None}
    return client.post(SCHEDULES + page, sent)


def errors(response: Any) -> dict[str, list[str]]:
    assert response.status_code == 200
    return {name: list(said) for name, said in response.context["adminform"].form.errors.items()}


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]
