"""Reading: a reader finds their conversation, what changed in it, and what came before."""

from __future__ import annotations

import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.identity import Identity
from conversations.models import Conversation, Message
from conversations.reading import (
    PAGE_BYTES,
    PAGE_MESSAGES,
    ConversationNotFound,
    Page,
    changes,
    find_place,
    history,
    latest_seqs,
    reply_of,
)

pytestmark = pytest.mark.django_db

ME, OTHER = Identity("visitor:me"), Identity("visitor:other")


def conversation(identity: Identity = ME, *, age: int = 0, channel: str = "web") -> Conversation:
    return Conversation.objects.create(
        channel=channel,
        address=str(uuid.uuid4()),
        participant=identity.participant,
        updated_at=timezone.now() - timedelta(minutes=age),
    )


def add(place: Conversation, content: str = "x", **more: Any) -> Message:
    place.seq += 1
    place.save()
    values = {"role": "user", "state": "answered", "seq": place.seq, **more}
    return Message.objects.create(conversation=place, content=content, **values)


def converse(place: Conversation, turns: int, burst: int = 1) -> None:
    """Add turns as they come about: `burst` messages are sent at once, then answered in order."""
    for start in range(0, turns, burst):
        asked = [add(place, f"q{n}") for n in range(start, min(start + burst, turns))]
        for message in asked:
            place.seq += 2
            place.save()
            Message.objects.create(
                uuid=message.reply_uuid,
                conversation=place,
                role="assistant",
                state="done",
                content=message.content.replace("q", "a"),
                reply_to=message,
                seq=place.seq - 1,
            )
            Message.objects.filter(pk=message.pk).update(seq=place.seq)


# -- which conversation ----------------------------------------------------------------------------


def test_without_a_wish_a_reader_is_in_their_latest_conversation():
    conversation(age=5)
    latest = conversation(age=1)
    conversation(OTHER)
    conversation(channel="wechat")

    place = find_place(ME, None)

    assert (place.uuid, place.pk, place.participant) == (latest.uuid, latest.pk, ME.participant)


def test_a_reader_may_name_an_older_one():
    older = conversation(age=5)
    conversation()
    add(older)

    place = find_place(ME, older.uuid)

    assert (place.pk, place.seq) == (older.pk, 1)


def test_the_first_conversation_needs_no_row():
    for wanted in (None, ME.first_conversation):
        place = find_place(ME, wanted)
        assert (place.uuid, place.pk, place.seq) == (ME.first_conversation, None, 0)

    assert not Conversation.objects.exists()


def test_a_conversation_of_another_is_not_found():
    theirs = conversation(OTHER)

    for wanted in (theirs.uuid, OTHER.first_conversation, uuid.uuid4()):
        with pytest.raises(ConversationNotFound):
            find_place(ME, wanted)


def test_a_conversation_of_another_channel_is_not_found():
    elsewhere = conversation(channel="wechat")

    with pytest.raises(ConversationNotFound):
        find_place(ME, elsewhere.uuid)


def test_nobody_in_particular_finds_nothing_of_others():
    """Conversations of other channels have no participant."""
    elsewhere = conversation(Identity(""))

    with pytest.raises(ConversationNotFound):
        find_place(ME, elsewhere.uuid)


# -- what changed ----------------------------------------------------------------------------------


def pages(place: Conversation, after: int = 0) -> list[Page]:
    """Read as a socket does: page by page until there is no more."""
    found = [changes(place.pk, after)]
    while found[-1].has_more:
        assert len(found) < 100
        found.append(changes(place.pk, found[-1].frames[-1].seq))
    return found


def seqs(found: list[Page]) -> list[int]:
    return [frame.seq for page in found for frame in page.frames]


def test_changes_are_what_changed_after_a_number_in_order():
    place = conversation()
    for _ in range(5):
        add(place)

    page = changes(place.pk, 3)

    assert ([frame.seq for frame in page.frames], page.seq, page.has_more) == ([4, 5], 5, False)


def test_who_has_everything_is_shown_nothing():
    place = conversation()
    add(place)

    assert changes(place.pk, 1) == Page([], 1, False, [])


def test_a_number_beyond_the_conversations_own_is_answered_with_everything():
    place = conversation()
    for _ in range(3):
        add(place)

    assert seqs(pages(place, after=4)) == [1, 2, 3]


def test_many_changes_come_in_pages_without_gap_or_double():
    place = conversation()
    for _ in range(2 * PAGE_MESSAGES + 1):
        add(place)

    found = pages(place)

    assert [len(page.frames) for page in found] == [PAGE_MESSAGES, PAGE_MESSAGES, 1]
    assert seqs(found) == list(range(1, 2 * PAGE_MESSAGES + 2))


def test_a_full_last_page_is_the_last():
    place = conversation()
    for _ in range(PAGE_MESSAGES):
        add(place)

    assert not changes(place.pk, 0).has_more


