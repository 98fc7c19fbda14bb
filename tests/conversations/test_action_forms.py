"""The forms of the actions: what a person can choose, and what is refused before it is stored."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from django.utils import timezone, translation

from conversations import action_forms
from conversations.action_forms import AskForm, SendTextForm, SendToManyForm
from conversations.models import Conversation
from scheduling.actions import registry

pytestmark = pytest.mark.django_db


def place(number: int, **more: Any) -> Conversation:
    moment = datetime(2026, 5, number, 12, tzinfo=UTC)
    fields = {"channel": "web", "address": str(number), "title": f"Talk {number}"}
    return Conversation.objects.create(**(fields | {"updated_at": moment} | more))


def offered(form: Any) -> list[str]:
    return [str(value) for value, _ in form["conversation"].field.choices]


def test_each_action_has_its_form():
    forms = {name: registry[f"conversations.{name}"].form for name in ("send_text", "ask")}

    assert forms == {"send_text": SendTextForm, "ask": AskForm}
    assert registry["conversations.send_to_many"].form is SendToManyForm


def test_a_conversation_is_labelled_with_channel_title_and_last_activity():
    place(3)

    with timezone.override("Asia/Shanghai"):
        html = str(SendTextForm()["conversation"])

    assert "web · Talk 3 · 05/03/2026 8 p.m." in html


def test_a_conversation_without_a_title_is_labelled_with_its_id():
    nameless = place(3, title="")

    assert f"web · {str(nameless.uuid)[:8]} · " in str(SendTextForm()["conversation"])


def test_the_newest_conversations_are_offered_the_newest_first(monkeypatch):
    monkeypatch.setattr(action_forms, "OFFERED", 2)
    _, second, third = place(1), place(2), place(3)

    assert offered(SendTextForm()) == ["", str(third.uuid), str(second.uuid)]


@pytest.mark.parametrize("bound", [False, True])
def test_the_chosen_one_is_offered_however_old(monkeypatch, bound):
    monkeypatch.setattr(action_forms, "OFFERED", 1)
    old, new = place(1), place(2)
    values = {"conversation": str(old.uuid), "text": ""}

    html = str((SendTextForm(values) if bound else SendTextForm(initial=values))["conversation"])

    assert f'value="{old.uuid}" selected' in html
    assert f'value="{new.uuid}"' in html


@pytest.mark.parametrize(
    "name", [lambda c: c.pk, lambda c: c.uuid, lambda c: c, lambda c: c.uuid.hex]
)
def test_stored_arguments_of_every_kind_choose_theirs(name):
    place(1)
    one = place(2)

    html = str(SendTextForm(initial={"conversation": name(one)})["conversation"])

    assert f'value="{one.uuid}" selected' in html


def test_any_conversation_that_exists_is_accepted(monkeypatch):
    monkeypatch.setattr(action_forms, "OFFERED", 1)
    old, _ = place(1), place(2)

    form = SendTextForm({"conversation": str(old.uuid), "text": "Drink!"})

    assert form.is_valid(), form.errors
    assert form.cleaned_data == {"conversation": old, "text": "Drink!"}


@pytest.mark.parametrize("value", ["", "x", str(uuid.UUID(int=1)), "4711", "\0", "<b>"])
def test_any_other_conversation_is_refused_in_words(value):
    place(1)

    form = AskForm({"conversation": value, "prompt": "x"})

    assert list(form.errors) == ["conversation"]
    assert str(form["conversation"])


@pytest.mark.parametrize("text", ["", "  \n", "\0", "x" * 20_001])
@pytest.mark.parametrize(("form", "name"), [(SendTextForm, "text"), (AskForm, "prompt")])
def test_empty_and_too_long_texts_are_refused(form, name, text):
    one = place(1)

    assert list(form({"conversation": str(one.uuid), name: text}).errors) == [name]


@pytest.mark.parametrize(
    ("days", "is_valid"), [("1", True), ("3650", True), ("0", False), ("3651", False), ("x", False)]
)
def test_days_have_a_range(days, is_valid):
    form = SendToManyForm({"channel": "web", "days": days, "text": "x"})

    assert form.is_valid() is is_valid


def test_channels_are_those_of_the_site():
    form = SendToManyForm({"channel": "wechat", "days": "1", "text": "x"})

    assert [value for value, _ in form.fields["channel"].choices] == ["post", "web"]
    assert list(form.errors) == ["channel"]


def test_two_forms_do_not_share_what_was_chosen(monkeypatch):
    monkeypatch.setattr(action_forms, "OFFERED", 1)
    old, new = place(1), place(2)
    str(SendTextForm(initial={"conversation": str(old.uuid)})["conversation"])

    assert offered(SendTextForm()) == ["", str(new.uuid)]


@pytest.mark.parametrize("form", [SendTextForm, AskForm, SendToManyForm])
def test_the_forms_speak_chinese(form):
    with translation.override("zh-hans"):
        for field in form().fields.values():
            assert not str(field.label).isascii()
            assert not field.help_text or not str(field.help_text).isascii()
