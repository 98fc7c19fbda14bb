"""The `tasks` and `task` frames: the page's list of reminders, and steering them by number."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.harness.client import ChatClient
from tests.sockets.conftest import Reader
from tests.sockets.test_commands import command


async def tasks(client: ChatClient) -> list[dict[str, Any]]:
    frame = await client.ask({"type": "tasks"}, "tasks")
    found: list[dict[str, Any]] = frame["tasks"]
    return found


async def pushed(client: ChatClient, before: int) -> list[dict[str, Any]]:
    """Return the tasks of the first frame that came after so many frames."""
    frame = await client.next_frame(lambda frame: frame["type"] == "tasks", start=before)
    found: list[dict[str, Any]] = frame["tasks"]
    return found


async def shows(client: ChatClient, states: list[str], before: int = 0) -> dict[str, Any]:
    """Wait until the last list a reader has shows these states, and return it.

    One list may overtake another on its way: what counts is which one a reader is left with.
    """

    def last(one: ChatClient) -> dict[str, Any] | None:
        lists = [frame for frame in one.frames[before:] if frame["type"] == "tasks"]
        newest = max(reversed(lists), key=lambda frame: frame["seq"], default=None)
        right = newest and [task["state"] for task in newest["tasks"]] == states
        return newest if right else None

    found: dict[str, Any] = await client.wait_for(last, what=f"Tasks that are {states}.")
    return found


async def test_before_the_first_message_there_are_no_tasks(client: ChatClient) -> None:
    assert await tasks(client) == []
    error = await client.ask({"type": "task", "number": 1, "do": "cancel"}, "error")
    assert error["code"] == "not_found"


async def test_the_next_task_comes_first_with_all_there_is_to_show(reader: Reader) -> None:
    client = await reader(timezone="Asia/Shanghai")
    await command(client, "/remind every 2h drink")
    await command(client, "/remind in 1h stretch")

    first, second = await tasks(client)

    assert (first["number"], first["text"], second["number"]) == (2, "stretch", 1)
    assert (second["words"], second["text"]) == ("Every 2 hours", "drink")
    next_at = datetime.fromisoformat(second["next_at"])
    assert timedelta(hours=1, minutes=59) < next_at - datetime.now(UTC) <= timedelta(hours=2)
    assert second["timezone"] == "Asia/Shanghai"
    assert (second["state"], second["reason"]) == ("enabled", "")


async def test_a_task_is_paused_resumed_and_cancelled_and_every_reader_sees_it(
    client: ChatClient, reader: Reader
) -> None:
    other = await reader(token=client.token)
    await command(client, "/remind every 2h drink")
    await pushed(other, 0)

    for do, states in (("pause", ["paused"]), ("pause", ["paused"]), ("resume", ["enabled"])):
        before = len(other.frames)
        await client.send_frame({"type": "task", "number": 1, "do": do})
        shown = await shows(client, states)
        assert (await shows(other, states, before))["tasks"] == shown["tasks"]
    await client.send_frame({"type": "task", "number": 1, "do": "cancel"})
    last = await shows(client, [])
    assert last["seq"] == client.seq
    await shows(other, [])


async def test_a_paused_task_has_no_next_time(client: ChatClient) -> None:
    await command(client, "/remind every 2h drink")
    await command(client, "/pause 1")

    [task] = await tasks(client)

    assert (task["state"], task["next_at"]) == ("paused", None)


async def test_commands_show_the_tasks_to_every_reader(client: ChatClient, reader: Reader) -> None:
    await command(client, "/help")
    other = await reader(token=client.token)
    before = len(other.frames)

    await command(client, "/remind in 3s stretch")
    shown = await pushed(other, before)
    assert [task["text"] for task in shown] == ["stretch"]

    before = len(other.frames)
    assert await pushed(other, before) == [], "It was said and is over."


async def test_users_never_see_or_touch_the_tasks_of_others(
    client: ChatClient, reader: Reader
) -> None:
    await command(client, "/remind every 2h secret")
    stranger = await reader()
    await command(stranger, "/help")

    assert await tasks(stranger) == []
    for do in ("pause", "resume", "cancel"):
        error = await stranger.ask({"type": "task", "number": 1, "do": do}, "error")
        assert error["code"] == "not_found"
    assert "secret" not in await command(stranger, "/tasks")
    await command(stranger, "/cancel all")

    [task] = await tasks(client)
    assert (task["text"], task["state"]) == ("secret", "enabled")
    assert "secret" not in str(stranger.frames)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ({"number": 1}, "bad_frame"),
        ({"do": "cancel"}, "bad_frame"),
        ({"number": 1, "do": "delete"}, "bad_frame"),
        ({"number": 1, "do": ["cancel"]}, "bad_frame"),
        ({"number": "1", "do": "cancel"}, "bad_frame"),
        ({"number": -1, "do": "cancel"}, "bad_frame"),
        ({"number": True, "do": "cancel"}, "bad_frame"),
        ({"number": 2**40, "do": "cancel"}, "not_found"),
        ({"number": 2**80, "do": "cancel"}, "bad_frame"),
        ({"number": 7, "do": "pause"}, "not_found"),
    ],
)
async def test_a_wrong_wish_is_answered_with_an_error(
    client: ChatClient, clean_logs: None, frame: dict[str, Any], code: str
) -> None:
    await command(client, "/remind every 2h drink")

    error = await client.ask({"type": "task", **frame}, "error")

    assert error["code"] == code
    assert len(await tasks(client)) == 1
