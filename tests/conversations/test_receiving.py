"""Receiving stores a message and queues its answer, both or neither, each message once."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from conversations import arriving, receiving
from conversations.models import Conversation, Message
from conversations.receiving import Received, receive_messages
from scheduling.group_commit import GroupCommit
from scheduling.models import Run
from tests.conversations.working import close, incoming, receive


@pytest.mark.django_db
def test_a_message_is_stored_queued_with_a_run_that_answers_it():
    [message] = receive("hello", external_id="x1")

    stored = Message.objects.get()
    run = Run.objects.get()
    assert (stored.role, stored.state, stored.content) == ("user", "queued", "hello")
    assert (run.action, run.args) == ("conversations.answer", {"message": message.pk})
    assert run.key == stored.conversation.key
    assert run.max_attempts > 1


@pytest.mark.django_db(transaction=True)
def test_a_run_that_cannot_be_stored_leaves_no_message_behind(monkeypatch):
    def fail(runs: Any) -> None:
        raise RuntimeError

    monkeypatch.setattr(receiving, "submit_many", fail)
    with pytest.raises(RuntimeError):
        receive("hello")

    assert not Message.objects.exists()
    assert not Conversation.objects.exists()


@pytest.mark.django_db
def test_numbers_grow_strictly_in_the_order_given():
    first = receive("a", "b", "c")
    second = receive("d", "e")

    seqs = [message.seq for message in first + second]
    assert seqs == [1, 2, 3, 4, 5]
    assert [m.content for m in Message.objects.order_by("seq")] == ["a", "b", "c", "d", "e"]
    assert Conversation.objects.get().seq == 5


@pytest.mark.django_db
def test_each_conversation_counts_for_itself():
    items = [incoming(address=address) for address in ("a", "b", "a", "b", "a")]

    results = receive_messages(items)

    assert [result.message.seq for result in results] == [1, 1, 2, 2, 3]
    assert sorted(Conversation.objects.values_list("address", "seq")) == [("a", 3), ("b", 2)]


@pytest.mark.django_db
def test_a_duplicate_in_one_batch_is_stored_once():
    items = [incoming("first", external_id="x"), incoming("again", external_id="x")]

    one, two = receive_messages(items)

    assert (one.is_new, two.is_new) == (True, False)
    assert one.message.pk == two.message.pk
    assert Message.objects.get().content == "first"
    assert Run.objects.count() == 1


@pytest.mark.django_db
def test_a_duplicate_in_a_later_batch_enqueues_nothing_and_changes_nothing():
    [message] = receive("first", external_id="x")

    [again] = receive_messages([incoming("again", external_id="x")])

    assert not again.is_new
    assert again.message == message
    assert Message.objects.get().seq == Conversation.objects.get().seq == 1
    assert Run.objects.count() == 1


@pytest.mark.django_db
def test_a_duplicate_among_new_messages_leaves_no_gap():
    receive("one", external_id="1")

    results = receive_messages(
        [incoming("1", external_id="1"), incoming("2", external_id="2"), incoming("3")]
    )

    assert [result.is_new for result in results] == [False, True, True]
    assert [result.message.seq for result in results] == [1, 2, 3]


@pytest.mark.django_db
def test_the_same_external_id_in_two_conversations_is_two_messages():
    items = [incoming(address=address, external_id="x") for address in ("a", "b")]

    assert all(result.is_new for result in receive_messages(items))


@pytest.mark.django_db
def test_messages_without_an_external_id_are_never_duplicates():
    receive("same", "same")

    assert Message.objects.count() == 2


@pytest.mark.django_db
def test_the_first_message_names_and_owns_its_conversation():
    receive("  " + "long " * 40, participant="visitor:1")

    conversation = Conversation.objects.get()
    assert conversation.participant == "visitor:1"
    assert conversation.title == ("long " * 40)[:60]


@pytest.mark.django_db
def test_fifty_messages_take_as_many_queries_as_one():
    receive("warm up", external_id="0")

    def queries(count: int, start: int) -> int:
        with (
            CaptureQueriesContext(
                connection,
            ) as captured,
            transaction.atomic(),
        ):
            receive_messages([incoming(external_id=str(start + n)) for n in range(count)])
        return len(captured)

    assert queries(50, start=100) == queries(1, start=1) <= 9


def at_once(work: Callable[[], Received]) -> list[Received]:
    """Call `work` in two threads that begin together; return what both return."""
    barrier = threading.Barrier(2, timeout=10)
    results: list[Received] = []

    def run() -> None:
        try:
            barrier.wait()
            with transaction.atomic():
                results.append(work())
        finally:
            connection.close()

    threads = [threading.Thread(target=run) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("round_", range(5))
def test_two_threads_open_a_conversation_once(round_):
    results = at_once(lambda: receive_messages([incoming()])[0])

    assert len(results) == 2
    assert Conversation.objects.get().seq == 2
    assert sorted(result.message.seq for result in results) == [1, 2]


def meet(barrier: threading.Barrier) -> None:
    """Wait for the other; not for long on SQLite, which lets one transaction write at a time."""
    with contextlib.suppress(threading.BrokenBarrierError):
        barrier.wait(timeout=0.5 if connection.vendor == "sqlite" else 10)


@pytest.mark.django_db(transaction=True)
async def test_a_duplicate_that_races_the_first_copy_ends_as_known(monkeypatch):
    """Both look before either stores, where the database lets them; the later one looks again."""
    met = threading.Barrier(2)
    looks = []
    known = receiving._known

    def look_together(*arguments: Any) -> Any:
        found = known(*arguments)
        looks.append(found)
        if len(looks) <= 2:
            meet(met)
        return found

    servers = [GroupCommit(name="one"), GroupCommit(name="two")]
    try:
        # Opened before: else the one would wait for the other to make the conversation.
        await servers[0](receive_messages, incoming("opens it"))
        monkeypatch.setattr(receiving, "_known", look_together)
        results = await asyncio.gather(
            *(server(receive_messages, incoming(external_id="x")) for server in servers)
        )
        stored = await servers[0].read(lambda: (Message.objects.count(), Run.objects.count()))
    finally:
        for server in servers:
            close(server)

    assert sorted(result.is_new for result in results) == [False, True]
    assert len({result.message.pk for result in results}) == 1
    assert stored == (2, 2)
    assert [bool(found) for found in looks[:2]] == [False, connection.vendor == "sqlite"]


@pytest.mark.django_db(transaction=True)
def test_a_webhook_that_races_another_gets_the_message_of_either(monkeypatch):
    met = threading.Barrier(2)
    looks = []
    known = receiving._known

    def look_together(*arguments: Any) -> Any:
        found = known(*arguments)
        looks.append(found)
        if len(looks) <= 2:
            meet(met)
        return found

    arriving.receive(incoming("opens it"))
    monkeypatch.setattr(receiving, "_known", look_together)

    results = at_once(lambda: arriving.receive(incoming(external_id="x")))

    assert sorted(result.is_new for result in results) == [False, True]
    assert len({result.message.pk for result in results}) == 1
    assert (Message.objects.count(), Run.objects.count()) == (2, 2)


@pytest.mark.django_db(transaction=True)
def test_a_webhook_that_looked_too_early_looks_again(monkeypatch):
    known, looks = receiving._known, []

    def look_too_early(*arguments: Any) -> Any:
        looks.append(1)
        return known(*arguments) if len(looks) > 1 else {}

    [message] = receive("hi", external_id="x")
    monkeypatch.setattr(receiving, "_known", look_too_early)

    received = arriving.receive(incoming("hi", external_id="x"))

    assert (received.message, received.is_new, len(looks)) == (message, False, 2)
    assert (Message.objects.count(), Run.objects.count()) == (1, 1)


@pytest.mark.django_db(transaction=True)
async def test_a_duplicate_that_races_does_not_harm_the_batch_it_is_in(monkeypatch):
    calls = []
    known = receiving._known

    def look_too_early(items: Any, places: Any) -> Any:
        calls.append(len(items))
        return {} if len(items) > 1 else known(items, places)

    monkeypatch.setattr(receiving, "_known", look_too_early)
    commit = GroupCommit(name="one")
    try:
        await commit(receive_messages, incoming(external_id="x"))
        results = await asyncio.gather(
            *(commit(receive_messages, incoming(external_id=name)) for name in "xyz")
        )
    finally:
        close(commit)

    assert calls[:2] == [1, 3]
    assert [result.is_new for result in results] == [False, True, True]


def test_a_conversation_is_called_after_what_was_said_first(db):
    receive("subscribe", content_type="event", reply="")
    assert Conversation.objects.get().title == ""

    receive("How is the weather?")
    receive("And tomorrow?")
    assert Conversation.objects.get().title == "How is the weather?"
