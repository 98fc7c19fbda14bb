"""Tools: carried out as the model asks, answered to it, and never more than a turn may."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.agents import Turn
from conversations.tools import ToolError
from tests.agent_adapters.asking import answer, reply, tokens, turn
from tests.harness.model import Answer, Raw, ToolCall, sse

called: list[tuple[Any, ...]] = []


def weather(turn: Turn, city: str) -> str:
    """Tell the weather of a city."""
    called.append((turn.text, city))
    return f"Sunny in {city}."


def vault() -> str:
    """Open the vault."""
    raise RuntimeError("secret 1234")


def door() -> str:
    """Open the door."""
    raise ToolError("It is locked.")


TOOLS = [weather, vault, door]


@pytest.fixture(autouse=True)
def tools(settings: Any) -> None:
    settings.BOTFLOW_TOOLS = [f"{__name__}.TOOLS"]
    called.clear()


def repeating(body: dict[str, Any]) -> Answer:
    """Play a model that says what its last tool said."""
    return Answer(f"Tool: {body['messages'][-1]['content']}")


def calls(*tool_calls: ToolCall, **more: Any) -> Answer:
    return Answer(tool_calls=tool_calls, **more)


def results(body: dict[str, Any]) -> list[str]:
    return [one["content"] for one in body["messages"] if one["role"] == "tool"]


async def test_a_tool_is_carried_out_and_its_result_told_to_the_model(model):
    model.script(calls(ToolCall("weather", {"city": "Rome"}, "call_7")), repeating)

    assert await reply(text="Weather?") == "Tool: Sunny in Rome."

    assert called == [("Weather?", "Rome")]
    first, second = model.bodies
    assert [one["function"]["name"] for one in first["tools"]] == ["weather", "vault", "door"]
    assert "turn" not in first["tools"][0]["function"]["parameters"]["properties"]
    assert second["messages"][:2] == first["messages"]
    assert second["messages"][2:] == [
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {
                    "id": "call_7",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city": "Rome"}'},
                }
            ],
        },
        {"role": "tool", "tool_call_id": "call_7", "content": "Sunny in Rome."},
    ]


async def test_several_tools_are_carried_out_in_their_order(model):
    wanted = [ToolCall("weather", {"city": each}, each) for each in ("Rome", "Oslo", "Bonn")]
    model.script(calls(*wanted), Answer("All sunny."))

    assert await reply() == "All sunny."

    assert [city for _text, city in called] == ["Rome", "Oslo", "Bonn"]
    assert [one["tool_call_id"] for one in model.bodies[1]["messages"][3:]] == [
        *("Rome", "Oslo", "Bonn")
    ]


async def test_tools_after_tools(model):
    model.script(
        calls(ToolCall("weather", {"city": "Rome"}, "a")),
        calls(ToolCall("weather", {"city": "Oslo"}, "b")),
        Answer("Both sunny."),
    )

    assert await reply() == "Both sunny."
    assert results(model.bodies[2]) == ["Sunny in Rome.", "Sunny in Oslo."]


async def test_what_is_said_before_a_tool_is_a_paragraph_of_its_own(model):
    model.script(
        calls(ToolCall("weather", {"city": "Rome"}), text="Let me see."),
        Answer("\n\nIt is sunny."),
    )

    assert await reply() == "Let me see.\n\nIt is sunny."
    assert model.bodies[1]["messages"][2]["content"] == "Let me see."


@pytest.mark.parametrize("end", ["\n", "\n\n", "\n\n\n"])
async def test_line_ends_that_are_there_are_enough(model, end):
    model.script(calls(ToolCall("vault"), text=f"So:{end}"), Answer("Sunny."))

    assert (await reply()).replace("\n\n\n", "\n\n") == "So:\n\nSunny."


async def test_tokens_are_those_of_all_requests(model):
    model.script(
        calls(ToolCall("vault"), usage=(100, 20)),
        calls(ToolCall("vault"), usage=(130, 7)),
        Answer("No.", usage=(150, 3)),
    )

    assert tokens(await answer()) == (380, 30)


async def test_tokens_that_are_reported_once_are_all_there_are(model):
    model.script(calls(ToolCall("vault"), usage=None), Answer("No.", usage=(150, 3)))

    assert tokens(await answer()) == (150, 3)


async def test_the_thoughts_of_a_model_go_back_to_it_within_the_turn(model):
    """DeepSeek refuses a request without them (api-docs.deepseek.com, "Thinking Mode")."""
    model.script(calls(ToolCall("vault"), reasoning="I need the vault."), Answer("No."))

    assert await reply() == "No."
    assert model.bodies[1]["messages"][2]["reasoning_content"] == "I need the vault."


async def test_a_server_that_says_stop_after_a_call_is_understood(model):
    model.script(calls(ToolCall("weather", {"city": "Rome"}), finish_reason="stop"), repeating)

    assert await reply() == "Tool: Sunny in Rome."


async def test_a_whole_call_without_index_and_id_is_answered(model):
    call = {"function": {"name": "weather", "arguments": '{"city": "Rome"}'}}
    choice = {"delta": {"tool_calls": [call]}, "finish_reason": "tool_calls"}
    model.script(
        Raw(200, {"Content-Type": "text/event-stream"}, sse({"choices": [choice]})), repeating
    )

    assert await reply() == "Tool: Sunny in Rome."
    asked, told = model.bodies[1]["messages"][2:]
    assert told["tool_call_id"] == asked["tool_calls"][0]["id"] != ""


# -- what goes wrong -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "call",
    [
        ToolCall("launch_rockets", {"now": True}),
        ToolCall("", {}),
        ToolCall("a b\n; DROP TABLE", {}),
        ToolCall("__init__", {}),
        ToolCall("weather", "{"),
        ToolCall("weather", "not json"),
        ToolCall("weather", "[1, 2]"),
        ToolCall("weather", "null"),
        ToolCall("weather", {}),
        ToolCall("weather", {"city": ["Rome"]}),
        ToolCall("weather", {"city": "Rome", "turn": {"text": "mine"}}),
        ToolCall("weather", {"city": "Rome", "conversation": 7}),
        ToolCall("weather", "[" * 10_000),
    ],
    ids=lambda call: f"{call.name} {call.json}"[:40],
)
async def test_a_call_that_makes_no_sense_is_answered_with_what_is_wrong(model, call):
    model.script(calls(call), repeating)

    said = await reply()

    assert said.startswith("Tool: Error: ")
    assert called == []


async def test_a_tool_that_fails_tells_the_model_no_secret(model):
    model.script(calls(ToolCall("vault")), repeating)

    said = await reply()

    assert said.startswith("Tool: Error: ")
    assert "1234" not in said


async def test_a_tool_may_say_why_it_failed(model):
    model.script(calls(ToolCall("door")), repeating)

    assert await reply() == "Tool: Error: It is locked."


async def test_a_call_that_was_cut_is_not_carried_out(model):
    cut = ToolCall("weather", {"city": "Rome"})
    model.script(calls(cut, text="Let me see", finish_reason="length"))

    assert await reply() == "Let me see\n\n… (cut: the model's limit was reached)"
    assert called == []


# -- how often -------------------------------------------------------------------------------------


@pytest.mark.parametrize("rounds", [1, 3])
async def test_the_last_request_of_a_turn_has_the_model_answer(model, settings, rounds):
    settings.BOTFLOW_TOOL_ROUNDS = rounds

    def obsessed(body: dict[str, Any]) -> Answer:
        if body.get("tool_choice") == "none":
            return Answer("Enough.")
        return calls(ToolCall("weather", {"city": "Rome"}))

    model.script(obsessed)

    assert await reply() == "Enough."
    assert len(called) == rounds
    assert [body.get("tool_choice") for body in model.bodies] == [None] * rounds + ["none"]


async def test_a_server_that_goes_on_calling_all_the_same_is_not_asked_again(model, settings):
    """Ollama knows no `tool_choice`."""
    settings.BOTFLOW_TOOL_ROUNDS = 2
    model.script(calls(ToolCall("weather", {"city": "Rome"}), text="Once more."))

    assert await reply() == "Once more.\n\nOnce more.\n\nOnce more."
    assert len(called) == 2


# -- whether ---------------------------------------------------------------------------------------


async def test_without_tools_in_the_settings_none_are_offered(model, settings):
    settings.BOTFLOW_TOOLS = []

    await reply()

    assert "tools" not in model.bodies[0]


async def test_a_call_of_a_model_that_was_offered_none_is_refused(model, settings):
    settings.BOTFLOW_TOOLS = []
    model.script(calls(ToolCall("weather", {"city": "Rome"})), repeating)

    assert await reply() == "Tool: Error: there is no such tool."
    assert called == []


@pytest.fixture
def built_in(settings: Any) -> None:
    settings.BOTFLOW_TOOLS = ["all"]


@pytest.mark.usefixtures("built_in")
@pytest.mark.parametrize("is_scheduled", [False, True])
async def test_a_scheduled_turn_is_offered_nothing_that_sets_up_schedules(model, is_scheduled):
    await reply(is_scheduled=is_scheduled)

    offered = {one["function"]["name"] for one in model.bodies[0]["tools"]}
    assert "current_time" in offered
    assert ("create_reminder" in offered) is not is_scheduled


@pytest.mark.usefixtures("built_in")
async def test_the_model_is_told_the_time_by_a_tool(model):
    model.script(calls(ToolCall("current_time")), repeating)

    assert "Asia/Shanghai" in await reply(turn("What time is it?"))
