"""What a model's server sends in good order arrives, whole and in time, and leaves nothing open."""

import asyncio
import gc
import time
from contextlib import aclosing
from typing import Any

import pytest

from conversations.agents.openai_compatible.client import ModelClient, get_client
from conversations.agents.openai_compatible.errors import ModelError
from tests.agent_adapters.client_calls import PAYLOAD, ask, text_of
from tests.harness.model import Answer, ModelServer, Raw, ToolCall, sse
from tests.harness.polling import eventually, wait_until

HI = {"choices": [{"delta": {"content": "Hi"}, "finish_reason": "stop"}]}


async def test_the_pieces_of_a_text_arrive_with_the_end_and_the_tokens(model: ModelServer) -> None:
    model.script(Answer(pieces=["早上", "好 😀", "\u2028", "!"], usage=(12, 4)))

    events = await ask()

    assert [event.text for event in events if event.text] == ["早上", "好 😀", "\u2028", "!"]
    assert [event.finish_reason for event in events if event.finish_reason] == ["stop"]
    assert (events[-1].input_tokens, events[-1].output_tokens) == (12, 4)


async def test_the_server_gets_the_payload_and_the_key(model: ModelServer) -> None:
    await ask()

    request = model.requests[0]
    assert request.path == "/v1/chat/completions"
    assert request.body == PAYLOAD
    assert request.headers["authorization"] == "Bearer sk-loopback"


async def test_a_server_without_a_key_gets_none(model: ModelServer) -> None:
    client = ModelClient(base_url=model.base_url, api_key="")

    async with aclosing(client.stream(PAYLOAD)) as events:
        [_ async for _ in events]

    assert "authorization" not in model.requests[0].headers


async def test_pieces_are_given_on_as_they_come(model: ModelServer) -> None:
    model.script(Answer(pieces=["first", "second"], every=30))

    async with aclosing(get_client().stream(PAYLOAD)) as events:
        async with asyncio.timeout(5):
            assert (await anext(events)).text == "first"


async def test_reasoning_is_kept_apart_from_the_text(model: ModelServer) -> None:
    model.script(Answer("Yes.", reasoning="Is it so?"))

    events = await ask()

    assert text_of(events) == "Yes."
    assert "".join(event.reasoning for event in events) == "Is it so?"


async def test_calls_of_tools_arrive_in_pieces(model: ModelServer) -> None:
    model.script(Answer(tool_calls=[ToolCall("add", {"a": "ü"}, "call_a"), ToolCall("b")]))

    deltas = [delta for event in await ask() for delta in event.tool_calls]

    assert [(one.index, one.id, one.name) for one in deltas if one.name] == [
        (0, "call_a", "add"),
        (1, "call_1", "b"),
    ]
    assert "".join(one.arguments for one in deltas if one.index == 0) == '{"a": "ü"}'


async def test_an_answer_in_plain_json_is_read_whole(model: ModelServer) -> None:
    model.script(Answer("All at once.", tool_calls=[ToolCall("a"), ToolCall("b")], usage=(3, 2)))

    [event] = await ask({**PAYLOAD, "stream": False})

    assert event.text == "All at once."
    assert [call.index for call in event.tool_calls] == [0, 1]
    assert (event.input_tokens, event.output_tokens) == (3, 2)


