"""Saying something anew, choosing between versions and deleting, as every reader sees it."""

import uuid
from typing import Any

from tests.harness.client import ChatClient
from tests.sockets.conftest import Reader


async def test_all_readers_follow_versions_and_deleted_messages(
    client: ChatClient, reader: Reader
) -> None:
    other = await reader(token=client.token)
    await client.say("words=0", "first")
    await client.answered("first")
    first = client.said("first")
    assert first is not None

    def version_of(client: ChatClient) -> dict[str, Any] | None:
        return next((m for m in client.messages.values() if m.get("replaces")), None)

    frame = {"type": "message", "content": "anew words=0", "replaces": first["id"]}
    await client.send_frame(frame | {"client_id": "second"})
    await client.answered("second")
    await other.wait_for(version_of)
    version = version_of(other)
    assert version is not None
    assert (version["replaces"], version["chosen"] > 0) == (first["id"], True)
    await client.say("words=0", "third")
    await client.answered("third")
    said = client.said("third")
    assert said is not None
    assert said["branch"] == version["id"]

    await client.send_frame({"type": "choose", "id": first["id"]})
    await other.wait_for(lambda one: one.messages[first["id"]].get("chosen"))

    await client.send_frame({"type": "delete", "id": first["id"]})
    await other.wait_for(lambda one: one.messages[first["id"]].get("deleted"))
    late = await reader(token=client.token, after=0)
    await late.wait_for(lambda one: len(one.messages) == 6)
    deleted = [m for m in late.messages.values() if m.get("deleted")]
    assert {m["id"] for m in deleted} == {first["id"], *replies_of(late, first["id"])}
    assert all(m["content"] == "" for m in deleted)


def replies_of(client: ChatClient, message: str) -> list[str]:
    return [m["id"] for m in client.messages.values() if m["reply_to"] == message]


async def test_what_is_not_here_is_neither_said_anew_nor_chosen_nor_deleted(
    client: ChatClient,
) -> None:
    await client.say("words=0", "first")
    await client.answered("first")

    for kind in ("choose", "delete"):
        error = await client.ask({"type": kind, "id": str(uuid.uuid4())}, "error")
        assert error["code"] == "not_found"
    wrong = {"type": "message", "content": "x", "client_id": "w"}
    for named, code in (
        (str(uuid.uuid4()), "not_found"),
        ("nonsense", "not_found"),
        (7, "bad_frame"),
    ):
        error = await client.ask(wrong | {"replaces": named}, "error")
        assert (error["code"], error["client_id"]) == (code, "w")
