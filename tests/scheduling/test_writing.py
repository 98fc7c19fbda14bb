"""Writers take turns; what a turn needs is given back when its thread ends."""

import os
from contextlib import suppress
from threading import Thread

import pytest
from django.db import connection

from scheduling.writing import writing


def write() -> None:
    with writing():
        pass
    connection.close()


def open_lock_files() -> list[str]:
    targets = []
    for descriptor in os.listdir("/proc/self/fd"):
        with suppress(FileNotFoundError):  # the one that lists them
            targets.append(os.readlink(f"/proc/self/fd/{descriptor}"))
    return [target for target in targets if target.endswith("-turn")]


@pytest.mark.django_db(transaction=True)
def test_a_thread_that_ends_leaves_no_lock_file_open() -> None:
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL's writers need no turns")
    with writing():
        before = open_lock_files()

    writer = Thread(target=write)
    writer.start()
    writer.join()

    assert len(before) >= 1
    assert open_lock_files() == before
