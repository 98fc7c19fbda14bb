"""Finishing: the last write of runs that say something, in the transaction that ends them."""

from __future__ import annotations

from django.utils import timezone

from conversations import budgets, replies, sayings
from conversations.addressing import no_conversation
from conversations.commands.executing import Order, carry_out
from conversations.delivering import submit_deliveries
from conversations.models import Conversation, Message
from conversations.replies import ReplyText
from conversations.sayings import Saying
from conversations.summarizing import submit_summaries


def finish(items: list[ReplyText | Saying | Order]) -> list[Message]:
    """Store whole replies and sayings, carry out commands, queue what must be delivered.

    Joins the transaction; one write for all kinds, so that they lock conversations in one order.
    Raises ActionError (permanent) for a conversation that was erased meanwhile.
    """
    said = [item for item in items if isinstance(item, Saying)]
    orders = [item for item in items if isinstance(item, Order)]
    try:
        if orders or 0 < len(said) < len(items):
            Conversation.objects.hold({_conversation_of(item) for item in items})
        carried = {id(order): carry_out(order) for order in orders}
        texts = [carried.get(id(item), item) for item in items]
        answers = iter(_finish_replies([text for text in texts if isinstance(text, ReplyText)]))
    except Conversation.DoesNotExist:
        raise no_conversation() from None
    messages = iter(sayings.store(said))
    stored = [next(messages if isinstance(item, Saying) else answers) for item in items]
    if None in stored:
        raise no_conversation()
    return [message for message in stored if message]


def _conversation_of(item: ReplyText | Saying | Order) -> int:
    if isinstance(item, Saying):
        return item.conversation.pk
    return (item.to if isinstance(item, ReplyText) else item.message).conversation_id


def _finish_replies(texts: list[ReplyText]) -> list[Message]:
    if not texts:
        return []
    stored = replies.finish(texts)
    budgets.charge([text.charge for text in texts if text.charge])
    submit_deliveries(stored)
    submit_summaries((text.to.conversation for text in texts), now=timezone.now())
    return stored
