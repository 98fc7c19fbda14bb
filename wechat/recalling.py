"""Recalling: what is known of a follower and a message as it comes, before it is stored."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from conversations.models import Conversation, Message
from conversations.receiving import Incoming
from wechat.kinds import CHANNEL
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
    """Return what is known of each; four queries, and two more for each that is a pickup word."""
    replayed = _replayed(items)
    conversations = _conversations(items)
    known = _known(items, conversations)
    hasty = _hasty(items, conversations)
    return [
        _recall(
            item,
            conversations.get(item.incoming.address),
            known.get((item.incoming.address, item.incoming.external_id)),
            is_replayed=id(item) in replayed,
            is_too_fast=id(item) in hasty,
        )
        for item in items
    ]


def _recall(
    item: Coming,
    conversation: Conversation | None,
    known: Message | None,
    *,
    is_replayed: bool,
    is_too_fast: bool,
) -> Recalled:
    if conversation is None:
        return Recalled(is_replayed)
    is_word = _is_pickup_word(item.incoming)
    if known:
        is_over = known.state in (Message.State.ANSWERED, Message.State.DONE)
        was_pickup = is_word and is_over and not _has_reply(known)
        return Recalled(is_replayed, is_known=True, is_pickup=was_pickup)
    is_pickup = is_word and _has_something_to_say(conversation)
    return Recalled(is_replayed, is_pickup=is_pickup, is_too_fast=is_too_fast)


def _replayed(items: list[Coming]) -> set[int]:
    """Return those, by their identity, whose signature another message came with."""
    earlier = Inbound.objects.filter(signature__in={item.signature for item in items})
    owners: dict[str, set[tuple[str, str]]] = {}
    for signature, *owner in earlier.values_list(
        "signature", "message__conversation__address", "message__external_id"
    ):
        owners.setdefault(signature, set()).add((owner[0], owner[1]))
    return {
        id(item)
        for item in items
        if owners.get(item.signature, set()) - {(item.incoming.address, item.incoming.external_id)}
    }


def _conversations(items: list[Coming]) -> dict[str, Conversation]:
    """Return the conversation of each address that has one."""
    addresses = {item.incoming.address for item in items}
    found = Conversation.objects.filter(channel=CHANNEL, address__in=addresses)
    return {one.address: one for one in found.only("address")}


def _known(
    items: list[Coming], conversations: dict[str, Conversation]
) -> dict[tuple[str, str], Message]:
    """Return the messages that came before, by address and external id."""
    addresses = {one.pk: address for address, one in conversations.items()}
    messages = Message.objects.filter(
        conversation__in=addresses, external_id__in={item.incoming.external_id for item in items}
    )
    found = messages.only("conversation_id", "external_id", "state")
    return {(addresses[one.conversation_id], one.external_id): one for one in found}


def _hasty(items: list[Coming], conversations: dict[str, Conversation]) -> set[int]:
    """Return those, by their identity, whose follower has said too much within the last minute."""
    since = min(item.now for item in items) - RATE_WINDOW
    said = Message.objects.filter(
        conversation__in=[one.pk for one in conversations.values()],
        role=Message.Role.USER,
        created_at__gt=since,
    ).exclude(state=Message.State.DONE)  # events that ask nothing; WeChat sends places every 5 s
    moments: dict[int, list[datetime]] = {}
    for conversation, moment in said.values_list("conversation", "created_at"):
        moments.setdefault(conversation, []).append(moment)
    return {
        id(item)
        for item in items
        if (one := conversations.get(item.incoming.address))
        and sum(moment > item.now - RATE_WINDOW for moment in moments.get(one.pk, ()))
        >= settings.WECHAT_RATE
    }


def _is_pickup_word(incoming: Incoming) -> bool:
    is_text = incoming.content_type in (Message.ContentType.TEXT, Message.ContentType.EVENT)
    return is_text and incoming.content.strip().lstrip("/／").casefold() in PICKUP_WORDS


def _has_reply(message: Message) -> bool:
    return Message.objects.filter(reply_to=message).exists()


def _has_something_to_say(conversation: Conversation) -> bool:
    messages = Message.objects.filter(conversation=conversation)
    return messages.undelivered().exists() or messages.waiting().exists()
