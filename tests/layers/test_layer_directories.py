"""Where the sockets lie: any directory will do, and nobody else may listen there."""

import os
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from layer_process import LayerProcess, Settings, make_layer

from conversations.local_layer.directory import SocketDirectory


@pytest.fixture
def temporary(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A temporary directory of the test's own, here and in the processes it starts."""
    with tempfile.TemporaryDirectory(prefix="t") as directory:
        monkeypatch.setattr(tempfile, "tempdir", directory)
        monkeypatch.setenv("TMPDIR", directory)
        yield Path(directory)


@pytest.fixture
def long_settings(local_settings: Settings, tmp_path: Path, temporary: Path) -> Settings:
    local_settings["CONFIG"]["directory"] = str(tmp_path / ("deep/" * 30) / "sockets")
    return local_settings


async def test_a_directory_too_long_for_a_socket_address_works(
    long_settings: Settings, temporary: Path, processes: list[LayerProcess]
) -> None:
    layer = make_layer(long_settings)
    processes.append(await LayerProcess.start(long_settings))
    channel = await processes[0].ask("join", group="room")

    await layer.group_send("room", {"type": "note"})

    assert await processes[0].ask("receive", channel=channel) == [{"type": "note"}]
    assert list(temporary.glob("botflow-*/*.sock"))


def test_a_long_directory_has_the_same_stand_in_however_it_is_written(
    long_settings: Settings, temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = Path(long_settings["CONFIG"]["directory"])
    directory.mkdir(parents=True)
    monkeypatch.chdir(directory.parent)

    paths = {SocketDirectory(d).path for d in (directory, directory / "../sockets", "sockets")}

    assert len(paths) == 1
    assert paths.pop().parent == temporary


@pytest.mark.parametrize("trap", ["open to others", "a link"])
async def test_a_stand_in_that_others_can_reach_is_refused(
    long_settings: Settings, tmp_path: Path, trap: str
) -> None:
    path = SocketDirectory(long_settings["CONFIG"]["directory"]).path
    if trap == "a link":
        path.symlink_to(tmp_path)
    else:
        path.mkdir()
        path.chmod(0o777)
    layer = make_layer(long_settings)

    with pytest.raises(PermissionError, match="shorter directory"):
        await layer.new_channel()


async def test_directory_and_socket_are_for_their_user_alone(local_layer: Any) -> None:
    old_mask = os.umask(0)
    try:
        await local_layer.new_channel()
    finally:
        os.umask(old_mask)

    directory = Path(local_layer.directory)
    assert directory.stat().st_mode & 0o777 == 0o700
    assert [path.stat().st_mode & 0o777 for path in directory.iterdir()] == [0o600]


def test_sockets_that_appear_within_one_tick_of_the_clock_are_all_found(tmp_path: Path) -> None:
    directory = SocketDirectory(tmp_path)
    tick = (time.time_ns() + 10**9,) * 2
    for name in ("first", "second"):
        (tmp_path / f"{name}.sock").touch()
        os.utime(tmp_path, ns=tick)
        found = directory.names()

    assert found == {"first", "second"}


def test_an_unchanged_directory_is_not_listed_again(tmp_path: Path) -> None:
    directory = SocketDirectory(tmp_path)
    an_hour_ago = (time.time_ns() - 3600 * 10**9,) * 2
    for name in ("first", "second"):
        (tmp_path / f"{name}.sock").touch()
        os.utime(tmp_path, ns=an_hour_ago)
        found = directory.names()

    assert found == {"first"}
