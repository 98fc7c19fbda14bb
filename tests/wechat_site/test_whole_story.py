"""A follower and a real site, from the first follow to a reminder that WeChat lets nobody send."""

from __future__ import annotations

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator

import pytest
from django.utils import translation

from tests.harness.polling import eventually
from tests.harness.site import Site
from wechat.simulator import Follower, OfficialAccount, Simulator
from wechat.texts import holding_text, welcome_text

# A reminder that waited for the follower says when it was due.
LATE_TEA = re.compile(r"\[\d\d:\d\d\] 喝茶\n\nend of sleep 0 morning")


@pytest.fixture
async def bot(wechat: Simulator) -> AsyncIterator[Site]:
    """A running site of the simulated account, whose agent takes the seconds it is told."""
    settings: dict[str, object] = {**wechat.settings()}
    with Site(agent="tests.agents.waits", **settings) as site:  # type: ignore[arg-type]
        site.start_web()
        site.start_cluster()
        await asyncio.to_thread(site.wait_ready)
        wechat.connect(f"{site.url}/wechat")
        yield site


def turns(bot: Site) -> list[str]:
    """Return what the agent was asked, in order."""
    return [line.split(" ", 2)[2] for line in bot.calls()]


def delivery_states(bot: Site, text: str) -> list[str]:
    connection = sqlite3.connect(f"file:{bot.data / 'botflow.sqlite3'}?mode=ro", uri=True)
    try:
        query = "SELECT delivery_state FROM conversations_message WHERE role = ? AND content = ?"
        return [state for (state,) in connection.execute(query, ("assistant", text))]
    finally:
        connection.close()


async def is_held(bot: Site, text: str) -> None:
    await eventually(lambda: delivery_states(bot, text) == ["held"], f"{text} to be held")


# -- chapters --------------------------------------------------------------------------------------


async def follows(alice: Follower) -> None:
    with translation.override("zh-hans"):
        welcome = welcome_text()

    await alice.follows("market")

    assert [(shown.how, shown.text) for shown in alice.shown] == [("reply", welcome)]


async def is_answered_at_the_second_request(alice: Follower) -> None:
    exchange = await alice.says("sleep 7")

    assert [attempt.problem for attempt in exchange.attempts] == ["hung up", ""]
    assert exchange.text == "end of sleep 7"


async def fetches_what_came_too_late(alice: Follower) -> None:
    with translation.override("zh-hans"):
        please_wait = holding_text()

    exchange = await alice.says("sleep 16")
    fetched = await alice.says("继续")

    assert [attempt.problem for attempt in exchange.attempts] == ["hung up", "hung up", ""]
    assert exchange.text == please_wait
    assert fetched.text == "end of sleep 16"


async def is_answered_by_a_message(alice: Follower, seconds: int) -> None:
    """Get `success` while the agent thinks, and the answer unasked when it is there."""
    exchange = await alice.says(f"sleep {seconds}")

    assert (len(exchange.attempts), exchange.reply, exchange.fault) == (1, None, "")
    assert exchange.attempts[0].seconds < 5
    assert (await alice.sees(f"end of sleep {seconds}")).how == "message"


async def has_the_reminder_kept(alice: Follower, bot: Site) -> None:
    """Speak after a reminder that could not be sent, and see it once, before the answer."""
    await is_held(bot, "喝茶")
    assert not any(shown.text == "喝茶" for shown in alice.shown)

    morning = await alice.says("sleep 0 morning")
    again = await alice.says("sleep 0 again")

    assert LATE_TEA.fullmatch(morning.text)
    assert again.text == "end of sleep 0 again"
    assert delivery_states(bot, "喝茶") == ["sent"]


# -- stories ---------------------------------------------------------------------------------------


def mode_of(account: OfficialAccount) -> str:
    return account.mode


@pytest.mark.parametrize(
    "wechat_account", [OfficialAccount("plain", is_verified=False)], ids=mode_of
)
async def test_an_account_that_may_only_reply(wechat: Simulator, bot: Site) -> None:
    alice = wechat.follower(is_following=False)
    assert await wechat.verify()

    await follows(alice)
    await is_answered_at_the_second_request(alice)
    await fetches_what_came_too_late(alice)
    planned = await alice.says("/提醒 5秒后 喝茶")
    assert "喝茶" in planned.text
    await has_the_reminder_kept(alice, bot)

    assert turns(bot) == ["sleep 7", "sleep 16", "sleep 0 morning", "sleep 0 again"]
    assert [shown.how for shown in alice.shown] == ["reply"] * 7
    assert wechat.calls("message/custom/send") == []


@pytest.mark.parametrize("wechat_account", [OfficialAccount("secure")], ids=mode_of)
async def test_an_account_that_may_send_messages(wechat: Simulator, bot: Site) -> None:
    alice = wechat.follower(is_following=False)
    assert await wechat.verify()

    await follows(alice)
    await is_answered_by_a_message(alice, 7)
    await is_answered_by_a_message(alice, 16)
    await alice.says("/提醒 2秒后 喝水")
    await eventually(lambda: "喝水" in alice.texts, "the reminder while the window is open")
    await alice.says("/提醒 8秒后 喝茶")
    wechat.advance(hours=49)
    await has_the_reminder_kept(alice, bot)

    assert turns(bot) == ["sleep 7", "sleep 16", "sleep 0 morning", "sleep 0 again"]
    assert len(alice.shown) == len(set(alice.texts)) == 8
    codes = [call.answer and call.answer["errcode"] for call in wechat.calls("message/custom/send")]
    assert codes.count(45015) == len(codes) - codes.count(0) == 1
    assert len(wechat.calls("stable_token")) == 1


@pytest.mark.parametrize("wechat_account", [OfficialAccount("compatible")], ids=mode_of)
async def test_an_account_whose_messages_are_both_open_and_encrypted(
    wechat: Simulator, bot: Site
) -> None:
    alice = wechat.follower()

    exchange = await alice.says("sleep 0 a[b[0]]>c 你好")

    assert exchange.text == "end of sleep 0 a[b[0]]>c 你好"
    assert exchange.reply
    assert exchange.reply.is_encrypted
