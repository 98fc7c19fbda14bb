"""Delivers stored replies on channels that do not read rows, as runs of their own."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.utils.translation import gettext as _

from conversations.channels import (
    Channel,
    DeliveryError,
    DeliveryHeld,
    DeliveryUnknown,
    get_channel,
)
from conversations.models import Message
from conversations.texts import clean
from scheduling.actions import Commit, prepare, submit_many
from scheduling.group_commit import group_commit
from scheduling.models import Run
from scheduling.states import RunState
from scheduling.writing import writing

DELIVER = "conversations.deliver"
_OPEN = (Message.Delivery.WAITING, Message.Delivery.SENDING)
_UNFINISHED = (Message.Delivery.HELD, Message.Delivery.UNKNOWN)


@dataclass(frozen=True, slots=True)
class _Outcome:
    message: Message
    state: Message.Delivery
    error: str = ""


def first_delivery_state(channel: str) -> Message.Delivery:
    """Return the delivery state of a whole message of this channel as it is stored.

    Raises ImproperlyConfigured for a channel the site does not have.
    """
    return Message.Delivery.SENT if get_channel(channel).reads_rows else Message.Delivery.WAITING


def submit_deliveries(messages: list[Message]) -> None:
    """Queue the delivery of each message whose channel needs one, with one query.

    Joins the caller's transaction.
    """
    waiting = [one for one in messages if one.delivery_state == Message.Delivery.WAITING]
    by_channel: dict[str, list[Message]] = {}
    for message in waiting:
        by_channel.setdefault(message.conversation.channel, []).append(message)
    runs = []
    for name, theirs in by_channel.items():
        channel = get_channel(name)
        after = channel.deliver_after(theirs)
        runs += [
            delivery_run(message, channel, fire_at=after.get(message.pk)) for message in theirs
        ]
    if runs:
        submit_many(runs)


def delivery_run(message: Message, channel: Channel, *, fire_at: datetime | None = None) -> Run:
    """Return the unsaved run that delivers a message, after the earlier ones of its kind."""
    return prepare(
        DELIVER,
        {"message": message.pk},
        key=f"delivery:{message.conversation_id}",
        max_attempts=channel.max_attempts,
        fire_at=fire_at,
    )


async def deliver(message_id: int) -> Commit | None:
    """Hand one reply to its channel; raises DeliveryError, on which the run is tried again."""
    message = await group_commit().read(_load, message_id)
    if message is None or message.delivery_state not in _OPEN:
        return None
    try:
        await get_channel(message.conversation.channel).deliver(message)
    except DeliveryHeld as held:
        return Commit(_record, _Outcome(message, Message.Delivery.HELD, str(held)))
    except DeliveryUnknown as unknown:
        return Commit(_record, _Outcome(message, Message.Delivery.UNKNOWN, str(unknown)))
    except DeliveryError as error:
        await group_commit()(_record, _Outcome(message, Message.Delivery.WAITING, str(error)))
        raise
    return Commit(_record, _Outcome(message, Message.Delivery.SENT))


def _load(message_id: int) -> Message | None:
    return Message.objects.select_related("conversation").filter(pk=message_id).first()


def _record(outcomes: list[_Outcome]) -> list[None]:
    """Store what came of deliveries; one that was handed over in another way meanwhile stays."""
    for outcome in outcomes:
        message = outcome.message
        Message.objects.filter(pk=message.pk, delivery_state__in=_OPEN).update(
            delivery_state=outcome.state,
            delivery_error=clean(outcome.error)[:500],
            provider_id=message.provider_id,
        )
    return [None] * len(outcomes)


def ended(run: Run) -> None:
    """Record on the message that its delivery came to nothing, or has to wait."""
    messages = Message.objects.filter(pk=run.args.get("message"), delivery_state__in=_OPEN)
    message = messages.select_related("conversation").first()
    if message is None:
        return
    messages.update(
        delivery_state=_end_state(run, message),
        delivery_error=(run.error or _("The delivery was cancelled."))[:500],
    )


def _end_state(run: Run, message: Message) -> Message.Delivery:
    if message.delivery_state == Message.Delivery.SENDING:
        return Message.Delivery.UNKNOWN
    was_tried_out = run.state == RunState.FAILED and run.attempt >= run.max_attempts
    is_held = was_tried_out and get_channel(message.conversation.channel).holds
    return Message.Delivery.HELD if is_held else Message.Delivery.FAILED


def deliver_again(messages: Iterable[int]) -> list[Message]:
    """Queue the delivery of those, by id, that failed, wait or may have failed; return them."""
    with writing():
        wanted = Message.objects.filter(
            pk__in=messages, delivery_state__in=[Message.Delivery.FAILED, *_UNFINISHED]
        ).order_by("pk")
        found = list(wanted.select_related("conversation").select_for_update(of=("self",)))
        for message in found:
            message.delivery_state = Message.Delivery.WAITING
        Message.objects.bulk_update(found, ["delivery_state"])
        submit_deliveries(found)
    return found


def retried(run: Run) -> None:
    """Have a message delivered again whose run an operator put back into the queue."""
    Message.objects.filter(
        pk=run.args.get("message"), delivery_state__in=[Message.Delivery.FAILED, *_UNFINISHED]
    ).update(delivery_state=Message.Delivery.WAITING)
