"""Delivers stored replies on channels that do not read rows, as runs of their own."""

from __future__ import annotations

from django.utils.translation import gettext as _

from conversations.channels import get_channel
from conversations.models import Message
from scheduling.actions import Commit, prepare, submit_many
from scheduling.group_commit import group_commit
from scheduling.models import Run

DELIVER = "conversations.deliver"


def first_delivery_state(channel: str) -> Message.Delivery:
    """Return the delivery state of a whole message of this channel as it is stored.

    Raises ImproperlyConfigured for a channel the site does not have.
    """
    return Message.Delivery.SENT if get_channel(channel).reads_rows else Message.Delivery.WAITING


def submit_deliveries(messages: list[Message]) -> None:
    """Queue the delivery of each message whose channel needs one, with one query.

    Joins the caller's transaction.
    """
    runs = [
        prepare(
            DELIVER,
            {"message": message.pk},
            key=f"delivery:{message.conversation_id}",
            max_attempts=get_channel(message.conversation.channel).max_attempts,
        )
        for message in messages
        if message.delivery_state == Message.Delivery.WAITING
    ]
    if runs:
        submit_many(runs)


async def deliver(message_id: int) -> Commit | None:
    """Hand one reply to its channel; raises DeliveryError, on which the run is tried again."""
    message = await group_commit().read(_load, message_id)
    if message is None or message.delivery_state == Message.Delivery.SENT:
        return None
    await get_channel(message.conversation.channel).deliver(message)
    return Commit(_record_sent, message)


def _load(message_id: int) -> Message | None:
    return Message.objects.select_related("conversation").filter(pk=message_id).first()


def _record_sent(messages: list[Message]) -> list[None]:
    for message in messages:
        message.delivery_state, message.delivery_error = Message.Delivery.SENT, ""
        message.save(update_fields=["delivery_state", "delivery_error", "provider_id"])
    return [None] * len(messages)


def ended(run: Run) -> None:
    """Record on the message that its delivery came to nothing."""
    Message.objects.filter(pk=run.args.get("message")).update(
        delivery_state=Message.Delivery.FAILED,
        delivery_error=(run.error or _("The delivery was cancelled."))[:500],
    )
