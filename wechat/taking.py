"""Taking: what one request hands to its follower, claimed and kept so that each gets the same."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import translation
from django.utils.translation import gettext as _

from conversations.channels import get_channel
from conversations.delivering import delivery_run
from conversations.models import Message
from scheduling.actions import submit_many
from wechat.composing import Composed, Pending, compose
from wechat.models import Inbound, Progress
from wechat.outgoing import text_of
from wechat.reply_xml import text_reply
from wechat.texts import answer_follows_text, more_hint

#: What is recorded as the provider's id of messages that went out as replies.
PASSIVE = "passive"


@dataclass(frozen=True, slots=True)
class Wish:
    """A request for what its conversation has to hand over; `now` becomes the reply's time."""

    message: int
    conversation: int
    to: str
    sender: str
    now: datetime
    #: Whether what does not fit goes out as customer-service messages; else it waits.
    has_service: bool
    #: What is said when there is nothing, "" for nothing.
    otherwise: str = ""
    #: Whether the answer to its own message will come later.
    is_unanswered: bool = False


def take(wishes: list[Wish]) -> list[str]:
    """Return the reply of each request as XML, "" for none; joins the caller's transaction.

    A request that comes again gets what it got before. What is handed over is recorded as sent,
    in part or whole: nobody hands it over again.
    """
    by_message = sorted(wishes, key=lambda wish: wish.message)  # rows are locked in one order
    replies = {id(wish): _take(wish) for wish in by_message}
    return [replies[id(wish)] for wish in wishes]


def _take(wish: Wish) -> str:
    request = Inbound.objects.select_for_update().filter(pk=wish.message).first()
    if request is None:
        return ""  # erased meanwhile
    if request.reply:
        return request.reply
    with translation.override(settings.WECHAT_LOCALE):
        waiting = _current(_undelivered(wish.conversation), now=wish.now)
        composed = _compose(waiting, wish) if waiting else None
    if composed:
        # Even if all of it is blank: it waits no longer.
        request.taken = _record(composed, waiting, wish)
    text = (composed and composed.text) or wish.otherwise
    if not text:
        return ""
    request.reply = text_reply(wish.to, wish.sender, text, now=wish.now)
    request.save(update_fields=["reply", "taken"])
    return request.reply


def _undelivered(conversation: int) -> list[Message]:
    messages = Message.objects.undelivered().filter(conversation=conversation)
    return list(messages.select_related("conversation", "progress").select_for_update(of=("self",)))


def _current(messages: list[Message], *, now: datetime) -> list[Message]:
    """Return what is still worth handing over; the rest is recorded as failed, with the reason."""
    oldest = now - timedelta(days=settings.WECHAT_HELD_DAYS)
    newest = messages[-settings.WECHAT_MAX_HELD :]
    kept = [message for message in newest if message.created_at > oldest]
    stale = [message.pk for message in messages if message not in kept]
    if stale:
        reason = _("The follower did not write in time, or newer messages took its place.")
        Message.objects.filter(pk__in=stale).update(
            delivery_state=Message.Delivery.FAILED, delivery_error=reason
        )
    return kept


def position_of(message: Message) -> int:
    """Return how many characters of its plain text have been handed over."""
    progress: Progress | None = getattr(message, "progress", None)
    return progress.position if progress else 0


def _compose(messages: list[Message], wish: Wish) -> Composed:
    pending = [
        Pending(
            pk=message.pk,
            text=text_of(message),
            position=position_of(message),
            # What answers nothing is told with the moment it was said.
            at=None if message.reply_to_id else message.created_at,
        )
        for message in messages
    ]
    hint = "" if wish.has_service else more_hint()
    follows = f"\n\n{answer_follows_text()}" if wish.is_unanswered and hint else ""
    limit = settings.WECHAT_MAX_TEXT_BYTES - len(follows.encode())
    zone = ZoneInfo(messages[0].conversation.timezone)
    composed = compose(pending, limit, hint=hint, now=wish.now, zone=zone)
    return Composed(composed.text and composed.text + follows, composed.taken)


def _record(composed: Composed, messages: list[Message], wish: Wish) -> list[list[int]]:
    """Record what is handed over; return it with what had been before."""
    by_pk = {message.pk: message for message in messages}
    before = [[one.pk, position_of(by_pk[one.pk])] for one in composed.taken]
    whole = [one.pk for one in composed.taken if one.is_whole]
    Message.objects.filter(pk__in=whole).update(
        delivery_state=Message.Delivery.SENT, delivery_error="", provider_id=PASSIVE
    )
    for one in composed.taken:
        if not one.is_whole:
            Progress.objects.update_or_create(
                message_id=one.pk, defaults={"position": one.position}
            )
    _leave([message for message in messages if message.pk not in whole], wish)
    return before


def _leave(rest: list[Message], wish: Wish) -> None:
    """Have what was not handed over follow by itself, or wait for the follower."""
    if not wish.has_service:
        reason = _("It goes out with the follower's next message.")
        Message.objects.filter(pk__in=[message.pk for message in rest]).update(
            delivery_state=Message.Delivery.HELD, delivery_error=reason
        )
        return
    held = [one for one in rest if one.delivery_state == Message.Delivery.HELD]
    if held:
        Message.objects.filter(pk__in=[message.pk for message in held]).update(
            delivery_state=Message.Delivery.WAITING
        )
        channel = get_channel("wechat")
        # After this reply has arrived, so that the parts come in their order.
        after = wish.now + timedelta(seconds=1)
        submit_many([delivery_run(message, channel, fire_at=after) for message in held])


def put_back(messages: list[int]) -> list[None]:
    """Undo `take` for requests that WeChat gave up as they were answered, and will not repeat."""
    for request in Inbound.objects.select_for_update().filter(pk__in=messages).order_by("pk"):
        for pk, position in request.taken:
            Message.objects.filter(pk=pk).update(
                delivery_state=Message.Delivery.HELD,
                delivery_error=_("WeChat did not take the reply."),
                provider_id="",
            )
            Progress.objects.filter(message=pk).update(position=position)
        request.reply, request.taken = "", []
        request.save(update_fields=["reply", "taken"])
    return [None] * len(messages)
