"""What a server refuses of a request is left out, once; what cannot be left out is an error."""

from __future__ import annotations

from typing import Any

import pytest

from conversations.agents.openai_compatible.errors import ModelError
from conversations.history import SUMMARY_BEGINS
from tests.agent_adapters.asking import answer, assistant, reply, system, tokens, user
from tests.harness.model import Answer, Raw, ToolCall, failure, sse

STREAM = {"Content-Type": "text/event-stream"}
TOO_LONG = failure(
    400,
    {
        "error": {
            "message": "This model's maximum context length is 8192 tokens. However, …",
            "type": "invalid_request_error",
            "param": "messages",
            "code": "context_length_exceeded",
        }
    },
)
NO_IMAGES = failure(
    400,
    {
        "error": {
            "message": "Failed to deserialize the JSON body into the target type: "
            "messages[1]: unknown variant `image_url`, expected `text`",
            "type": "invalid_request_error",
        }
    },
)
NO_TOOLS = failure(
    400,
    {
        "error": {
            "message": "registry.ollama.ai/library/gemma3:4b does not support tools",
            "type": "api_error",
            "param": None,
            "code": None,
        }
    },
)
NO_TOOL_USE = failure(
    404, {"error": {"message": "No endpoints found that support tool use.", "code": 404}}
)
NO_TOOL_CHOICE = failure(400, {"error": {"code": "1210", "message": "API 调用参数有误"}})
NO_USAGE = failure(
    400,
    {
        "object": "error",
        "message": "[{'type': 'extra_forbidden', 'loc': ('body', 'stream_options'), "
        "'msg': 'Extra inputs are not permitted'}]",
        "type": "BadRequestError",
        "code": 400,
    },
)
NO_USAGE_MISTRAL = failure(
    422,
    {
        "object": "error",
        "message": {
            "detail": [
                {
                    "type": "extra_forbidden",
                    "loc": ["body", "stream_options", "include_usage"],
                    "msg": "Extra inputs are not permitted",
                }
            ]
        },
        "type": "invalid_request_error",
    },
)
OTHER = failure(400, {"error": {"message": "Bad weather.", "type": "invalid_request_error"}})

HISTORY = [user("1"), assistant("2"), user("3"), assistant("4"), user("5"), assistant("6")]
WEB = "https://example.com/cat.png"


@pytest.fixture
def time_tool(settings: Any) -> None:
    settings.BOTFLOW_TOOLS = ["time"]


def texts(body: dict[str, Any]) -> list[Any]:
    return [one["content"] for one in body["messages"][1:]]


async def error_of(**fields: Any) -> ModelError:
    with pytest.raises(ModelError) as failed:
        await answer(**fields)
    return failed.value


# -- too long --------------------------------------------------------------------------------------


async def test_a_conversation_that_is_too_long_loses_its_older_half(model):
    model.script(TOO_LONG, Answer("Now it fits."))

    assert await reply(text="7", history=HISTORY) == "Now it fits."
    assert texts(model.bodies[0]) == ["1", "2", "3", "4", "5", "6", "7"]
    # Not 4: what it answers is gone.
    assert texts(model.bodies[1]) == ["5", "6", "7"]


async def test_its_summary_is_kept(model):
    model.script(TOO_LONG, Answer("Now it fits."))
    summary = system(SUMMARY_BEGINS + "They count.")

    await reply(text="7", history=[summary, *HISTORY])

    assert texts(model.bodies[1]) == ["5", "6", "7"]
    assert "They count." in model.bodies[1]["messages"][0]["content"]


async def test_a_conversation_that_is_still_too_long_is_an_error(model):
    model.script(TOO_LONG)

    error = await error_of(history=HISTORY)

    assert (error.kind, error.permanent) == ("too_long", True)
    assert len(model.requests) == 2


async def test_a_message_that_is_too_long_alone_is_an_error_at_once(model):
    model.script(TOO_LONG)

    assert (await error_of()).kind == "too_long"
    assert len(model.requests) == 1


# -- images ----------------------------------------------------------------------------------------


async def test_a_model_without_eyes_is_told_of_the_image(model):
    model.script(NO_IMAGES, Answer("I cannot see it."))

    assert await reply(text="What is it?", attachments=(WEB,)) == "I cannot see it."
    assert texts(model.bodies[1]) == ["What is it?\n\n[An image that cannot be shown]"]


async def test_without_images_to_leave_out_it_is_an_error(model):
    model.script(NO_IMAGES)

    assert (await error_of()).kind == "refused"
    assert len(model.requests) == 1


