"""Sending to one channel, the same on every channel layer."""

import asyncio
from typing import Any

import pytest
from channels.exceptions import ChannelFull


async def test_a_message_reaches_its_channel(layer: Any) -> None:
    channel = await layer.new_channel()

    await layer.send(channel, {"type": "note", "text": "hello"})

    assert await layer.receive(channel) == {"type": "note", "text": "hello"}


async def test_a_message_reaches_no_other_channel(layer: Any) -> None:
    channel, other = await layer.new_channel(), await layer.new_channel()

    await layer.send(channel, {"type": "note", "n": 1})
    await layer.send(other, {"type": "note", "n": 2})

    assert await layer.receive(other) == {"type": "note", "n": 2}


async def test_messages_arrive_in_order(layer: Any) -> None:
    channel = await layer.new_channel()

    for n in range(100):
        await layer.send(channel, {"type": "note", "n": n})

    assert [(await layer.receive(channel))["n"] for _ in range(100)] == list(range(100))


async def test_a_message_keeps_its_kinds_of_values(layer: Any) -> None:
    channel = await layer.new_channel()
    message = {
        "type": "note",
        "text": "你好 \U0001f600",
        "bytes": b"\x00\xff",
        "numbers": [0, -1, 2**63 - 1, 1.5],
        "nothing": None,
        "yes": True,
        "nested": {"list": [{"deep": []}]},
    }

    await layer.send(channel, message)

    assert await layer.receive(channel) == message


async def test_a_receiver_waits_on_a_plain_name(layer: Any) -> None:
    receiving = asyncio.create_task(layer.receive("announcements"))

    async with asyncio.timeout(5):
        while not receiving.done():  # Redis subscribes in its own time; before that nothing arrives
            await layer.send("announcements", {"type": "note"})
            await asyncio.sleep(0.01)

    assert receiving.result() == {"type": "note"}


async def test_the_sender_may_change_its_message_afterwards(layer: Any) -> None:
    channel = await layer.new_channel()
    message = {"type": "note", "list": [1]}

    await layer.send(channel, message)
    message["list"].append(2)

    assert await layer.receive(channel) == {"type": "note", "list": [1]}


async def test_flush_empties_the_channels(local_layer: Any) -> None:
    channel = await local_layer.new_channel()
    await local_layer.send(channel, {"type": "note", "n": 1})

    await local_layer.flush()
    await local_layer.send(channel, {"type": "note", "n": 2})

    assert await local_layer.receive(channel) == {"type": "note", "n": 2}


async def test_a_receive_that_gives_up_loses_nothing(local_layer: Any) -> None:
    channel = await local_layer.new_channel()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(local_layer.receive(channel), 0.01)

    await local_layer.send(channel, {"type": "note"})

    assert await local_layer.receive(channel) == {"type": "note"}


async def test_two_receivers_share_a_channel(local_layer: Any) -> None:
    channel = await local_layer.new_channel()
    receivers = [asyncio.create_task(local_layer.receive(channel)) for _ in range(2)]
    await asyncio.sleep(0)

    for n in range(2):
        await local_layer.send(channel, {"type": "note", "n": n})

    assert [(await receiver)["n"] for receiver in receivers] == [0, 1]


async def test_a_full_channel_refuses_the_sender_beside_it(local_layer: Any) -> None:
    channel = await local_layer.new_channel()
    for n in range(local_layer.capacity):
        await local_layer.send(channel, {"type": "note", "n": n})

    with pytest.raises(ChannelFull):
        await local_layer.send(channel, {"type": "note"})


@pytest.mark.parametrize("name", ["", "two words", "x" * 100, "a!b!c", 7])
async def test_a_wrong_name_is_refused(local_layer: Any, name: Any) -> None:
    with pytest.raises(TypeError):
        await local_layer.send(name, {"type": "note"})
    with pytest.raises(TypeError):
        await local_layer.group_send(name, {"type": "note"})


@pytest.mark.parametrize("message", ["text", {"when": object()}])
async def test_what_cannot_travel_is_refused_even_with_nobody_listening(
    local_layer: Any, message: Any
) -> None:
    with pytest.raises(TypeError):
        await local_layer.group_send("room", message)


async def test_a_name_from_elsewhere_cannot_be_received_on(local_layer: Any) -> None:
    with pytest.raises(RuntimeError, match="belongs to another process"):
        await local_layer.receive("specific.1-abc!def")


async def test_a_lone_surrogate_does_not_break_a_message(local_layer: Any) -> None:
    channel = await local_layer.new_channel()

    await local_layer.send(channel, {"type": "note", "text": "\ud800"})

    assert (await local_layer.receive(channel))["text"] == "\ud800"
