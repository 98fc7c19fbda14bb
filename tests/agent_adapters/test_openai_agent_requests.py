"""Requests: what the model is told, in which order, and what the settings add to it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from conversations.agents.openai_compatible.request import (
    DEFAULT_PROMPT,
    SCHEDULED_PROMPT,
    TOOLS_PROMPT,
    messages_of,
    payload_of,
)
from conversations.history import SUMMARY_BEGINS
from tests.agent_adapters.asking import assistant, system, turn, user


class Tool:
    name = "current_time"
    description = "Tell the time."
    parameters = {"type": "object", "properties": {}}


def system_of(*args: Any, **options: Any) -> str:
    first = messages_of(*args, **options)[0]
    assert first["role"] == "system"
    content: str = first["content"]
    return content


def test_the_history_stands_between_the_system_prompt_and_the_message():
    asked = turn("And now?", history=[user("Hi"), assistant("Hello!")])

    _, *said = messages_of(asked)

    assert said == [
        {"role": "user", "content": "Hi"},
        {"role": "assistant", "content": "Hello!"},
        {"role": "user", "content": "And now?"},
    ]


def test_the_prompt_is_that_of_the_settings(settings):
    assert system_of(turn()).startswith(DEFAULT_PROMPT)

    settings.BOTFLOW_SYSTEM_PROMPT = "You are a pirate."

    assert system_of(turn()).startswith("You are a pirate.")
    assert DEFAULT_PROMPT not in system_of(turn())
    assert system_of(turn(), prompt="Just facts.").startswith("Just facts.")


@pytest.mark.parametrize(
    ("zone", "said_at", "line"),
    [
        (
            "Asia/Shanghai",
            datetime(2026, 11, 22, 16, 5, tzinfo=UTC),
            "It is Monday, 2026-11-23 00:05 where the user is (Asia/Shanghai, UTC+08:00).",
        ),
        (
            "America/New_York",
            datetime(2026, 7, 1, 2, 0, tzinfo=UTC),
            "It is Tuesday, 2026-06-30 22:00 where the user is (America/New_York, UTC-04:00).",
        ),
        (
            "Asia/Kolkata",
            datetime(2026, 1, 1, tzinfo=UTC),
            "It is Thursday, 2026-01-01 05:30 where the user is (Asia/Kolkata, UTC+05:30).",
        ),
        (
            "UTC",
            datetime(2026, 1, 1, tzinfo=UTC),
            "It is Thursday, 2026-01-01 00:00 where the user is (UTC, UTC+00:00).",
        ),
    ],
)
def test_the_model_knows_the_time_where_the_user_is(zone, said_at, line):
    assert line in system_of(turn(timezone=zone, said_at=said_at))


def test_a_conversation_without_a_zone_has_that_of_the_site(settings):
    settings.TIME_ZONE = "Europe/Berlin"

    assert "(Europe/Berlin, UTC+01:00)" in system_of(turn(timezone=""))


def test_the_model_knows_the_language_that_is_set():
    assert "language is set to zh-hans" in system_of(turn(locale="zh-hans"))


def test_what_changes_stands_at_the_end_of_the_prompt():
    """Providers cache what requests begin with."""
    before = system_of(turn(said_at=datetime(2026, 1, 1, tzinfo=UTC)), [Tool()])
    after = system_of(turn(said_at=datetime(2027, 8, 9, tzinfo=UTC)), [Tool()])

    stable = f"{DEFAULT_PROMPT}\n\n{TOOLS_PROMPT}\n\nIt is "
    assert before.startswith(stable)
    assert after.startswith(stable)


def test_only_a_model_with_tools_is_told_of_them():
    assert TOOLS_PROMPT in system_of(turn(), [Tool()])
    assert "the user's local times" in system_of(turn(), [Tool()])
    assert "ools" not in system_of(turn())


def test_a_leading_summary_joins_the_system_prompt():
    summary = system(SUMMARY_BEGINS + "They spoke of cats.")

    first, *said = messages_of(turn("Go on", history=[summary, user("Hi")]))

    assert "They spoke of cats." in first["content"]
    assert first["content"].index("cats") < first["content"].index("It is Monday")
    assert [one["content"] for one in said] == ["Hi", "Go on"]


def test_a_scheduled_question_of_the_past_is_marked_as_one():
    """Most models take a system message at the beginning only."""
    asked = turn("Thanks", history=[system("Weather?"), assistant("Sunny.")])

    first, *said = messages_of(asked)

    assert [one["role"] for one in said] == ["user", "assistant", "user"]
    assert said[0]["content"] == "[Scheduled question] Weather?"
    assert SCHEDULED_PROMPT in first["content"]


def test_a_scheduled_turn_is_marked_as_one():
    first, said = messages_of(turn("Weather?", is_scheduled=True))

    assert said == {"role": "user", "content": "[Scheduled question] Weather?"}
    assert SCHEDULED_PROMPT in first["content"]


def test_nothing_is_said_of_schedules_where_there_are_none():
    assert "Scheduled" not in system_of(turn(history=[user("Hi"), assistant("Hello!")]))


# -- the request around them -----------------------------------------------------------------------


def test_a_request_asks_for_a_stream_and_its_tokens(settings):
    settings.BOTFLOW_MODEL = "some-model"

    assert payload_of([]) == {
        "model": "some-model",
        "messages": [],
        "stream": True,
        "stream_options": {"include_usage": True},
    }


def test_the_temperature_is_sent_where_it_is_set(settings):
    assert "temperature" not in payload_of([])

    settings.BOTFLOW_TEMPERATURE = 0.0

    assert payload_of([])["temperature"] == 0.0


def test_tools_are_described_as_functions():
    [tool] = payload_of([], tools=[Tool()])["tools"]

    assert tool == {
        "type": "function",
        "function": {
            "name": "current_time",
            "description": "Tell the time.",
            "parameters": {"type": "object", "properties": {}},
        },
    }
    assert "tool_choice" not in payload_of([], tools=[Tool()])


def test_the_options_go_over_everything_but_the_messages_and_the_stream(settings):
    settings.BOTFLOW_TEMPERATURE = 0.5
    settings.BOTFLOW_MODEL_OPTIONS = {
        "temperature": 1,
        "max_tokens": 800,
        "model": "other",
        "messages": ["mine"],
        "stream": False,
        "thinking": {"type": "disabled"},
    }

    payload = payload_of([{"role": "user", "content": "Hi"}])

    assert payload["messages"] == [{"role": "user", "content": "Hi"}]
    assert payload["stream"] is True
    assert (payload["temperature"], payload["max_tokens"]) == (1, 800)
    assert (payload["model"], payload["thinking"]) == ("other", {"type": "disabled"})


def test_an_option_that_is_null_leaves_its_field_out(settings):
    settings.BOTFLOW_MODEL_OPTIONS = {"stream_options": None, "top_p": None}

    assert payload_of([]).keys() == {"model", "messages", "stream"}


def test_a_model_that_may_not_call_is_told_so_but_keeps_its_tools(settings):
    settings.BOTFLOW_MODEL_OPTIONS = {"tool_choice": "required"}

    payload = payload_of([], tools=[Tool()], may_call=False)

    assert payload["tool_choice"] == "none"
    assert len(payload["tools"]) == 1
    assert "tool_choice" not in payload_of([], tools=[Tool()], may_call=False, has_tools=False)
