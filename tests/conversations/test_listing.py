"""The list of conversations: whose, in which order, unread or being answered, page by page."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from conversations.arriving import receive_messages
from conversations.identity import Identity
from conversations.listing import (
    PAGE,
    Mark,
    TooManyConversations,
    begin_conversation,
    list_conversations,
    mark_read,
)
from conversations.models import Conversation
from conversations.receiving import Incoming
from scheduling.writing import writing

pytestmark = pytest.mark.django_db
ME, OTHER = Identity("visitor:me"), Identity("visitor:other")
NOW = datetime(2026, 5, 6, 9, 0, tzinfo=UTC)


def conversation(who: Identity = ME, *, age: int = 0, **fields: Any) -> Conversation:
    values = {"channel": "web", "address": str(uuid.uuid4()), "seq": 3, "title": "Talk"} | fields
    return Conversation.objects.create(
        participant=who.participant, updated_at=NOW - timedelta(minutes=age), **values
    )


@pytest.fixture
def client() -> Client:
    return Client(headers={"Authorization": f"Bearer {ME.token}"})


def test_the_list_has_the_latest_first_and_none_of_others() -> None:
    older, newer = conversation(age=5), conversation(age=1)
    conversation(OTHER)
    conversation(channel="post")

    listed = list_conversations(ME)

    assert listed.conversations == [newer, older]


def test_an_empty_conversation_is_listed_once_it_has_a_name_or_a_message() -> None:
    conversation(seq=0, title="")
    named = conversation(seq=0, title="Plans")

    assert list_conversations(ME).conversations == [named]


def test_pages_follow_one_another_also_where_many_changed_at_once() -> None:
    rows = [conversation(age=0) for _ in range(PAGE + 3)]

    with CaptureQueriesContext(
        connection,
    ) as queries:
        first = list_conversations(ME)
    second = list_conversations(ME, first.after or "")

    assert len(queries) == 2
    assert first.conversations + second.conversations == sorted(rows, key=lambda row: -row.pk)
    assert second.after is None


@pytest.mark.parametrize("before", ["x", "2026-05-06T09:00:00+00:00", "_1", "9_9", "2026-05-06_x"])
def test_a_page_that_is_none_is_named(client: Client, before: str) -> None:
    answer = client.get("/api/conversations", {"before": before})

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")


def test_the_api_tells_what_is_unread_and_what_is_being_answered(client: Client) -> None:
    with writing():
        [waiting] = receive_messages(
            [Incoming("web", "a", "What now?", participant=ME.participant)]
        )
    read = conversation(age=90_000_000, read_seq=3)

    answer = client.get("/api/conversations").json()

    assert answer["more"] is False
    assert [row | {"updated_at": ""} for row in answer["conversations"]] == [
        {
            "id": str(waiting.message.conversation.uuid),
            "title": "What now?",
            "updated_at": "",
            "seq": 1,
            "read_seq": 0,
            "unread": True,
            "answering": True,
        },
        {
            "id": str(read.uuid),
            "title": "Talk",
            "updated_at": "",
            "seq": 3,
            "read_seq": 3,
            "unread": False,
            "answering": False,
        },
    ]


def test_a_new_conversation_is_the_latest_and_an_empty_one_is_used_again(client: Client) -> None:
    conversation(age=1)

    first, second = (client.post("/api/conversations") for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 201)
    assert first.json()["id"] == second.json()["id"]
    made = Conversation.objects.get(uuid=first.json()["id"])
    assert (made.participant, made.channel, made.address) == ("visitor:me", "web", str(made.uuid))


def test_nobody_has_more_conversations_than_the_site_allows(settings: Any) -> None:
    settings.BOTFLOW_MAX_CONVERSATIONS = 2
    conversation()
    begun = begin_conversation(ME, locale="en", now=NOW)
    begun.title = "Second"
    begun.save()

    with pytest.raises(TooManyConversations):
        begin_conversation(ME, locale="en", now=NOW)
    begin_conversation(OTHER, locale="en", now=NOW)


def test_too_many_are_answered_with_a_sentence(client: Client, settings: Any) -> None:
    settings.BOTFLOW_MAX_CONVERSATIONS = 1
    conversation()

    answer = client.post("/api/conversations")

    assert (answer.status_code, answer.json()["code"]) == (429, "too_many")


def test_what_is_read_never_goes_backwards_nor_beyond_what_there_is() -> None:
    one, other = conversation(seq=9), conversation(seq=9, read_seq=8)

    mark_read([Mark(one.pk, 4), Mark(other.pk, 5), Mark(one.pk, 2)])
    one.refresh_from_db()
    other.refresh_from_db()
    assert (one.read_seq, other.read_seq) == (4, 8)

    mark_read([Mark(one.pk, 10**12)])
    one.refresh_from_db()
    assert one.read_seq == 9