@pytest.mark.parametrize("character", ["x", "好"])
def test_long_messages_make_short_pages(character):
    place = conversation()
    for _ in range(10):
        add(place, character * 20_000)

    found = pages(place)

    assert len(found) > 1
    assert seqs(found) == list(range(1, 11))
    longest = max(len(frame.text.encode()) for page in found for frame in page.frames)
    for page in found:
        assert sum(len(frame.text.encode()) for frame in page.frames) <= PAGE_BYTES + longest


def test_a_message_longer_than_a_page_is_a_page():
    place = conversation()
    for _ in range(3):
        add(place, "x" * PAGE_BYTES)

    assert [len(page.frames) for page in pages(place)] == [1, 1, 1]


def test_a_page_tells_which_messages_wait_no_longer():
    place = conversation()
    for state in ("queued", "answering", "answered", "failed", "stopped"):
        add(place, state=state)
    add(place, role="assistant", state="done")

    settled = changes(place.pk, 0).settled

    states = Message.objects.filter(uuid__in=settled).values_list("state", flat=True)
    assert sorted(states) == ["answered", "failed", "stopped"]


def test_an_erased_conversation_has_no_changes():
    place = conversation()
    pk = place.pk
    place.delete()

    assert changes(pk, 0) == Page([], 0, False, [])


def test_changes_take_two_queries():
    place = conversation()
    converse(place, 10)

    with CaptureQueriesContext(connection) as captured:
        changes(place.pk, 0)

    assert len(captured) == 2


# -- what came before ------------------------------------------------------------------------------


def all_history(place: Conversation, limit: int) -> list[list[dict[str, Any]]]:
    """Page backwards through everything, as the chat page does; return the pages, oldest first."""
    found: list[list[dict[str, Any]]] = []
    before, more = 2**63 - 1, True
    while more:
        assert len(found) < 200
        frame = json.loads(history(place.pk, before, limit))
        assert frame["type"] == "history"
        more = frame["more"]
        assert frame["messages"] or not more
        found.insert(0, frame["messages"])
        before = min((message["seq"] for message in frame["messages"]), default=0)
    return found


@pytest.mark.parametrize("limit", [1, 3, 10, 100])
@pytest.mark.parametrize("burst", [1, 4])
def test_paging_through_the_history_finds_each_message_once(limit, burst):
    place = conversation()
    converse(place, 12, burst)

    messages = [message for page in all_history(place, limit) for message in page]

    assert len(messages) == len({message["id"] for message in messages}) == 24


def test_each_reply_stands_behind_what_it_answers():
    place = conversation()
    converse(place, 5, burst=3)

    [page] = all_history(place, 100)

    contents = [message["content"] for message in page]
    assert contents == [f"{kind}{n}" for n in range(5) for kind in "qa"]


def test_the_last_page_says_that_there_is_no_more():
    place = conversation()
    converse(place, 2)

    assert json.loads(history(place.pk, 2**63 - 1, 3))["more"] is True
    assert json.loads(history(place.pk, 2**63 - 1, 4))["more"] is False
    assert json.loads(history(place.pk, 1, 4)) == {"type": "history", "messages": [], "more": False}


def test_a_conversation_without_a_row_has_no_history():
    assert json.loads(history(None, 9, 9)) == {"type": "history", "messages": [], "more": False}


def test_history_shows_the_same_as_a_message_frame():
    place = conversation()
    message = add(place, "hi", external_id="c")

    [shown] = json.loads(history(place.pk, 9, 9))["messages"]

    assert {"type": "message", **shown} == json.loads(changes(place.pk, 0).frames[0].text)
    assert shown["id"] == str(message.uuid)


@pytest.mark.parametrize("character", ["x", "好"])
def test_long_messages_make_short_history(character):
    place = conversation()
    for _ in range(20):
        add(place, character * 20_000)

    found = all_history(place, 100)

    assert len(found) > 1
    assert sum(len(page) for page in found) == 20
    one = len(json.dumps(found[0][0], ensure_ascii=False).encode())
    for page in found:
        assert len(json.dumps(page, ensure_ascii=False).encode()) <= PAGE_BYTES + one


def test_one_message_is_shown_however_long_it_is():
    place = conversation()
    add(place, "x" * 3 * PAGE_BYTES)

    [page] = all_history(place, 10)

    assert len(page) == 1


# -- smaller questions -----------------------------------------------------------------------------


def test_the_latest_numbers_of_many_conversations_are_found():
    places = [conversation() for _ in range(3)]
    add(places[1])

    assert latest_seqs([place.pk for place in places] + [10**9]) == {
        places[0].pk: 0,
        places[1].pk: 1,
        places[2].pk: 0,
    }
    assert latest_seqs([]) == {}


def test_more_conversations_than_a_statement_may_name_are_found():
    place = conversation()

    assert latest_seqs([*range(10**9, 10**9 + 2000), place.pk]) == {place.pk: 0}


def test_the_reply_of_a_message_is_found():
    place = conversation()
    converse(place, 1)
    message = Message.objects.get(role="user")

    assert reply_of(message).content == "a0"
    assert reply_of(add(place)) is None