# -- tools -----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("time_tool")
@pytest.mark.parametrize("refusal", [NO_TOOLS, NO_TOOL_USE], ids=["Ollama", "OpenRouter"])
async def test_a_model_without_tools_answers_without_them(model, refusal, caplog):
    model.script(refusal, Answer("I have no clock."))

    assert await reply() == "I have no clock."
    first, second = model.bodies
    assert "tools" in first
    assert "tools" not in second
    assert "Use your tools" not in second["messages"][0]["content"]
    assert "The model's server refused the tools; it is asked without." in caplog.messages


@pytest.mark.usefixtures("time_tool")
async def test_a_server_without_tool_choice_gets_no_tools_in_the_end(model, settings):
    """GLM takes nothing but `auto`."""
    settings.BOTFLOW_TOOL_ROUNDS = 1
    model.script(Answer(tool_calls=[ToolCall("current_time")]), NO_TOOL_CHOICE, Answer("Nine."))

    assert await reply() == "Nine."
    assert [("tools" in body, "tool_choice" in body) for body in model.bodies] == [
        *((True, False), (True, True), (False, False))
    ]
    assert model.bodies[2]["messages"][3]["role"] == "tool"


async def test_where_no_tools_were_offered_it_is_an_error(model):
    model.script(NO_TOOLS)

    assert (await error_of()).kind == "refused"
    assert len(model.requests) == 1


# -- usage -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("refusal", [NO_USAGE, NO_USAGE_MISTRAL], ids=["vLLM", "Mistral"])
async def test_a_server_that_counts_no_tokens_is_not_asked_to(model, refusal):
    model.script(refusal, Answer("Hello."))

    chunks = await answer()

    assert "".join(chunk.text for chunk in chunks) == "Hello."
    assert tokens(chunks) == (None, None)
    assert "stream_options" not in model.bodies[1]


# -- bounds ----------------------------------------------------------------------------------------


@pytest.mark.usefixtures("time_tool")
async def test_a_server_that_refuses_everything_is_asked_once_for_each(model):
    model.script(TOO_LONG, NO_IMAGES, NO_USAGE, NO_TOOLS, Answer("At last."))

    assert await reply(history=HISTORY, attachments=(WEB,)) == "At last."
    assert len(model.requests) == 5


@pytest.mark.usefixtures("time_tool")
@pytest.mark.parametrize("refusal", [NO_TOOLS, NO_USAGE, TOO_LONG, NO_IMAGES])
async def test_what_is_refused_again_is_an_error(model, refusal):
    model.script(refusal)

    error = await error_of(history=HISTORY, attachments=(WEB,))

    assert error.permanent
    assert len(model.requests) == 2


@pytest.mark.parametrize("refusal", [OTHER, failure(401), failure(404), failure(429), failure(500)])
async def test_other_errors_are_not_mended_here(model, refusal):
    model.script(refusal)

    await error_of(history=HISTORY, attachments=(WEB,))

    assert len(model.requests) == 1


async def test_nothing_is_said_twice(model):
    """What was shown stays: an error after it ends the turn."""
    said = {"choices": [{"index": 0, "delta": {"content": "Half"}}]}
    error = {"error": {"message": "too long", "code": "context_length_exceeded"}}
    model.script(Raw(200, STREAM, sse(said, error, done=False)), Answer("Whole."))

    assert (await error_of(history=HISTORY)).kind == "too_long"
    assert len(model.requests) == 1


@pytest.mark.usefixtures("time_tool")
async def test_a_server_that_wants_no_thoughts_back_gets_none(model):
    calling = Answer(tool_calls=[ToolCall("current_time")], reasoning="I need the time.")
    model.script(calling, OTHER, Answer("Nine."))

    assert await reply() == "Nine."
    assert ["reasoning_content" in body["messages"][2] for body in model.bodies[1:]] == [
        *(True, False)
    ]


@pytest.mark.usefixtures("time_tool")
async def test_a_request_after_a_tool_is_mended_as_well(model):
    model.script(
        Answer("Let me see.", tool_calls=[ToolCall("current_time")], usage=(5, 5)),
        TOO_LONG,
        Answer("Nine.", usage=(7, 1)),
    )

    chunks = await answer(history=HISTORY)

    assert "".join(chunk.text for chunk in chunks) == "Let me see.\n\nNine."
    assert tokens(chunks) == (12, 6)
    assert [one["role"] for one in model.bodies[2]["messages"][-2:]] == ["assistant", "tool"]
