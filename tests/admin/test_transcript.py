"""The transcript of a conversation shows replies as the page does, and runs nothing of them."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from conversations import admin_texts
from conversations.models import Conversation
from tests.conversations.test_rendering import assert_harmless
from tests.hostile_markup import HOSTILE, MARK


def transcript(client: Client, conversation: Conversation) -> list[str]:
    page = client.get(reverse("admin:conversations_conversation_change", args=[conversation.pk]))
    found = re.findall(r'<div class="botflow-text[^>]*>(.*?)</div>\s*(?=<p|</li>)', page.text, re.S)
    return [html.strip() for html in found]


def test_replies_are_rendered_and_what_people_typed_is_not(
    admin_client: Client, conversation: Conversation
) -> None:
    conversation.messages.all().delete()
    for role in ("user", "assistant"):
        conversation.messages.create(role=role, content="**now**", state="done", seq=9)

    assert transcript(admin_client, conversation) == [
        '<p class="plain">**now**</p>',
        "<p><strong>now</strong></p>",
    ]


def test_nothing_hostile_runs_in_a_transcript(
    admin_client: Client, conversation: Conversation
) -> None:
    conversation.messages.all().delete()
    for number, role in enumerate(("user", "assistant"), start=9):
        content = "\n\n".join(HOSTILE)
        conversation.messages.create(role=role, content=content, state="done", seq=number)

    shown = transcript(admin_client, conversation)

    assert len(shown) == 2
    for html in shown:
        assert MARK in html
        assert_harmless(html)


def test_of_long_replies_the_newest_are_rendered(
    admin_client: Client, conversation: Conversation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(admin_texts, "RENDERED_CHARS", 9)
    conversation.messages.all().delete()
    for number in range(3):
        conversation.messages.create(role="assistant", content="*now*", state="done", seq=number)

    assert transcript(admin_client, conversation) == [
        '<p class="plain">*now*</p>',
        '<p class="plain">*now*</p>',
        "<p><em>now</em></p>",
    ]
