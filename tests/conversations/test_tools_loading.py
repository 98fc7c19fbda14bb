"""`BOTFLOW_TOOLS` names the tools: words for those built in, dotted paths for a site's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from django.core.exceptions import ImproperlyConfigured

from conversations.agents import Turn
from conversations.models import Conversation
from conversations.tools import get_tools, offered_tools

HERE = "tests.conversations.tooling"
REMINDERS = [
    "create_reminder",
    "create_scheduled_question",
    "list_reminders",
    "pause_reminder",
    "resume_reminder",
    "cancel_reminder",
]
SET_UP = REMINDERS[:2]


def names(*words: str) -> list[str]:
    return [tool.name for tool in get_tools(words)]


def turn(**more: Any) -> Turn:
    conversation = Conversation(channel="web", address="a")
    return Turn("hi", [], conversation, "web", "en", "UTC", **more)


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([], []),
        (["reminders"], REMINDERS),
        (["time"], ["current_time"]),
        (["Time"], ["current_time"]),
        (["all"], [*REMINDERS, "current_time"]),
        (["true"], [*REMINDERS, "current_time"]),
        (["YES"], [*REMINDERS, "current_time"]),
        (["on"], [*REMINDERS, "current_time"]),
        (["1"], [*REMINDERS, "current_time"]),
        (["time", "time", "all"], ["current_time", *REMINDERS]),
        ([f"{HERE}.weather"], ["weather"]),
        ([f"{HERE}.several", "time"], ["weather", "add", "current_time"]),
        ([f"{HERE}.several", f"{HERE}.weather"], ["weather", "add"]),
    ],
)
def test_each_word_offers_its_tools_once(words: list[str], expected: list[str]) -> None:
    assert names(*words) == expected


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["weather"], "'weather' is none of reminders, time and all, and no dotted path."),
        (["no.such.module"], "'no.such.module' cannot be imported: ModuleNotFoundError"),
        ([f"{HERE}.missing"], "cannot be imported: ImportError"),
        (["tests..tooling"], "cannot be imported"),
        ([f"{HERE}.no_function"], "is neither a function nor a list of functions."),
        ([f"{HERE}.Color"], "is neither a function nor a list of functions."),
        ([f"{HERE}.mixed"], f"'{HERE}.mixed': A tool is a function with a name; of type int"),
        ([f"{HERE}.vague"], "The tool vague: say the type of “value”"),
        (["time", f"{HERE}.current_time"], "two tools are named 'current_time'."),
    ],
)
def test_a_wrong_value_is_named_with_what_is_wrong(words: list[str], reason: str) -> None:
    with pytest.raises(ImproperlyConfigured) as caught:
        get_tools(words)

    assert str(caught.value).startswith("BOTFLOW_TOOLS: ")
    assert reason in str(caught.value)


def test_a_module_that_fails_while_it_is_imported_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "broken_tools.py").write_text("1 / 0\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ImproperlyConfigured, match="cannot be imported: ZeroDivisionError"):
        get_tools(["broken_tools.tool"])


def test_the_setting_names_them_where_nobody_else_does(settings: Any) -> None:
    settings.BOTFLOW_TOOLS = ["time"]
    first = [tool.name for tool in get_tools()]
    settings.BOTFLOW_TOOLS = []

    assert first == ["current_time"]
    assert get_tools() == []


def test_tools_are_built_once_and_the_list_is_the_callers_own() -> None:
    mine = get_tools(["all"])
    [first, *_others] = mine
    mine.clear()

    assert get_tools(["all"])[0] is first


def test_a_turn_of_a_schedule_is_offered_none_that_set_up_schedules() -> None:
    every = get_tools(["all"])

    spoken = offered_tools(turn(), every)
    scheduled = offered_tools(turn(is_scheduled=True), every)

    assert spoken == every
    assert [tool.name for tool in every if tool not in scheduled] == SET_UP
