"""Chat commands end to end: they are answered at once, without the agent, and reminders arrive."""

import asyncio
from typing import Any

from tests.harness.client import ChatClient
from tests.harness.site import Site
from tests.sockets.conftest import Reader


async def command(client: ChatClient, content: str) -> str:
    reply = await client.answered(await client.say(content))
    return str(reply["content"])


async def said(client: ChatClient, content: str) -> dict[str, Any]:
    """Return the unasked message with this content, once it is there."""

    def look(one: ChatClient) -> dict[str, Any] | None:
        return next((m for m in one.messages.values() if m["content"] == content), None)

    found: dict[str, Any] = await client.wait_for(look, 15, content)
    return found


async def test_reminders_arrive_in_both_languages(client: ChatClient, served: Site) -> None:
    before = len(served.calls())

    english = await command(client, "/remind in 3s stretch")
    chinese = await command(client, "/提醒 3秒后 喝水")

    assert "task 1" in english
    assert "任务 2" in chinese
    for text in ("stretch", "喝水"):
        message = await said(client, text)
        assert (message["role"], message["state"]) == ("assistant", "done")
        assert message["reply_to"] is None
    assert len(served.calls()) == before, "An agent was asked."


async def test_a_reminder_that_comes_too_often_is_refused(client: ChatClient) -> None:
    assert "too often" in await command(client, "/remind every 2s drink")
    assert (await client.ask({"type": "tasks"}, "tasks"))["tasks"] == []


async def test_stop_as_a_message_stops_a_slow_answer_at_once(client: ChatClient) -> None:
    await client.say("words=200 every=0.1", "slow")
    await client.wait_for(
        lambda one: any(message["state"] == "streaming" for message in one.messages.values())
    )

    async with asyncio.timeout(5):
        reply = await command(client, "/stop")

    assert reply == "Stopped."
    assert client.state_of("slow") == "stopped"


async def test_a_stop_of_nothing_says_so(client: ChatClient) -> None:
    assert await command(client, "/stop") == "Nothing was being answered."


async def test_the_times_are_those_of_the_zone_in_the_url(reader: Reader) -> None:
    client = await reader(timezone="Asia/Shanghai")
    assert "(Asia/Shanghai)" in await command(client, "/remind daily 9:00 stretch")

    moved = await reader(token=client.token, timezone="Europe/Berlin")
    assert "(Europe/Berlin)" in await command(moved, "/remind daily 9:00 stretch")

    silent = await reader(token=client.token)
    assert "(Europe/Berlin)" in await command(silent, "/remind daily 9:00 stretch")


async def test_a_zone_that_is_none_is_passed_over(reader: Reader) -> None:
    for zone in ("Mars/Phobos", "../../etc/passwd", "x" * 500, "%00"):
        client = await reader(timezone=zone)
        assert "(UTC)" in await command(client, "/remind daily 9:00 stretch")


async def test_a_command_is_in_the_language_of_the_reader(reader: Reader) -> None:
    client = await reader({"additional_headers": {"Accept-Language": "zh-CN"}})

    assert "你可以输入" in await command(client, "/help")
