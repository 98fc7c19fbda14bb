"""Read marks: a page says how far its reader is; one write tells it, once they rest."""

from __future__ import annotations

import json
from typing import Any

import pytest
from channels.testing import WebsocketCommunicator

from conversations import following
from conversations.identity import Identity
from conversations.models import Conversation
from conversations.routing import websocket_application
from scheduling.group_commit import group_commit
from tests.conversations.working import close, read
from tests.harness.polling import eventually

ME = Identity("visitor:me")


async def join(conversation: Conversation) -> tuple[WebsocketCommunicator, dict[str, Any]]:
    address = f"/ws/chat?conversation={conversation.uuid}&token={ME.token}"
    socket = WebsocketCommunicator(websocket_application, address)
    socket.scope["headers"] = [(b"host", b"testserver")]
    await socket.connect()
    return socket, json.loads(await socket.receive_from())


@pytest.mark.django_db(transaction=True)
async def test_how_far_it_is_read_is_stored_once_and_welcomes_the_next_page(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "READ_PAUSE", 0.05)
    stored: list[int] = []
    mark_read = following.mark_read

    def note(marks: list[Any]) -> list[None]:
        stored.extend(mark.seq for mark in marks)
        return mark_read(marks)

    monkeypatch.setattr(following, "mark_read", note)
    mine = await read(
        lambda: Conversation.objects.create(
            channel="web", address="a", participant=ME.participant, seq=9
        )
    )
    socket, first = await join(mine)

    for seq in (3, 7, 5):
        await socket.send_to(json.dumps({"type": "read", "seq": seq}))
    await eventually(lambda: stored, "the mark to be stored")
    await socket.disconnect()
    other, second = await join(mine)
    await other.disconnect()

    assert (first["read"], second["read"]) == (0, 7)
    assert stored == [7]
    close(group_commit())
