"""Groups, the same on every channel layer."""

import asyncio
from typing import Any


async def test_a_group_message_reaches_every_member(layer: Any) -> None:
    channels = [await layer.new_channel() for _ in range(3)]
    for channel in channels:
        await layer.group_add("room", channel)

    await layer.group_send("room", {"type": "note"})

    assert [await layer.receive(channel) for channel in channels] == [{"type": "note"}] * 3


async def test_a_group_message_reaches_members_of_that_group_only(layer: Any) -> None:
    channel = await layer.new_channel()
    await layer.group_add("room", channel)

    await layer.group_send("other-room", {"type": "note", "n": 1})
    await layer.group_send("room", {"type": "note", "n": 2})

    assert (await layer.receive(channel))["n"] == 2


async def test_a_member_that_left_gets_nothing_more(layer: Any) -> None:
    channel = await layer.new_channel()
    await layer.group_add("room", channel)
    await layer.group_discard("room", channel)

    await layer.group_send("room", {"type": "note", "n": 1})
    await layer.send(channel, {"type": "note", "n": 2})

    assert (await layer.receive(channel))["n"] == 2


async def test_leaving_a_group_one_is_not_in_does_nothing(layer: Any) -> None:
    channel = await layer.new_channel()

    await layer.group_discard("room", channel)

    await layer.send(channel, {"type": "note"})
    assert await layer.receive(channel) == {"type": "note"}


async def test_joining_twice_gives_one_copy(layer: Any) -> None:
    channel = await layer.new_channel()
    await layer.group_add("room", channel)
    await layer.group_add("room", channel)

    await layer.group_send("room", {"type": "note", "n": 1})
    await layer.group_send("room", {"type": "note", "n": 2})

    assert [(await layer.receive(channel))["n"] for _ in range(2)] == [1, 2]


async def test_a_group_of_nobody_takes_messages_in_silence(layer: Any) -> None:
    await layer.group_send("nobody", {"type": "note"})


async def test_members_do_not_share_what_they_receive(layer: Any) -> None:
    channels = [await layer.new_channel() for _ in range(2)]
    for channel in channels:
        await layer.group_add("room", channel)
    await layer.group_send("room", {"type": "note", "list": []})

    (await layer.receive(channels[0]))["list"].append("mine")

    assert (await layer.receive(channels[1]))["list"] == []


async def test_a_full_member_does_not_keep_the_message_from_the_others(local_layer: Any) -> None:
    full, other = await local_layer.new_channel(), await local_layer.new_channel()
    for _ in range(local_layer.capacity):
        await local_layer.send(full, {"type": "filler"})
    await local_layer.group_add("room", full)
    await local_layer.group_add("room", other)

    await local_layer.group_send("room", {"type": "note"})

    assert await local_layer.receive(other) == {"type": "note"}
    assert await local_layer.receive(full) == {"type": "filler"}


async def test_a_burst_beside_its_reader_loses_nothing(layer: Any) -> None:
    channel = await layer.new_channel()
    await layer.group_add("room", channel)

    async def read() -> list[int]:
        return [(await layer.receive(channel))["n"] for _ in range(3000)]

    reading = asyncio.create_task(read())
    for n in range(3000):
        await layer.group_send("room", {"type": "note", "n": n})

    assert await asyncio.wait_for(reading, 20) == list(range(3000))
