"""From process to process."""

from typing import Any

from layer_process import StartProcess


async def test_a_worker_reaches_a_socket_process(
    shared_layer: Any, start_shared: StartProcess
) -> None:
    web = await start_shared()
    channel = await web.ask("join", group="room")

    await shared_layer.group_send("room", {"type": "note", "text": "你好"})

    assert await web.ask("receive", channel=channel) == [{"type": "note", "text": "你好"}]


async def test_a_channel_name_leads_to_its_process(
    shared_layer: Any, start_shared: StartProcess
) -> None:
    first, second = await start_shared(), await start_shared()
    channel, other = await first.ask("join", group="a"), await second.ask("join", group="b")

    await shared_layer.send(channel, {"type": "note", "n": 1})
    await shared_layer.send(other, {"type": "note", "n": 2})

    assert await first.ask("receive", channel=channel) == [{"type": "note", "n": 1}]
    assert await second.ask("receive", channel=other) == [{"type": "note", "n": 2}]


async def test_a_group_spans_processes_the_sender_included(
    shared_layer: Any, start_shared: StartProcess
) -> None:
    here = await shared_layer.new_channel()
    await shared_layer.group_add("room", here)
    others = [await start_shared() for _ in range(2)]
    channels = [await other.ask("join", group="room") for other in others]

    await others[0].ask("group_send", group="room")

    assert await shared_layer.receive(here) == {"type": "note", "n": 0}
    for other, channel in zip(others, channels, strict=True):
        assert await other.ask("receive", channel=channel) == [{"type": "note", "n": 0}]


async def test_a_burst_arrives_whole_and_in_order(
    shared_layer: Any, start_shared: StartProcess
) -> None:
    web = await start_shared()
    channel = await web.ask("join", group="room")
    web.tell("receive", channel=channel, count=3000)

    for n in range(3000):
        await shared_layer.group_send("room", {"type": "delta", "n": n, "text": "word " * 10})

    assert [message["n"] for message in await web.answer()] == list(range(3000))


async def test_what_is_sent_while_the_receiver_is_asleep_arrives_when_it_wakes(
    shared_layer: Any, start_shared: StartProcess
) -> None:
    web = await start_shared()
    channel = await web.ask("join", group="room")
    await web.ask("sleep_in_loop", seconds=1)

    for n in range(300):
        await shared_layer.group_send("room", {"type": "delta", "n": n, "text": "word " * 200})
    await web.answer()

    received = await web.ask("receive", channel=channel, count=300)
    assert [message["n"] for message in received] == list(range(300))


async def test_a_burst_onto_a_reader_whose_process_is_asleep_arrives_whole(
    local_layer: Any, start_local: StartProcess
) -> None:
    web = await start_local()
    channel = await web.ask("join", group="room")
    await web.ask("start_receiving", channel=channel, count=3000)
    await web.ask("sleep_in_loop", seconds=0.5)

    for n in range(3000):
        await local_layer.group_send("room", {"type": "delta", "n": n})
    await web.answer()

    received = await web.ask("received")
    assert [message["n"] for message in received] == list(range(3000))


async def test_a_plain_name_reaches_the_process_that_receives_on_it(
    local_layer: Any, start_local: StartProcess
) -> None:
    worker, bystander = await start_local(), await start_local()
    await worker.ask("settle", channel="announcements")
    channel = await bystander.ask("join", group="room")

    await local_layer.send("announcements", {"type": "note"})
    await local_layer.send(channel, {"type": "other"})

    assert await worker.ask("receive", channel="announcements") == [{"type": "note"}]
    assert await bystander.ask("receive", channel=channel) == [{"type": "other"}]


async def test_a_process_that_starts_later_is_found(
    local_layer: Any, start_local: StartProcess
) -> None:
    await local_layer.group_send("room", {"type": "too early"})
    first = await start_local()
    first_channel = await first.ask("join", group="room")
    await local_layer.group_send("room", {"type": "note", "n": 1})
    second = await start_local()
    second_channel = await second.ask("join", group="room")

    await local_layer.group_send("room", {"type": "note", "n": 2})

    assert await first.ask("receive", channel=first_channel) == [{"type": "note", "n": 1}]
    assert await first.ask("receive", channel=first_channel) == [{"type": "note", "n": 2}]
    assert await second.ask("receive", channel=second_channel) == [{"type": "note", "n": 2}]
