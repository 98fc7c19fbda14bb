"""A command is told from an ordinary message, however its name is typed."""

from __future__ import annotations

import pytest

from conversations.commands.parsing import Command, parse_command
from tests.conversations.commands.reading import rows

COMMANDS = rows("""
    /help => help
    ／帮助 => help
    /HELP => help
    ／ｈｅｌｐ => help
    /help? => help
    /幫助 => help
    /remind in 10m Stretch => remind in 10m Stretch
    /Remind: in 10m x => remind in 10m x
    /remind，in 10m x => remind in 10m x
    ／remind　in 10m x => remind in 10m x
    /remind => remind
    /提醒 明天9点 开会 => remind 明天9点 开会
    /提醒：10分钟后 喝水 => remind 10分钟后 喝水
    ／提醒　１０分钟后　喝水 => remind １０分钟后　喝水
    /提醒明天9点开会 => remind 明天9点开会
    /提醒10分钟后 喝水 => remind 10分钟后 喝水
    /提醒我 10分钟后喝水 => remind 我 10分钟后喝水
    /tasks => tasks
    /任务 => tasks
    /cancel 3 => cancel 3
    /cancel ３ => cancel 3
    /cancel #3 => cancel 3
    /cancel3 => cancel 3
    /取消 3 => cancel 3
    /取消３ => cancel 3
    /取消 第3个 => cancel 3
    /cancel all => cancel all
    /cancel => cancel
    /pause 2 => pause 2
    /暂停 2 => pause 2
    /resume 2 => resume 2
    /恢复 2 => resume 2
    /继续 2 => resume 2
    /继续2 => resume 2
    /new => new
    /新对话 => new
    /stop => stop
    /停止 => stop
""")

MISTYPED = rows("""
    /remnd in 10m x => remind
    /reminder in 10m x => remind
    /remind10m x => remind
    /sotp => stop
    /task => tasks
    /cancle 3 => cancel
    /帮组 => 帮助
    /提酲 10分钟后 => 提醒
    /取消订单 => 取消
""")

MESSAGES = [
    *("", "/", "//", "// a comment", "/ help", "help", "提醒 明天9点 开会", "hello /help"),
    *("/usr/bin", "/usr", "/etc/hosts is missing", "/tmp", "/home", "/var", "/opt", "/dev"),
    *("/help/me", "/stop-list", "/stop_it", "/remind/", "/1", "/3 + 4", "/👋", "/\0help"),
    *("/start", "/继续", "/继续写", "/我想喝水", "/" + "remind" * 5, "/" + "a" * 10_000),
]


@pytest.mark.parametrize(("typed", "expected"), COMMANDS)
def test_a_command_is_read(typed: str, expected: str) -> None:
    name, _, argument = expected.partition(" ")

    assert parse_command(typed) == Command(name, argument)


@pytest.mark.parametrize(("typed", "suggestion"), MISTYPED)
def test_a_mistyped_command_is_not_a_message(typed: str, suggestion: str) -> None:
    command = parse_command(typed)

    assert command is not None
    assert (command.name, command.suggestion) == ("unknown", suggestion)


@pytest.mark.parametrize("typed", MESSAGES)
def test_a_path_and_any_other_text_is_a_message(typed: str) -> None:
    assert parse_command(typed) is None


def test_an_argument_may_have_several_lines() -> None:
    assert parse_command(" /remind in 10m\n  milk\neggs\n") == Command(
        "remind", "in 10m\n  milk\neggs"
    )
