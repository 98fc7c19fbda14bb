"""Stopping an answer and having it tried again."""

from tests.harness.client import ChatClient
from tests.sockets.conftest import Reader


async def until_streaming(client: ChatClient) -> None:
    await client.wait_for(
        lambda one: any(message["state"] == "streaming" for message in one.messages.values())
    )


async def stopped(client: ChatClient, client_id: str) -> None:
    await client.say("words=100 every=0.1", client_id)
    await until_streaming(client)
    await client.send_frame({"type": "stop"})
    await client.wait_for(lambda one: one.state_of(client_id) == "stopped", 5, "The stop.")


async def test_a_stopped_answer_keeps_what_was_said(client: ChatClient, reader: Reader) -> None:
    await stopped(client, "a")

    again = await reader(token=client.token, after=0)
    await again.wait_for(lambda one: len(one.messages) == 2)
    [partial] = [m for m in again.messages.values() if m["role"] == "assistant"]
    assert partial["state"] == "stopped"
    assert partial["content"].startswith("w0 ")
    assert "end of" not in partial["content"]


async def test_what_was_said_after_a_stopped_answer_is_answered(client: ChatClient) -> None:
    await client.say("words=100 every=0.1", "a")
    await client.say("words=1", "b")
    await until_streaming(client)

    await client.send_frame({"type": "stop"})

    assert (await client.answered("b"))["content"] == "w0 end of words=1"
    assert client.state_of("a") == "stopped"


async def test_a_stop_without_an_answer_changes_nothing(client: ChatClient) -> None:
    await client.send_frame({"type": "stop"})
    await client.say("words=0", "a")

    assert (await client.answered("a"))["state"] == "done"


async def test_a_stopped_answer_can_be_tried_again(client: ChatClient) -> None:
    await client.say("words=5 every=0.3", "a")
    await until_streaming(client)
    await client.send_frame({"type": "stop"})
    await client.wait_for(lambda one: one.state_of("a") == "stopped", 5, "The stop.")
    said = client.said("a")
    assert said is not None

    await client.send_frame({"type": "retry", "id": said["id"]})

    # "stopped" is where the message was: what ends this is the reply and its new state.
    await client.wait_for(lambda one: one.state_of("a") == "answered", what="The second answer.")
    reply = await client.answered("a")
    assert reply["content"] == "w0 w1 w2 w3 w4 end of words=5 every=0.3"
    assert len(client.messages) == 2


async def test_a_retry_of_nothing_is_not_found(client: ChatClient) -> None:
    for unknown in ("", "x", "6f9b7a0e-0000-4000-8000-000000000000", "9" * 90):
        error = await client.ask({"type": "retry", "id": unknown}, "error")
        assert error["code"] == "not_found"
