"""A whole site on a model: tools, stopping, a killed worker, and models that misbehave."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest

from tests.harness.client import ChatClient
from tests.harness.model import Answer, ModelServer, Raw, ToolCall, failure, sse
from tests.harness.polling import eventually
from tests.harness.site import Site

KEY = "sk-0123456789-very-secret"
CHINESE = {"Accept-Language": "zh-CN,zh;q=0.9"}


@pytest.fixture(scope="module")
def model() -> Iterator[ModelServer]:
    with ModelServer() as server:
        yield server


@pytest.fixture(scope="module")
def site(model: ModelServer) -> Iterator[Site]:
    """A site with two workers, so that a killed one's work is taken over at once."""
    with Site(
        agent="openai_compatible",
        workers=2,
        OPENAI_BASE_URL=model.base_url,
        OPENAI_API_KEY=KEY,
        BOTFLOW_MODEL="fake",
        BOTFLOW_TOOLS="reminders,time",
        BOTFLOW_MODEL_FIRST_TIMEOUT=1,
        BOTFLOW_MODEL_STALL_TIMEOUT=1,
        BOTFLOW_MAX_REPLY_LENGTH=50_000,
        TIME_ZONE="Asia/Shanghai",
    ) as site:
        site.start_web()
        site.start_cluster()
        site.wait_ready()
        yield site


@pytest.fixture
async def client(site: Site) -> AsyncIterator[ChatClient]:
    async with ChatClient(site.socket_url, keep=True) as client:
        yield client


def plays_a_tool_user(body: dict[str, Any]) -> Answer:
    """Call the tool that sets reminders up as models do, then tell what it said."""
    last = body["messages"][-1]
    if last["role"] == "tool":
        return Answer(f"好的。\n\n{last['content']}", usage=(120, 40))
    [tool] = [t for t in body["tools"] if t["function"]["name"] == "create_reminder"]
    assert {"when", "text"} <= set(tool["function"]["parameters"]["properties"])
    call = ToolCall("create_reminder", {"when": "每天早上9点", "text": "喝水"})
    return Answer(tool_calls=[call], usage=(100, 20))


async def test_a_reminder_is_set_up_in_plain_chinese(site: Site, model: ModelServer) -> None:
    model.script(plays_a_tool_user)
    async with ChatClient(site.socket_url, additional_headers=CHINESE) as client:
        reply = await client.answered(await client.say("每天早上9点提醒我喝水"))
        listed = await client.answered(await client.say("/任务"))

        shown = await client.next_frame(lambda frame: frame["type"] == "tasks" and frame["tasks"])
    assert reply["content"].startswith("好的。")
    assert reply["content"].count("09:00") >= 3
    assert "喝水" in reply["content"]
    assert "喝水" in listed["content"]
    assert [task["text"] for task in shown["tasks"]] == ["喝水"]
    code = "from conversations.models import Message as M\n"
    code += "print(json.dumps(list(M.objects.filter(uuid=arguments[0])"
    code += ".values_list('input_tokens', 'output_tokens'))))"
    assert site.run(code, reply["id"]) == [[220, 60]]


async def test_a_stop_ends_the_call_of_the_model_within_a_second(
    client: ChatClient, model: ModelServer
) -> None:
    model.script(Answer(pieces=["word "] * 400, every=0.05))
    said = await client.say("tell me everything")
    await client.next_frame(lambda frame: frame["type"] == "delta")
    request = model.requests[-1]

    stopped_at = time.monotonic()
    await client.send_frame({"type": "stop"})

    await eventually(lambda: request.disconnected_at is not None, "the call to be closed")
    assert (request.disconnected_at or 0) - stopped_at < 1
    await client.wait_for(lambda _: client.state_of(said) == "stopped")
    model.script(Answer("still here"))
    assert (await client.answered(await client.say("and now?")))["content"] == "still here"


async def test_a_worker_killed_in_mid_stream_leaves_one_whole_reply(
    site: Site, client: ChatClient, model: ModelServer
) -> None:
    words = [f"w{number} " for number in range(40)]
    model.script(Answer(pieces=words, every=0.05))
    said = await client.say("count to forty")
    await client.next_frame(lambda frame: frame["type"] == "delta")
    asked = len(model.requests)
    await asyncio.sleep(0.4)  # until a part of it is stored

    for worker in site.cluster.role("worker"):
        worker.kill()

    reply = await client.answered(said, 30)
    assert reply["content"] == "".join(words)
    assert len(model.requests) == asked + 1
    replies = [m for m in client.messages.values() if m["role"] == "assistant"]
    assert [one["id"] for one in replies] == [reply["id"]]
    assert client.faults == []


def half_a_character() -> Raw:
    data = json.dumps(
        {"choices": [{"index": 0, "delta": {"content": "水"}}]}, ensure_ascii=False
    ).encode()
    at = data.index("水".encode()) + 1
    return Raw(headers=SSE, body=[b"data: " + data[:at], b""], cut=True)


def piece(text: str) -> dict[str, Any]:
    return {"choices": [{"index": 0, "delta": {"content": text}}]}


SSE = {"Content-Type": "text/event-stream"}
LONG = "x" * 1_000_000
#: How each model misbehaves, and whether another attempt could mend it: those are cut short here.
MISBEHAVING = {
    "the key is refused": failure(401, {"error": {"message": f"Incorrect key {KEY}"}}),
    "no such model": failure(404, {"error": {"message": "no model in /srv/secret"}}),
    "garbage": Raw(headers=SSE, body=b"\x00\xff\xfe{{{\n\n" * 50),
    "a page": Raw(headers={"Content-Type": "text/html"}, body=b"<h1>It works!</h1>"),
    "a megabyte at once": Raw(headers=SSE, body=sse(piece(LONG), done=False), hang=True),
    "an endless stream": Raw(headers=SSE, body=sse(*[piece("y" * 500)] * 400, done=False)),
    "a filter": Answer(pieces=["I think "], finish_reason="content_filter"),
}


@pytest.mark.parametrize("how", MISBEHAVING)
async def test_a_model_that_misbehaves_ends_readably_and_the_conversation_goes_on(
    site: Site, client: ChatClient, model: ModelServer, how: str
) -> None:
    model.script(MISBEHAVING[how])
    said = await client.say("hello?")

    await client.wait_for(lambda _: client.state_of(said) in ("failed", "stopped"), 20, how)
    model.script(Answer("Here again."))
    reply = await client.answered(await client.say("are you there?"))

    assert reply["content"] == "Here again."
    told = json.dumps(client.frames)
    assert not [secret for secret in (KEY, "Incorrect key", "/srv/secret") if secret in told]
    logged = site.logs()
    assert not [secret for secret in (KEY, "Incorrect key", "/srv/secret") if secret in logged]
    status = await client.next_frame(lambda f: f["type"] == "status" and f.get("detail"))
    assert len(status["detail"]) > 10
