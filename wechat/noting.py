"""Noting: what a request tells besides its message: who wrote, which windows are open again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F

from conversations.models import Message
from scheduling.actions import prepare, submit_many
from wechat import following, templates
from wechat.actions import TYPING
from wechat.kinds import Arrival, Kind
from wechat.ledger import open_window
from wechat.models import Follower, Inbound

#: Seconds after which a follower is shown that an answer is being written.
TYPING_AFTER = 1.0


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
    follower or message at the same time: a second call finds the rows.
    """
    return [_note(item) for item in items]


def _note(item: Noted) -> Request:
    request = Inbound.objects.filter(pk=item.message.pk).first()
    if request is None:
        request = Inbound.objects.create(
            message=item.message,
            attempts=1,
            first_at=item.now,
            held_until=item.held_until,
            signature=item.signature,
        )
        _note_first(item)
    else:
        request.attempts += 1
        Inbound.objects.filter(pk=request.pk).update(
            attempts=F("attempts") + 1, held_until=item.held_until
        )
    return Request(request.attempts, request.first_at, request.reply, item.message.state)


def _note_first(item: Noted) -> None:
    arrival = item.arrival
    follower = _follower(item)
    open_window(follower, arrival.opens, now=item.now)
    if arrival.subscribes is not None:
        change = following.subscribe if arrival.subscribes else following.unsubscribe
        change(follower, scene=arrival.scene, now=item.now)
    follower.save()
    if arrival.template_result:
        templates.note_result(*arrival.template_result)
    if item.typing_after is not None and arrival.kind == Kind.QUESTION:
        at = item.now + timedelta(seconds=item.typing_after)
        submit_many([prepare(TYPING, {"message": item.message.pk}, fire_at=at)])


def _follower(item: Noted) -> Follower:
    """Return the follower's locked row, made when this is the first that is heard of them."""
    openid = item.arrival.incoming.address
    known = Follower.objects.select_for_update().filter(openid=openid).first()
    return known or Follower.objects.create(
        openid=openid, conversation_id=item.message.conversation_id
    )
