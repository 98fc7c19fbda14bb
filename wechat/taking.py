"""Taking: what one request hands to its follower, claimed and kept so that each gets the same."""

from __future__ import annotations

from collections import Counter
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


@dataclass(frozen=True, slots=True)
class _Handed:
    """What one request hands over of the messages that wait in its conversation."""

    wish: Wish
    messages: list[Message]
    composed: Composed

    @property
    def before(self) -> list[list[int]]:
        """What of each had been handed over until now."""
        positions = {message.pk: position_of(message) for message in self.messages}
        return [[one.pk, positions[one.pk]] for one in self.composed.taken]

    @property
    def rest(self) -> list[Message]:
        whole = {one.pk for one in self.composed.taken if one.is_whole}
        return [message for message in self.messages if message.pk not in whole]


def take(wishes: list[Wish]) -> list[str]:
    """Return the reply of each request as XML, "" for none; joins the caller's transaction.

    A request that comes again gets what it got before. What is handed over is recorded as sent,
    in part or whole: nobody hands it over again. Five queries, however many requests, if each is
    of a conversation of its own.
    """
    # In one order everywhere: two processes that want the same must not deadlock.
    locked = Inbound.objects.select_for_update().order_by("pk")
    requests = {one.pk: one for one in locked.filter(pk__in={wish.message for wish in wishes})}
    for together in _one_of_each_conversation(wishes):
        _take(together, requests)
    # One that is missing was erased meanwhile.
    return [requests[one.message].reply if one.message in requests else "" for one in wishes]


def _one_of_each_conversation(wishes: list[Wish]) -> list[list[Wish]]:
    """Return the wishes in groups, earlier messages first, so that none takes what another does."""
    groups: list[list[Wish]] = []
    count: Counter[int] = Counter()
    for wish in sorted(wishes, key=lambda wish: wish.message):
        place = count[wish.conversation]
        count[wish.conversation] += 1
        if place == len(groups):
            groups.append([])
        groups[place].append(wish)
    return groups


def _take(wishes: list[Wish], requests: dict[int, Inbound]) -> None:
    """Give the requests that have none yet their replies."""
    wishes = [one for one in wishes if one.message in requests and not requests[one.message].reply]
    if not wishes:
        return
    with translation.override(settings.WECHAT_LOCALE):
        handed = _compose_all(wishes)
        # Even what is all blank is taken: it waits no longer.
        _record(list(handed.values()))
    answered = []
    for wish in wishes:
        own = handed.get(wish.message)
        if text := (own and own.composed.text) or wish.otherwise:
            request = requests[wish.message]
            request.reply = text_reply(wish.to, wish.sender, text, now=wish.now)
            request.taken = own.before if own else []
            answered.append(request)
    Inbound.objects.bulk_update(answered, ["reply", "taken"])


def _compose_all(wishes: list[Wish]) -> dict[int, _Handed]:
    """Return by its message what each request hands over that has something to."""
    waiting: dict[int, list[Message]] = {wish.conversation: [] for wish in wishes}
    messages = Message.objects.undelivered().filter(conversation__in=list(waiting))
    messages = messages.select_related("conversation", "progress")
    for message in messages.select_for_update(of=("self",)):
        waiting[message.conversation_id].append(message)
    handed = {}
    for wish in wishes:
        if current := _current(waiting[wish.conversation], now=wish.now):
            handed[wish.message] = _Handed(wish, current, _compose(current, wish))
    return handed


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


def _record(handed: list[_Handed]) -> None:
    """Record what is handed over, and what becomes of the rest."""
    taken = [one for each in handed for one in each.composed.taken]
    if not taken:
        return
    Message.objects.filter(pk__in=[one.pk for one in taken if one.is_whole]).update(
        delivery_state=Message.Delivery.SENT, delivery_error="", provider_id=PASSIVE
    )
    for one in taken:
        if not one.is_whole:
            Progress.objects.update_or_create(
                message_id=one.pk, defaults={"position": one.position}
            )
    _hold([message for each in handed if not each.wish.has_service for message in each.rest])
    for each in handed:
        if each.wish.has_service:
            _send(each.rest, each.wish)


def _hold(rest: list[Message]) -> None:
    """Have what was not handed over wait for the follower."""
    if rest:
        reason = _("It goes out with the follower's next message.")
        Message.objects.filter(pk__in=[message.pk for message in rest]).update(
            delivery_state=Message.Delivery.HELD, delivery_error=reason
        )


def _send(rest: list[Message], wish: Wish) -> None:
    """Have what was not handed over follow by itself."""
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
