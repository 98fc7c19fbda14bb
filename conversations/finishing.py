"""Finishing: the last write of runs that say something, in the transaction that ends them."""

from __future__ import annotations

from conversations import replies, sayings
from conversations.addressing import no_conversation
from conversations.delivering import submit_deliveries
from conversations.models import Conversation, Message
from conversations.replies import ReplyText
from conversations.sayings import Saying


def finish(items: list[ReplyText | Saying]) -> list[Message]:
    """Store whole replies and sayings, and queue those that must be delivered.

    Joins the transaction; one write for both kinds, so that they lock conversations in one order.
    Raises ActionError (permanent) for a conversation that was erased meanwhile.
    """
    texts = [item for item in items if isinstance(item, ReplyText)]
    said = [item for item in items if isinstance(item, Saying)]
    try:
        if texts and said:
            pks = {text.to.conversation_id for text in texts}
            Conversation.objects.hold(pks | {saying.conversation.pk for saying in said})
        answers = iter(_finish_replies(texts))
    except Conversation.DoesNotExist:
        raise no_conversation() from None
    messages = iter(sayings.store(said))
    stored = [next(answers if isinstance(item, ReplyText) else messages) for item in items]
    if None in stored:
        raise no_conversation()
    return [message for message in stored if message]


def _finish_replies(texts: list[ReplyText]) -> list[Message]:
    if not texts:
        return []
    stored = replies.finish(texts)
    submit_deliveries(stored)
    return stored
