"""Claiming: what is written before and after each part that is sent, so that none is sent twice.

Each function is one step for the group commit: it gets a list, and joins the transaction.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from conversations.models import Message
from scheduling.models import Run
from scheduling.states import RunState
from wechat import ledger
from wechat.kinds import Window
from wechat.models import Follower, Progress


@dataclass(frozen=True, slots=True)
class Standing:
    """How far a message has come, and who is to get it."""

    state: str
    position: int
    #: Whether a user asked for it.
    is_asked: bool
    follower: Follower | None


def look(messages: list[int]) -> list[Standing | None]:
    """Return the standing of each message, None for one that is gone; one query."""
    rows = Message.objects.filter(pk__in=messages).select_related(
        "progress", "reply_to", "conversation__follower"
    )
    found = {row.pk: _standing(row) for row in rows.defer("content", "reply_to__content")}
    return [found.get(pk) for pk in messages]


def _standing(message: Message) -> Standing:
    asked = message.reply_to
    progress: Progress | None = getattr(message, "progress", None)
    return Standing(
        state=message.delivery_state,
        position=progress.position if progress else 0,
        is_asked=asked is not None and asked.role == Message.Role.USER,
        follower=getattr(message.conversation, "follower", None),
    )


class Claim(Enum):
    """What came of the wish to send a part."""

    MINE = "mine"
    #: Somebody else handed some of it over meanwhile.
    MOVED = "moved"
    #: There is no message left in any window.
    NO_QUOTA = "no quota"


@dataclass(frozen=True, slots=True)
class Step:
    """A part that is about to be sent: from where the message stands to `end`."""

    message: int
    openid: str
    state: str
    position: int
    end: int
    now: datetime
    #: Whether it takes a message out of a window; a template message does not.
    has_cost: bool = True


@dataclass(frozen=True, slots=True)
class Begun:
    claim: Claim
    #: Out of which window it was taken.
    window: Window | None = None


def begin(steps: list[Step]) -> list[Begun]:
    """Record that each part is being sent; what does not become MINE is left as it was.

    A worker that finds a message SENDING knows that the part up to its position may have been
    sent. A passive reply that takes the message meanwhile changes its state or its position: then
    this one loses, and the other way round.
    """
    in_order = sorted(steps, key=lambda step: step.message)  # two batches lock in one order
    begun = {id(step): _begin(step) for step in in_order}
    return [begun[id(step)] for step in steps]


def _begin(step: Step) -> Begun:
    messages = Message.objects.filter(pk=step.message)
    mine = messages.filter(delivery_state=step.state)
    if not mine.update(delivery_state=Message.Delivery.SENDING):
        return Begun(Claim.MOVED)
    known = Progress.objects.filter(message=step.message).values_list("position", flat=True)
    claim = Claim.MINE if (known.first() or 0) == step.position else Claim.MOVED
    window = None
    if claim is Claim.MINE and step.has_cost:
        window = ledger.spend(step.openid, now=step.now)
        claim = Claim.MINE if window else Claim.NO_QUOTA
    if claim is Claim.MINE:
        _set_position(step.message, step.end)
    else:
        messages.update(delivery_state=step.state)
    return Begun(claim, window)


def _set_position(message: int, position: int) -> None:
    Progress.objects.update_or_create(message_id=message, defaults={"position": position})


@dataclass(frozen=True, slots=True)
class Undo:
    """A part that was not sent, for sure; `window` is the one it was taken out of."""

    step: Step
    window: Window | None


def take_back(undos: list[Undo]) -> list[None]:
    """Have each message stand where it stood before the part, waiting."""
    for undo in sorted(undos, key=lambda undo: undo.step.message):
        sending = Message.objects.filter(
            pk=undo.step.message, delivery_state=Message.Delivery.SENDING
        )
        if not sending.update(delivery_state=Message.Delivery.WAITING):
            continue
        _set_position(undo.step.message, undo.step.position)
        if undo.window:
            ledger.give_back(undo.step.openid, undo.window)
    return [None] * len(undos)


@dataclass(frozen=True, slots=True)
class Closing:
    openid: str
    since: datetime


def close(closings: list[Closing]) -> list[None]:
    """Note that WeChat lets nothing more through to these followers, until they write."""
    for closing in sorted(closings, key=lambda closing: closing.openid):
        ledger.close(closing.openid, since=closing.since)
    return [None] * len(closings)


@dataclass(frozen=True, slots=True)
class Refusal:
    openid: str
    text: str


def refuse(refusals: list[Refusal]) -> list[None]:
    """Note that these followers cannot be sent anything, and why."""
    for refusal in sorted(refusals, key=lambda refusal: refusal.openid):
        Follower.objects.filter(openid=refusal.openid).update(refusal=refusal.text[:500])
    return [None] * len(refusals)


def attempt_of(conversation: int) -> int:
    """Return which attempt the delivery is that runs in a conversation, of which there is one."""
    running = Run.objects.filter(key=f"delivery:{conversation}", state=RunState.RUNNING)
    return running.values_list("attempt", flat=True).first() or 1
