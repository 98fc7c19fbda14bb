"""One layer object in several event loops, threads and forked processes."""

import asyncio
import gc
import os
import time
from pathlib import Path
from typing import Any

from asgiref.sync import async_to_sync
from layer_process import Settings, StartProcess, make_layer


def open_descriptors() -> int:
    gc.collect()
    return len(os.listdir("/proc/self/fd"))


async def test_a_send_from_synchronous_code_has_left_when_it_returns(
    local_settings: Settings, local_layer: Any, start_local: StartProcess
) -> None:
    web = await start_local()
    channel = await web.ask("join", group="room")

    def work() -> None:
        for n in range(50):
            async_to_sync(local_layer.group_send)("room", {"type": "note", "n": n})

    await asyncio.get_running_loop().run_in_executor(None, work)

    received = await web.ask("receive", channel=channel, count=50)
    assert [message["n"] for message in received] == list(range(50))


async def test_what_the_kernel_does_not_take_at_once_leaves_before_the_loop_closes(
    local_layer: Any, start_local: StartProcess
) -> None:
    web = await start_local()
    channel = await web.ask("join", group="room")
    await web.ask("sleep_in_loop", seconds=0.3)

    await asyncio.get_running_loop().run_in_executor(
        None, async_to_sync(local_layer.group_send), "room", {"type": "note", "text": "x" * 3000000}
    )
    await web.answer()

    (message,) = await web.ask("receive", channel=channel)
    assert len(message["text"]) == 3_000_000


async def test_a_stuck_peer_holds_a_closing_loop_for_about_a_second_only(
    local_layer: Any, start_local: StartProcess
) -> None:
    web = await start_local()
    await web.ask("join", group="room")
    await web.ask("sleep_in_loop", seconds=30)

    started = time.monotonic()
    await asyncio.get_running_loop().run_in_executor(
        None, async_to_sync(local_layer.group_send), "room", {"type": "note", "text": "x" * 3000000}
    )

    assert time.monotonic() - started < 5


async def test_a_thread_with_a_loop_of_its_own_reaches_the_main_loop(local_layer: Any) -> None:
    channel = await local_layer.new_channel()
    await local_layer.group_add("room", channel)

    await asyncio.to_thread(asyncio.run, local_layer.group_send("room", {"type": "note"}))

    assert await asyncio.wait_for(local_layer.receive(channel), 5) == {"type": "note"}


def test_a_closed_loop_leaves_nothing_behind(local_settings: Settings) -> None:
    layer = make_layer(local_settings)

    async def talk() -> None:
        channel = await layer.new_channel()
        await layer.group_add("room", channel)
        await asyncio.to_thread(asyncio.run, layer.group_send("room", {"type": "note"}))
        await layer.receive(channel)

    asyncio.run(talk())
    before = open_descriptors()
    for _ in range(5):
        asyncio.run(talk())

    assert open_descriptors() == before
    assert list(Path(layer.directory).iterdir()) == []
    assert not layer._loops


async def test_close_takes_the_file_away_and_the_layer_can_be_used_again(local_layer: Any) -> None:
    await local_layer.new_channel()

    await local_layer.close()
    assert list(Path(local_layer.directory).iterdir()) == []
    channel = await local_layer.new_channel()
    await local_layer.send(channel, {"type": "note"})

    assert await local_layer.receive(channel) == {"type": "note"}


def test_only_a_process_that_receives_has_a_file(local_settings: Settings) -> None:
    layer = make_layer(local_settings)

    asyncio.run(layer.group_send("room", {"type": "note"}))

    assert not Path(layer.directory).exists()


async def test_a_forked_child_that_ends_disturbs_nothing_of_its_parent(
    local_layer: Any, start_local: StartProcess
) -> None:
    web = await start_local()
    channel = await web.ask("join", group="room")
    here = await local_layer.new_channel()
    await local_layer.group_add("room", here)
    await local_layer.group_send("room", {"type": "note", "n": 1})

    assert fork_and_wait(lambda: len(local_layer._loops)) == 0
    await local_layer.group_send("room", {"type": "note", "n": 2})
    await web.ask("group_send", group="room")

    received = await web.ask("receive", channel=channel, count=3)
    assert [message["n"] for message in received] == [1, 2, 0]
    assert [(await local_layer.receive(here))["n"] for _ in range(3)] == [1, 2, 0]


async def test_a_forked_child_does_not_keep_its_dead_parents_socket_alive(
    local_layer: Any, start_local: StartProcess
) -> None:
    parent = await start_local()
    await parent.ask("join", group="room")
    await local_layer.group_send("room", {"type": "note"})
    child = await parent.ask("fork")

    try:
        await parent.kill()
        await local_layer.group_send("room", {"type": "note"})

        assert list(Path(local_layer.directory).iterdir()) == []
    finally:
        os.kill(child, 9)


def test_a_forked_child_speaks_with_sockets_of_its_own(local_settings: Settings) -> None:
    layer = make_layer(local_settings)

    async def talk() -> dict[str, Any]:
        channel = await layer.new_channel()
        await layer.group_add("room", channel)
        await layer.group_send("room", {"type": "warm"})
        await layer.receive(channel)
        pid = fork(lambda: asyncio.run(layer.group_send("room", {"type": "from the child"})))
        try:
            return await asyncio.wait_for(layer.receive(channel), 10)
        finally:
            os.waitpid(pid, 0)

    assert asyncio.run(talk()) == {"type": "from the child"}


def fork(work: Any) -> int:
    """Run work in a child; its result, a small number, is the exit status."""
    pid = os.fork()
    if pid:
        return pid
    status = 99
    try:
        asyncio.events._set_running_loop(None)
        status = work() or 0
    finally:
        os._exit(status)


def fork_and_wait(work: Any) -> int:
    return os.waitstatus_to_exitcode(os.waitpid(fork(work), 0)[1])
