"""Delivers stored replies on channels that do not read rows, as runs of their own."""

from __future__ import annotations

from django.utils.translation import gettext as _

from conversations.channels import get_channel
from conversations.models import Message
from scheduling.actions import Commit, submit
from scheduling.group_commit import group_commit
from scheduling.models import Run

DELIVER = "conversations.deliver"


def submit_deliveries(replies: list[Message]) -> None:
    """Queue the delivery of each reply whose channel needs one; joins the caller's transaction."""
    for reply in replies:
        if reply.delivery_state == Message.Delivery.WAITING:
            channel = get_channel(reply.conversation.channel)
            submit(
                DELIVER,
                {"message": reply.pk},
                key=f"delivery:{reply.conversation_id}",
                max_attempts=channel.max_attempts,
            )


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
