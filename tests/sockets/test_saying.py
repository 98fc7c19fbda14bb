"""What a client says is stored once, answered word by word, and shown whole at the end."""

import json

from tests.harness.client import ChatClient
from tests.sockets.conftest import Reader


async def test_plain_text_is_a_message(client: ChatClient) -> None:
    await client.send_raw("hello words=0")

    reply = await client.next_frame(lambda f: f["type"] == "message" and f["role"] == "assistant")

    assert reply["state"] == "done"
    assert reply["content"] == "end of hello words=0"


async def test_an_object_with_content_and_no_type_is_a_message(client: ChatClient) -> None:
    await client.send_frame({"content": "hello words=0", "client_id": "a"})

    assert (await client.answered("a"))["content"] == "end of hello words=0"


async def test_a_message_goes_from_queued_to_answered(client: ChatClient) -> None:
    await client.say("words=3 every=0.1", "a")
    reply = await client.answered("a")

    said = client.said("a")
    assert said is not None
    first = next(f for f in client.frames if f.get("client_id") == "a")
    assert (first["role"], first["state"], first["reply_to"]) == ("user", "queued", None)
    states = [f["state"] for f in client.frames if f["type"] == "status"]
    assert [states[0], states[-1]] == ["answering", "answered"]
    assert reply["reply_to"] == said["id"]
    assert reply["html"] == "<p>w0 w1 w2 end of words=3 every=0.1</p>\n"


async def test_deltas_follow_one_another_without_a_gap(client: ChatClient) -> None:
    await client.say("😀 words=6 every=0.1", "a")
    reply = await client.answered("a")

    deltas = [f for f in client.frames if f["type"] == "delta"]
    shown = ""
    for delta in deltas:
        assert delta["offset"] == len(shown)
        shown += delta["text"]
    assert len(deltas) > 3
    assert shown == reply["content"] == "w0 w1 w2 w3 w4 w5 end of 😀 words=6 every=0.1"
    assert client.gaps == 0


async def test_messages_said_during_an_answer_are_answered_in_their_order(
    client: ChatClient,
) -> None:
    for number in range(5):
        await client.say(f"{number} words=2 every=0.05", f"m{number}")

    replies = [await client.answered(f"m{number}") for number in range(5)]

    assert [reply["seq"] for reply in replies] == sorted(reply["seq"] for reply in replies)
    assert [reply["content"][-19:] for reply in replies] == [
        f" {number} words=2 every=0.05"[-19:] for number in range(5)
    ]


async def test_a_resend_is_stored_and_answered_once(client: ChatClient, reader: Reader) -> None:
    await client.say("words=1", "same")
    await client.say("words=1", "same")
    first = await client.answered("same")

    again = await reader(token=client.token)
    await again.say("words=1 with other words", "same")
    second = await again.answered("same")

    assert first["id"] == second["id"]
    history = await client.ask({"type": "history"}, "history")
    assert [m["role"] for m in history["messages"]] == ["user", "assistant"]


async def test_what_no_database_takes_is_left_out(client: ChatClient) -> None:
    await client.send_raw('{"content":"a\\u0000b\\ud800c\\ud83d\\ude00 words=0","client_id":"x"}')

    assert (await client.answered("x"))["content"] == "end of abc😀 words=0"


async def test_html_of_a_message_is_escaped(client: ChatClient) -> None:
    await client.say("<script>alert(1)</script> words=0", "a")
    reply = await client.answered("a")

    said = client.said("a")
    assert said is not None
    assert "<script" not in said["html"] + reply["html"]
    assert said["content"].startswith("<script>")


async def test_a_second_reader_sees_the_same_live(client: ChatClient, reader: Reader) -> None:
    other = await reader(token=client.token)

    await client.say("words=4 every=0.1", "a")
    await client.answered("a")
    await other.answered("a")

    assert other.conversation == client.conversation
    assert other.messages == client.messages
    assert [f for f in other.frames if f["type"] == "delta"]


async def test_frames_are_json_objects_in_text(client: ChatClient) -> None:
    await client.say("words=1", "a")
    await client.answered("a")

    assert all(isinstance(frame, dict) for frame in client.frames)
    assert json.dumps(client.frames)


async def test_a_ping_is_answered_at_once(client: ChatClient) -> None:
    await client.say("words=4 every=0.2", "a")

    assert await client.ask({"type": "ping"}, "pong", seconds=2) == {"type": "pong"}