async def test_connections_are_used_again(
    model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    # However slow the machine: the body ends a little after the answer.
    monkeypatch.setattr("conversations.agents.openai_compatible.client.END_TIMEOUT", 10)
    model.script(Raw(body=[b"".join(sse(HI)), b"\n"], every=0.1))

    for _time in range(3):
        await ask()

    assert {request.connection for request in model.requests} == {1}


async def test_a_request_on_a_connection_that_was_just_closed_is_sent_anew(
    model: ModelServer,
) -> None:
    model.script(Raw(drop=True), Answer("Here."))

    assert text_of(await ask()) == "Here."


async def test_closing_the_stream_hangs_up_at_once(model: ModelServer) -> None:
    model.script(Answer(pieces=["word "] * 1000, every=0.02))

    async with aclosing(get_client().stream(PAYLOAD)) as events:
        await anext(events)
        closed_at = time.monotonic()

    seen_at = await eventually(lambda: model.requests[0].disconnected_at, "the end", 5)
    assert seen_at - closed_at < 1


async def test_cancelling_whoever_reads_hangs_up_at_once(model: ModelServer) -> None:
    model.script(Answer(pieces=["word "] * 1000, every=0.02))
    task = asyncio.create_task(ask())
    await eventually(lambda: model.requests, "the request", 5)

    task.cancel()
    cancelled_at = time.monotonic()
    with pytest.raises(asyncio.CancelledError):
        await task

    seen_at = await eventually(lambda: model.requests[0].disconnected_at, "the end", 5)
    assert seen_at - cancelled_at < 1


async def test_cancelling_before_the_first_byte_hangs_up_too(model: ModelServer) -> None:
    model.script(Raw(first_after=60))
    task = asyncio.create_task(ask())
    await eventually(lambda: model.requests, "the request", 5)

    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert await eventually(lambda: model.requests[0].disconnected_at, "the end", 5)


async def test_two_hundred_streams_go_on_at_once(model: ModelServer) -> None:
    model.script(Answer(pieces=["first", "never"], every=60))
    everybody = asyncio.Barrier(200)

    async def wait_for_the_others_amid_the_answer() -> str:
        async with aclosing(get_client().stream(PAYLOAD)) as events:
            event = await anext(events)
            await everybody.wait()
            return event.text

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        tasks = [group.create_task(wait_for_the_others_amid_the_answer()) for _ in range(200)]

    assert [task.result() for task in tasks] == ["first"] * 200
    await eventually(lambda: not model.open_connections, "all to hang up", 5)
    assert all(request.disconnected_at for request in model.requests)


async def test_a_consumer_may_take_longer_than_a_server_may(
    model: ModelServer, settings: Any
) -> None:
    settings.BOTFLOW_MODEL_FIRST_TIMEOUT = settings.BOTFLOW_MODEL_STALL_TIMEOUT = 0.6
    model.script(Answer(pieces="abcdefgh", every=0.15))
    texts = []

    async with aclosing(get_client().stream(PAYLOAD)) as events:
        async for event in events:
            texts.append(event.text)
            if texts == ["a"]:
                # Slower than the server may be: that is what this is about.
                await asyncio.sleep(0.9)

    assert "".join(texts) == "abcdefgh"


async def test_a_large_request_is_sent_without_a_warning(model: ModelServer) -> None:
    image = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 3_000_000}}
    payload = {**PAYLOAD, "messages": [{"role": "user", "content": [image]}]}

    await ask(payload)

    assert model.bodies[0] == payload


async def test_half_a_character_in_a_question_is_no_reason_to_fail(model: ModelServer) -> None:
    await ask({**PAYLOAD, "messages": [{"role": "user", "content": "a\ud83d"}]})

    assert model.bodies[0]["messages"][0]["content"] == "a?"


def test_a_loop_that_ends_takes_its_connections_with_it(model: ModelServer) -> None:
    for _time in range(3):
        assert text_of(asyncio.run(ask())) == "Hello from the model."

    # What was left open warns where it is collected, and warnings are errors.
    gc.collect()
    wait_until(lambda: not model.open_connections, "the connections to be closed", 5)


async def test_a_closed_client_can_be_used_again(model: ModelServer) -> None:
    await ask()

    await get_client().aclose()
    await eventually(lambda: not model.open_connections, "the connection to be closed", 5)

    assert text_of(await ask()) == "Hello from the model."


async def test_a_changed_address_is_used(model: ModelServer, settings: Any) -> None:
    settings.OPENAI_BASE_URL = "http://127.0.0.1:1/v1"
    with pytest.raises(ModelError):
        await ask()
    settings.OPENAI_BASE_URL = model.base_url

    assert text_of(await ask()) == "Hello from the model."


async def test_the_proxy_of_the_environment_is_used(
    model: ModelServer, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.OPENAI_BASE_URL = "http://model.invalid/v1"
    monkeypatch.setenv("http_proxy", f"http://me:secret@127.0.0.1:{model.port}")
    monkeypatch.setenv("no_proxy", "localhost")
    await ask()

    request = model.requests[0]
    assert request.path == "http://model.invalid/v1/chat/completions"
    assert request.headers["proxy-authorization"] == "Basic bWU6c2VjcmV0"
    assert request.headers["authorization"] == "Bearer sk-loopback"

    monkeypatch.setenv("no_proxy", "model.invalid")
    with pytest.raises(ModelError):
        await ask()


async def test_comments_keep_a_stream_alive(model: ModelServer, settings: Any) -> None:
    settings.BOTFLOW_MODEL_FIRST_TIMEOUT = settings.BOTFLOW_MODEL_STALL_TIMEOUT = 0.4
    model.script(Raw(body=[*[b": keep-alive\n\n"] * 8, *sse(HI)], every=0.1))

    assert text_of(await ask()) == "Hi"
