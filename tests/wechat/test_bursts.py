"""A burst of requests is looked up, noted and answered together, each as if it were alone."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations.models import Message
from conversations.receiving import receive_messages
from wechat import kinds
from wechat.kinds import Arrival
from wechat.models import Follower, Inbound
from wechat.noting import Noted, note
from wechat.recalling import Coming, recall
from wechat.taking import Wish, take

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("wechat_on")]
NOW = timezone.now().replace(microsecond=0)


def arrival(who: int, *, message: int = 1, content: str = "hi", **fields: str) -> Arrival:
    """Return message number `message` of follower number `who`."""
    text = {"MsgType": "text", "Content": content, "MsgId": f"{who}{message:03}"}
    common = {"ToUserName": "gh_1", "FromUserName": f"o{who:04}", "CreateTime": "1795000000"}
    return kinds.read_arrival({**common, **(fields or text)}, locale="en", timezone="UTC")


def store(arrivals: list[Arrival], *, signature: str = "") -> list[Noted]:
    """Store what arrived; return it to be noted."""
    received = receive_messages([one.incoming for one in arrivals])
    return [
        Noted(each.message, one, signature, NOW, NOW + timedelta(seconds=4))
        for each, one in zip(received, arrivals, strict=True)
    ]


def answer(noted: list[Noted], text: str = "yes") -> None:
    """Store an answer to each message, which waits to be handed over."""
    for one in noted:
        conversation = one.message.conversation
        Message.objects.create(
            conversation=conversation,
            role="assistant",
            content=f"{text} {conversation.address}",
            reply_to=one.message,
            state="done",
            seq=conversation.pk * 1000 + one.message.pk,
            delivery_state="waiting",
        )


def wish(noted: Noted, **more: Any) -> Wish:
    message = noted.message
    address = message.conversation.address
    own = {"to": address, "sender": "gh_1", "now": NOW, "has_service": False}
    return Wish(message.pk, message.conversation_id, **{**own, **more})


def queries(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        act()
    return len(captured)


def test_forty_requests_cost_no_more_queries_than_two():
    counts = {"recall": [], "note": [], "take": []}
    for base, size in ((1000, 2), (2000, 40)):
        arrivals = [arrival(base + number) for number in range(size)]
        coming = [Coming(one.incoming, "s", NOW) for one in arrivals]
        noted = store(arrivals)
        counts["recall"].append(queries(lambda coming=coming: recall(coming)))
        counts["note"].append(queries(lambda noted=noted: note(noted)))
        answer(noted)
        wishes = [wish(one) for one in noted]
        counts["take"].append(queries(lambda wishes=wishes: take(wishes)))

    assert all(few == many for few, many in counts.values()), counts


def test_each_request_gets_the_answer_of_its_own_follower():
    noted = store([arrival(number) for number in range(5)])
    note(noted)
    answer(noted)

    replies = take([wish(one) for one in reversed(noted)])

    for one, reply in zip(reversed(noted), replies, strict=True):
        assert f"yes {one.message.conversation.address}" in reply
    assert {one.delivery_state for one in Message.objects.filter(role="assistant")} == {"sent"}


def test_two_messages_of_one_follower_do_not_both_get_what_waits():
    noted = store([arrival(1, message=1), arrival(1, message=2)])
    note(noted)
    answer(noted[:1])

    first, second = take([wish(one) for one in noted])

    assert "yes" in first
    assert second == ""


def test_copies_of_one_request_get_the_same_reply_and_count_as_requests():
    noted = store([arrival(1)])
    answer(noted)

    requests = note(noted * 3)
    replies = take([wish(noted[0])] * 3)

    assert [one.attempts for one in requests] == [3] * 3
    assert Inbound.objects.get().attempts == 3
    assert len(set(replies)) == 1 and "yes" in replies[0]


def test_the_one_of_the_copies_that_has_something_to_say_when_nothing_waits_says_it_for_all():
    noted = store([arrival(1)])
    note(noted)

    replies = take([wish(noted[0]), wish(noted[0], otherwise="Later."), wish(noted[0])])

    assert len(set(replies)) == 1 and "Later." in replies[0]


def test_a_known_follower_and_a_new_one_have_their_ledgers_kept():
    note(store([arrival(1)]))
    Follower.objects.update(message_left=0, refusal="no")

    event = {"MsgType": "event", "Event": "subscribe", "EventKey": "qrscene_door"}
    note(store([arrival(1, message=2), arrival(2, **event)]))

    known, new = Follower.objects.order_by("openid")
    assert (known.message_left, known.refusal, known.scene) == (5, "", "")
    assert (new.action_left, new.message_left, new.scene) == (3, 0, "door")
    assert new.conversation.address == new.openid


def test_a_request_that_comes_again_leaves_the_ledger_alone():
    noted = store([arrival(1)])
    note(noted)
    Follower.objects.update(message_left=1)

    (request,) = note(noted)

    assert request.attempts == 2
    assert Follower.objects.get().message_left == 1


def test_who_is_too_fast_and_whose_signature_was_used_is_told_for_each(wechat_on):
    wechat_on.WECHAT_RATE = 2
    note(store([arrival(1, message=1), arrival(1, message=2)], signature="one"))
    note(store([arrival(2)], signature="two"))
    now = timezone.now()

    hasty, calm, replayed, again = recall(
        [
            Coming(arrival(1, message=3).incoming, "new", now),
            Coming(arrival(2, message=2).incoming, "new", now),
            Coming(arrival(3).incoming, "two", now),
            Coming(arrival(2).incoming, "two", now),
        ]
    )

    assert (hasty.is_too_fast, calm.is_too_fast) == (True, False)
    assert (replayed.is_replayed, again.is_replayed) == (True, False)
    assert (again.is_known, calm.is_known) == (True, False)
