"""A conversation that is deleted, however that happens, leaves no task behind."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.utils import timezone

from conversations.erasing import erase
from conversations.models import Conversation
from scheduling.models import Run, Schedule
from tests.conversations.commands.carrying import command
from tests.conversations.working import MiniWorker, read

Deletion = Callable[[Conversation], object]
WAYS: list[Deletion] = [
    lambda one: erase([one], now=timezone.now()),
    lambda one: one.delete(),
    lambda one: Conversation.objects.filter(pk=one.pk).delete(),
]


@pytest.mark.parametrize("delete", WAYS, ids=["erased", "deleted", "deleted as a query"])
async def test_its_tasks_go_with_it(worker: MiniWorker, delete: Deletion) -> None:
    await command(worker, "/remind in 10m stretch")
    await command(worker, "/remind in 10m tea", address="another")

    await read(lambda: delete(Conversation.objects.get(address="a")))

    left = await read(lambda: list(Schedule.objects.values_list("name", flat=True)))
    waiting = await read(lambda: list(Run.objects.pending().values_list("title", flat=True)))
    assert left == waiting == ["tea"]
