"""Noting: what a request tells besides its message: who wrote, which windows are open again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from conversations.models import Message
from scheduling.actions import prepare, submit_many
from scheduling.inserting import insert
from wechat import following, templates
from wechat.actions import TYPING
from wechat.kinds import Arrival, Kind, Window
from wechat.ledger import open_window
from wechat.models import Follower, Inbound

#: Seconds after which a follower is shown that an answer is being written.
TYPING_AFTER = 1.0
# What an arrival may change of a follower who is known.
_LEDGER = [
    *("is_subscribed", "subscribed_at", "unsubscribed_at", "scene", "refusal", "last_inbound_at"),
    *("message_until", "message_left", "action_until", "action_left"),
]


@dataclass(frozen=True, slots=True)
class Noted:
    """A request that brought a message, which is stored."""

    message: Message
    arrival: Arrival
    signature: str
    now: datetime
    held_until: datetime
    #: Whether the follower is shown that an answer is being written, and how soon.
    typing_after: float | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """How often a message has come, since when, and the reply it has got, as XML."""

    attempts: int
    first_at: datetime
    reply: str
    message_state: str


def note(items: list[Noted]) -> list[Request]:
    """Count each request and, with its first, keep the follower's ledger; returns what is known.

    Joins the caller's transaction. Raises IntegrityError where another process notes the same new
    message at the same time: a second call finds the row. Six queries, however many requests, and
    more for those who begin or cease to follow.
    """
    # In one order everywhere: two processes that want the same must not deadlock.
    locked = Inbound.objects.select_for_update().order_by("pk")
    known = {one.pk: one for one in locked.filter(pk__in={item.message.pk for item in items})}
    fresh: dict[int, Noted] = {}
    for item in items:
        if item.message.pk not in known:
            fresh[item.message.pk] = item
            known[item.message.pk] = _request(item)
        request = known[item.message.pk]
        request.attempts += 1
        request.held_until = item.held_until
    Inbound.objects.bulk_create([known[pk] for pk in fresh])
    again = [request for pk, request in known.items() if pk not in fresh]
    Inbound.objects.bulk_update(again, ["attempts", "held_until"])
    _note_first(list(fresh.values()))
    return [_result(item, known[item.message.pk]) for item in items]


def _request(item: Noted) -> Inbound:
    return Inbound(message=item.message, first_at=item.now, signature=item.signature)


def _result(item: Noted, request: Inbound) -> Request:
    return Request(request.attempts, request.first_at, request.reply, item.message.state)


def _note_first(items: list[Noted]) -> None:
    """Keep the ledgers of followers who sent something new, and have what follows from it done."""
    followers = _followers(items)
    typing = []
    for item in items:
        arrival = item.arrival
        follower = followers[arrival.incoming.address]
        open_window(follower, arrival.opens, now=item.now)
        _note_following(follower, item)
        if arrival.template_result:
            templates.note_result(
                *arrival.template_result, conversation=follower.conversation_id, now=item.now
            )
        if item.typing_after is not None and arrival.kind == Kind.QUESTION:
            at = item.now + timedelta(seconds=item.typing_after)
            typing.append(prepare(TYPING, {"message": item.message.pk}, fire_at=at))
    insert([followers[openid] for openid in sorted(followers)], or_update=_LEDGER, unique="openid")
    if typing:
        submit_many(typing)


def _note_following(follower: Follower, item: Noted) -> None:
    """Note who begins or ceases to follow; whoever writes follows, though WeChat never said so."""
    arrival = item.arrival
    has_returned = not follower.is_subscribed and arrival.opens != Window.NONE
    if arrival.subscribes or (arrival.subscribes is None and has_returned):
        following.subscribe(follower, scene=arrival.scene, now=item.now)
    elif arrival.subscribes is False:
        following.unsubscribe(follower, scene=arrival.scene, now=item.now)


def _followers(items: list[Noted]) -> dict[str, Follower]:
    """Return the followers' locked rows by OpenID, unsaved ones for who is new."""
    wanted = {item.arrival.incoming.address: item.message.conversation_id for item in items}
    locked = Follower.objects.select_related("conversation").order_by("openid")
    locked = locked.select_for_update(of=("self",))
    found = {one.openid: one for one in locked.filter(openid__in=wanted)}
    new = [openid for openid in wanted if openid not in found]
    return found | {
        openid: Follower(openid=openid, conversation_id=wanted[openid]) for openid in new
    }
