"""Recalling: what is known of a follower and a message as it comes, before it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from conversations.models import Conversation, Message
from conversations.receiving import Incoming
from wechat.models import Inbound

#: What followers send for an answer that was too long, or came too late.
PICKUP_WORDS = {"继续", "繼續", "continue", "more", "。"}
RATE_WINDOW = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Coming:
    """A message that is not stored yet, as it came in a request with this signature."""

    incoming: Incoming
    signature: str
    now: datetime


@dataclass(frozen=True, slots=True)
class Recalled:
    """What is known: whether the message came before, and how it is to be treated."""

    #: Another message came with this very signature.
    is_replayed: bool = False
    is_known: bool = False
    #: It asks for what is kept for its follower, or is being answered.
    is_pickup: bool = False
    is_too_fast: bool = False


def recall(items: list[Coming]) -> list[Recalled]:
    return [_recall(item) for item in items]


def _recall(item: Coming) -> Recalled:
    incoming = item.incoming
    replayed = Inbound.objects.filter(signature=item.signature).exclude(
        message__external_id=incoming.external_id,
        message__conversation__address=incoming.address,
    )
    is_replayed = replayed.exists()
    conversation = Conversation.objects.filter(
        channel=incoming.channel, address=incoming.address
    ).first()
    if conversation is None:
        return Recalled(is_replayed)
    known = conversation.messages.filter(external_id=incoming.external_id).first()
    is_word = _is_pickup_word(incoming)
    if known:
        is_over = known.state in (Message.State.ANSWERED, Message.State.DONE)
        was_pickup = is_word and is_over and not _has_reply(known)
        return Recalled(is_replayed, is_known=True, is_pickup=was_pickup)
    return Recalled(
        is_replayed,
        is_pickup=is_word and _has_something_to_say(conversation),
        is_too_fast=_is_too_fast(conversation, now=item.now),
    )


def _is_pickup_word(incoming: Incoming) -> bool:
    is_text = incoming.content_type in (Message.ContentType.TEXT, Message.ContentType.EVENT)
    return is_text and incoming.content.strip().lstrip("/／").casefold() in PICKUP_WORDS


def _has_reply(message: Message) -> bool:
    return Message.objects.filter(reply_to=message).exists()


def _has_something_to_say(conversation: Conversation) -> bool:
    messages = Message.objects.filter(conversation=conversation)
    return messages.undelivered().exists() or messages.waiting().exists()


def _is_too_fast(conversation: Conversation, *, now: datetime) -> bool:
    said = conversation.messages.filter(role=Message.Role.USER).order_by("-seq")
    latest = said.values_list("created_at", flat=True)[: settings.WECHAT_RATE]
    return len(latest) == settings.WECHAT_RATE and min(latest) > now - RATE_WINDOW
