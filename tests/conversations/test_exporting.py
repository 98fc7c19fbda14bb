"""Exporting: what is shown as Markdown, all that is stored as JSON, each as a download."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from asgiref.sync import async_to_sync
from django.test import Client

from conversations import exporting
from conversations.identity import Identity
from conversations.models import Conversation, Message

ME = Identity("visitor:me")
NOON = datetime(2026, 5, 6, 12, 0, tzinfo=UTC)


def conversation(title: str = "Plans") -> Conversation:
    return Conversation.objects.create(
        channel="web",
        address=str(uuid.uuid4()),
        participant=ME.participant,
        title=title,
        settings={"timezone": "Asia/Shanghai"},
    )


def add(place: Conversation, content: str, **more: Any) -> Message:
    values = {"role": "user", "state": "answered", "seq": 1, "created_at": NOON, **more}
    return Message.objects.create(conversation=place, content=content, **values)


def answer(to: Message, content: str, **more: Any) -> Message:
    fields = {"role": "assistant", "state": "done", "reply_to": to, "uuid": to.reply_uuid, **more}
    return add(to.conversation, content, **fields)


def export(place: Conversation, kind: str) -> tuple[Any, str]:
    path = f"/api/conversations/{place.uuid}/export?format={kind}"
    response = Client(headers={"Authorization": f"Bearer {ME.token}"}).get(path)

    async def collect() -> bytes:
        return b"".join([part async for part in response])

    return response, async_to_sync(collect)().decode()


@pytest.mark.django_db
def test_markdown_has_what_was_said_in_order_with_names_and_local_times() -> None:
    def fill() -> Conversation:
        place = conversation()
        first = add(place, "Where to?")
        second = add(place, "And when?", files=[{"url": "/media/1/a", "name": "a [1].png"}])
        answer(second, "In *June*.")
        answer(first, "To **Lisbon**.", detail="Cut.")
        add(place, "gone", is_deleted=True)
        return place

    place = fill()
    response, text = export(place, "md")

    assert response["Content-Type"] == "text/markdown; charset=utf-8"
    assert response["X-Content-Type-Options"] == "nosniff"
    head, *said = text.split("\n---\n\n")
    assert head.startswith("# Plans\n\nA conversation with BotFlow, exported on ")
    assert said == [
        "**You** · 2026-05-06 20:00\n\nWhere to?\n",
        "**BotFlow** · 2026-05-06 20:00\n\nTo **Lisbon**.\n\nCut.\n",
        "**You** · 2026-05-06 20:00\n\nAnd when?\n\n[a \\[1\\].png](/media/1/a)\n",
        "**BotFlow** · 2026-05-06 20:00\n\nIn *June*.\n",
    ]


@pytest.mark.django_db
def test_versions_that_are_not_shown_are_in_the_json_alone() -> None:
    def fill() -> Conversation:
        place = conversation()
        first = add(place, "Lisbon?")
        answer(first, "Sunny.")
        version = add(place, "Porto?", replaces=first, chosen=5, seq=5)
        answer(version, "Rainy.")
        place.settings["branch"] = version.pk
        place.save()
        return place

    place = fill()
    _, markdown = export(place, "md")
    response, text = export(place, "json")
    data = json.loads(text)

    assert ("Porto?" in markdown, "Rainy." in markdown) == (True, True)
    assert ("Lisbon?" in markdown, "Sunny." in markdown) == (False, False)
    assert response["Content-Type"] == "application/json"
    assert (data["id"], data["title"]) == (str(place.uuid), "Plans")
    said = {message["content"]: message for message in data["messages"]}
    assert list(said) == ["Lisbon?", "Sunny.", "Porto?", "Rainy."]
    assert said["Porto?"]["replaces"] == said["Lisbon?"]["id"] == said["Sunny."]["reply_to"]
    assert said["Porto?"]["chosen"] == 5


@pytest.mark.django_db
def test_a_long_one_is_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exporting, "BATCH", 7)

    def fill() -> Conversation:
        place = conversation()
        for number in range(25):
            add(place, f"Message {number:02}.")
        return place

    place = fill()
    texts = [export(place, kind)[1] for kind in exporting.FORMATS]

    for text in texts:
        places = [text.index(f"Message {number:02}.") for number in range(25)]
        assert places == sorted(places)
    assert len(json.loads(texts[1])["messages"]) == 25


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Plans", 'attachment; filename="Plans 2026-05-06.md"'),
        ("../a/b\\c\r\n.exe", 'attachment; filename="a b c exe 2026-05-06.md"'),
        ("", 'attachment; filename="Conversation 2026-05-06.md"'),
        ("周\u202e计", "attachment; filename*=utf-8''%E5%91%A8%20%E8%AE%A1%202026-05-06.md"),
    ],
)
def test_the_file_is_called_after_the_conversation(title: str, name: str) -> None:
    response = exporting.download(Conversation(title=title), "md", now=NOON)

    assert response["Content-Disposition"] == name


@pytest.mark.django_db
def test_another_format_is_refused() -> None:
    client = Client(headers={"Authorization": f"Bearer {ME.token}"})

    answer = client.get(f"/api/conversations/{conversation().uuid}/export?format=exe")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
