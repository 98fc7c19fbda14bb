"""Conversations are named and deleted by who speaks in them, and open pages are told."""

from __future__ import annotations

import json
import uuid
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator
from django.test import Client

from conversations.arriving import receive_messages
from conversations.identity import Identity
from conversations.models import Conversation, Message
from conversations.receiving import Incoming
from conversations.routing import websocket_application
from scheduling.group_commit import group_commit
from scheduling.models import Run
from scheduling.writing import writing
from tests.conversations.working import close, read

ME, OTHER = Identity("visitor:me"), Identity("visitor:other")


def bearer(who: Identity) -> dict[str, str]:
    return {"Authorization": f"Bearer {who.token}"}


def conversation(who: Identity = ME) -> Conversation:
    with writing():
        incoming = Incoming("web", str(uuid.uuid4()), "Hello", participant=who.participant)
        return receive_messages([incoming])[0].message.conversation


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("title", "stored"),
    [("Plans", "Plans"), (" 周末\n 计划\x00 ", "周末 计划"), ("x" * 200, "x" * 200)],
)
def test_a_title_is_stored_in_one_line_and_moves_nothing(title: str, stored: str) -> None:
    mine = conversation()
    client = Client(headers=bearer(ME))
    body = json.dumps({"title": title})

    answer = client.patch(f"/api/conversations/{mine.uuid}", body, content_type="application/json")

    assert (answer.status_code, answer.json()["title"]) == (200, stored)
    row = Conversation.objects.get(pk=mine.pk)
    assert (row.title, row.updated_at) == (stored, row.updated_at)


@pytest.mark.django_db
@pytest.mark.parametrize("title", ["", " \n ", "x" * 201, 5, None, ["a"]])
def test_a_title_that_is_none_is_refused(title: Any) -> None:
    mine = conversation()
    client = Client(headers=bearer(ME))
    body = json.dumps({"title": title})

    answer = client.patch(f"/api/conversations/{mine.uuid}", body, content_type="application/json")

    assert (answer.status_code, answer.json()["code"]) == (400, "bad_title")
    assert Conversation.objects.get(pk=mine.pk).title == "Hello"


@pytest.mark.django_db
@pytest.mark.parametrize("name", ["theirs", "unknown"])
def test_what_is_another_s_is_not_there(name: str) -> None:
    theirs = conversation(OTHER)
    wanted = theirs.uuid if name == "theirs" else uuid.uuid4()
    client = Client(headers=bearer(ME))
    client.get("/")

    answers = [
        client.patch(f"/api/conversations/{wanted}", "{}", content_type="application/json"),
        client.delete(f"/api/conversations/{wanted}"),
        client.get(f"/api/conversations/{wanted}/export"),
        client.get(f"/c/{wanted}"),
    ]

    assert [answer.status_code for answer in answers] == [404] * 4
    assert Conversation.objects.filter(pk=theirs.pk).exists()


@pytest.mark.django_db
def test_a_visitor_s_own_conversation_has_an_address() -> None:
    client = Client()
    client.get("/")
    visitor = Identity(f"visitor:{client.session['visitor']}")
    mine = conversation(visitor)

    assert client.get(f"/c/{mine.uuid}").status_code == 200
    assert client.get(f"/c/{visitor.first_conversation}").status_code == 200


@pytest.mark.django_db
def test_deleting_takes_the_messages_along_and_calls_their_answers_off() -> None:
    mine, other = conversation(), conversation(OTHER)

    answer = Client(headers=bearer(ME)).delete(f"/api/conversations/{mine.uuid}")

    assert answer.status_code == 204
    assert list(Message.objects.values_list("conversation", flat=True)) == [other.pk]
    states = dict(Run.objects.values_list("key", "state"))
    assert states == {mine.key: "cancelled", other.key: "pending"}


@pytest.mark.django_db(transaction=True)
async def test_open_pages_are_told_of_the_new_title_and_of_the_end(settings: Any) -> None:
    settings.BOTFLOW_CHANNELS = {"web": "conversations.channels.web.WebChannel"}
    mine = await read(conversation)
    address = f"/ws/chat?conversation={mine.uuid}&token={ME.token}"
    socket = WebsocketCommunicator(websocket_application, address)
    socket.scope["headers"] = [(b"host", b"testserver")]
    await socket.connect()
    welcome = json.loads(await socket.receive_from())
    client = Client(headers=bearer(ME))
    path = f"/api/conversations/{mine.uuid}"

    body = {"data": '{"title": "Plans"}', "content_type": "application/json"}
    await read(lambda: client.patch(path, **body))
    renamed = json.loads(await socket.receive_from())
    await read(lambda: client.delete(path))
    # The answer that is called off first says so.
    while (gone := json.loads(await socket.receive_from()))["type"] != "conversation":
        pass
    closed = await socket.receive_output()

    assert (welcome["seq"], welcome["read"]) == (1, 0)
    assert renamed == {"type": "conversation", "id": str(mine.uuid), "title": "Plans"}
    assert gone == {"type": "conversation", "id": str(mine.uuid), "deleted": True}
    assert (closed["type"], closed["code"]) == ("websocket.close", 4404)
    await socket.disconnect()
    close(group_commit())
