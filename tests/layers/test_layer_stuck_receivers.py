"""A receiver that does not read costs its own messages, and nobody else anything."""

import asyncio
import logging
import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from layer_process import LayerProcess, StartProcess, make_layer

MEGABYTE = 1024 * 1024


async def stopped(process: LayerProcess) -> LayerProcess:
    os.kill(process.pid, signal.SIGSTOP)
    return process


async def test_the_memory_of_a_sender_stays_bounded(start_local: StartProcess) -> None:
    stuck, sender = await start_local(), await start_local()
    await stuck.ask("join", group="room")
    await sender.ask("group_send", group="room")
    before = await sender.ask("peak_megabytes")
    await stopped(stuck)

    await sender.ask("group_send", group="room", count=4000, text="x" * 10_000)

    assert await sender.ask("peak_megabytes") - before < 24  # 8 of buffer; 40 were sent
    assert await sender.ask("dropped") > 2000


async def test_the_others_hear_everything(local_layer: Any, start_local: StartProcess) -> None:
    stuck, other = await start_local(), await start_local()
    await stuck.ask("join", group="room")
    channel = await other.ask("join", group="room")
    await stopped(stuck)
    other.tell("receive_until", channel=channel, key="last")

    for n in range(2000):
        await local_layer.group_send("room", {"type": "note", "n": n, "text": "x" * 10_000})
    await local_layer.group_send("room", {"type": "note", "n": 2000, "last": True})

    assert [message["n"] for message in await other.answer()] == list(range(2001))
    assert local_layer.dropped > 0


async def test_a_channel_nobody_reads_keeps_no_other_channel_of_its_process_waiting(
    local_layer: Any, start_local: StartProcess
) -> None:
    web = await start_local()
    unread = await web.ask("join", group="room")
    read = await web.ask("join", group="room")
    web.tell("receive", channel=read, count=3000)

    for n in range(3000):
        await local_layer.group_send("room", {"type": "note", "n": n})
    received = await web.answer()
    await local_layer.send(unread, {"type": "beyond capacity"})
    kept = await web.ask("receive", channel=unread, count=1000)

    assert [message["n"] for message in received] == list(range(3000))
    assert [message["n"] for message in kept] == list(range(1000))


async def test_drops_are_counted_and_said_once_a_minute(
    local_settings: dict[str, Any], start_local: StartProcess, caplog: pytest.LogCaptureFixture
) -> None:
    local_settings["CONFIG"]["max_buffer_bytes"] = MEGABYTE
    layer = make_layer(local_settings)
    stuck = await start_local()
    await stuck.ask("join", group="room")
    await stopped(stuck)

    with caplog.at_level(logging.WARNING):
        for _ in range(10):
            await layer.group_send("room", {"type": "note", "text": "x" * MEGABYTE})

    assert layer.dropped == 9
    assert [record.levelname for record in caplog.records] == ["WARNING"]


async def test_a_receiver_that_wakes_after_drops_reads_on_in_order(
    local_settings: dict[str, Any], start_local: StartProcess
) -> None:
    local_settings["CONFIG"]["max_buffer_bytes"] = MEGABYTE
    layer = make_layer(local_settings)
    web = await start_local()
    channel = await web.ask("join", group="room")
    await stopped(web)
    for n in range(300):
        await layer.group_send("room", {"type": "note", "n": n, "text": "x" * 10_000})
    kept = 300 - layer.dropped
    os.kill(web.pid, signal.SIGCONT)

    web.tell("receive_until", channel=channel, key="last")
    await send_until_taken(layer, {"type": "note", "n": 300, "last": True})

    numbers = [message["n"] for message in await web.answer()]
    assert 0 < kept < 300
    assert numbers == [*range(kept), 300]


async def send_until_taken(layer: Any, message: dict[str, Any]) -> None:
    async with asyncio.timeout(10):
        while True:
            dropped = layer.dropped
            await layer.group_send("room", message)
            if layer.dropped == dropped:
                return
            await asyncio.sleep(0.01)


async def test_what_is_not_a_frame_closes_its_connection_and_no_other(local_layer: Any) -> None:
    channel = await local_layer.new_channel()
    (path,) = Path(local_layer.directory).iterdir()
    reader, writer = await asyncio.open_unix_connection(path)

    writer.write(b"GET / HTTP/1.1\r\n\r\n")

    assert await asyncio.wait_for(reader.read(), 10) == b""
    writer.close()
    await local_layer.group_add("room", channel)
    await asyncio.to_thread(asyncio.run, local_layer.group_send("room", {"type": "note"}))
    assert await asyncio.wait_for(local_layer.receive(channel), 10) == {"type": "note"}


async def test_a_full_backlog_counts_as_a_drop(local_settings: dict[str, Any]) -> None:
    layer = make_layer(local_settings)
    directory = Path(layer.directory)
    directory.mkdir()
    with socket.socket(socket.AF_UNIX) as deaf:
        deaf.bind(str(directory / "1-deaf.sock"))
        deaf.listen(0)
        with socket.socket(socket.AF_UNIX) as other:
            other.connect(str(directory / "1-deaf.sock"))

            await layer.group_send("room", {"type": "note"})

    assert layer.dropped == 1
