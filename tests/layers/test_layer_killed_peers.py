"""A process that dies disturbs nobody, and what it leaves is cleared away."""

from pathlib import Path
from typing import Any

from layer_process import StartProcess

from tests.harness.polling import eventually


def socket_files(layer: Any) -> list[str]:
    return sorted(path.name for path in Path(layer.directory).iterdir())


async def test_a_killed_peer_leaves_a_file_that_the_next_send_removes(
    local_layer: Any, start_local: StartProcess
) -> None:
    doomed = await start_local()
    await doomed.ask("join", group="room")
    await doomed.kill()
    assert len(socket_files(local_layer)) == 1

    await local_layer.group_send("room", {"type": "note"})

    assert socket_files(local_layer) == []
    assert local_layer.dropped == 0


async def test_a_peer_killed_while_connected_is_forgotten_and_the_others_hear_all(
    local_layer: Any, start_local: StartProcess
) -> None:
    doomed, other = await start_local(), await start_local()
    await doomed.ask("join", group="room")
    channel = await other.ask("join", group="room")
    other.tell("receive", channel=channel, count=600)

    for n in range(600):
        if n == 300:
            await doomed.kill()
        await local_layer.group_send("room", {"type": "note", "n": n})

    assert [message["n"] for message in await other.answer()] == list(range(600))
    assert len(socket_files(local_layer)) == 1


async def test_a_message_to_a_channel_of_a_dead_process_is_lost_in_silence(
    local_layer: Any, start_local: StartProcess
) -> None:
    doomed = await start_local()
    channel = await doomed.ask("join", group="room")
    await doomed.kill()

    await local_layer.send(channel, {"type": "note"})

    assert socket_files(local_layer) == []


async def test_a_process_that_ends_takes_its_file_away(
    local_layer: Any, start_local: StartProcess
) -> None:
    leaving = await start_local()
    await leaving.ask("join", group="room")

    await leaving.stop()

    assert socket_files(local_layer) == []


async def test_a_process_that_exits_without_closing_its_loop_takes_its_file_away(
    local_layer: Any, start_local: StartProcess
) -> None:
    leaving = await start_local()
    await leaving.ask("join", group="room")

    leaving.tell("exit_in_loop")
    await leaving.stop()

    assert socket_files(local_layer) == []


async def test_a_killed_sender_leaves_its_receivers_working(
    local_layer: Any, start_local: StartProcess
) -> None:
    channel = await local_layer.new_channel()
    await local_layer.group_add("room", channel)
    sender = await start_local()
    await sender.ask("group_send", group="room", count=3)
    await sender.kill()

    replacement = await start_local()
    await replacement.ask("group_send", group="room")

    received = [(await local_layer.receive(channel))["n"] for _ in range(4)]
    assert received == [0, 1, 2, 0]


async def test_a_receiver_whose_file_was_removed_puts_it_back(
    local_settings: dict[str, Any], local_layer: Any, start_local: StartProcess
) -> None:
    local_settings["CONFIG"]["expiry"] = 0.1  # housekeeping comes round as often
    web = await start_local()
    channel = await web.ask("join", group="room")
    # Waiting already when the message comes, which expires as soon.
    await web.ask("start_receiving", channel=channel, count=1)
    files = socket_files(local_layer)
    for path in Path(local_layer.directory).iterdir():
        path.unlink()

    await eventually(lambda: socket_files(local_layer) == files, "the file to be back")
    await local_layer.group_send("room", {"type": "note"})

    assert await web.ask("received") == [{"type": "note"}]
