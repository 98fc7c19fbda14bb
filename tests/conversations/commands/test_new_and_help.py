"""`/new` has the agent forget; `/help` and mistyped commands say what there is to type."""

from __future__ import annotations

import pytest

from conversations.agents import Turn
from conversations.models import Conversation
from tests.conversations.commands.carrying import command
from tests.conversations.working import read, say


def shown(turn: Turn) -> list[str]:
    return [message.content for message in turn.history]


@pytest.mark.parametrize(
    ("typed", "said"), [("/new", "no longer shown"), ("/新对话", "不再看到之前说过的内容")]
)
async def test_the_history_starts_after_it(worker, turns, typed, said):
    await command(worker, "one")
    reply = await command(worker, typed)
    await command(worker, "two")
    await command(worker, "three")

    assert said in reply
    assert [shown(turn) for turn in turns] == [[], [], ["two", "re: two"]]


async def test_the_reply_to_what_was_asked_before_is_not_shown_either(worker, turns):
    await say("one", "/new", "two", "three")

    await worker.work()

    assert [shown(turn) for turn in turns] == [[], [], ["two", "re: two"]]


async def test_settings_that_were_there_are_kept(worker):
    await command(worker, "/new", locale="zh-hans", timezone="Asia/Shanghai")

    settings = await read(lambda: Conversation.objects.get().settings)
    assert settings.pop("history_after")["message"]
    assert settings == {"locale": "zh-hans", "timezone": "Asia/Shanghai"}


async def test_a_task_survives_a_new_conversation(worker):
    await command(worker, "/remind in 10m stretch")
    await command(worker, "/new")

    assert "stretch" in await command(worker, "/tasks")


async def test_help_lists_every_command(worker):
    reply = await command(worker, "/help")

    for name in ("remind", "tasks", "cancel", "pause", "resume", "new", "stop", "help"):
        assert f"/{name}" in reply


@pytest.mark.parametrize(("typed", "locale"), [("/help", "zh-hans"), ("/帮助", "en")])
async def test_replies_are_chinese_where_the_conversation_or_the_command_is(worker, typed, locale):
    reply = await command(worker, typed, locale=locale)

    for name in ("提醒", "任务", "取消", "暂停", "恢复", "新对话", "停止", "帮助"):
        assert f"/{name}" in reply


@pytest.mark.parametrize(
    ("typed", "locale", "name"),
    [("/remnd me", "en", "/remind"), ("/taks", "zh-hans", "/任务"), ("/继续3天", "en", "/恢复")],
)
async def test_a_mistyped_command_is_told_what_it_looks_like(worker, typed, locale, name):
    assert name in await command(worker, typed, locale=locale)
