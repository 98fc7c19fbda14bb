"""Sharing: a link by which anybody reads a conversation, as it was when the link was made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.core.paginator import Page, Paginator
from django.db.models import Q
from django.db.models.functions import Coalesce

from conversations.branching import path_behind
from conversations.exporting import load
from conversations.models import Conversation, Message, MessageQuerySet, SharedLink
from scheduling.writing import writing

#: Messages of one page that readers of a link are shown.
PAGE = 100
# What tells where a message belongs, and nothing of what it says.
_PLACE = ("role", "branch", "replaces", "reply_to")
_PLACES = [*_PLACE, *(f"reply_to__{name}" for name in _PLACE)]


@dataclass(frozen=True, slots=True)
class SharedPage:
    """A part of what a link shows, in reading order."""

    messages: list[Message]
    place: Page[int]


def make_link(conversation: Conversation, *, now: datetime) -> SharedLink:
    """Return the conversation's link, made or renewed: it shows what has been said until now.

    A renewed one keeps its address. Of two at once both end as the same link.
    """
    with writing():
        row = Conversation.objects.select_for_update().get(pk=conversation.pk)
        shown = {
            "until": row.seq,
            "branch_id": row.settings.get("branch"),
            "renewed_at": now,
        }
        link, _ = SharedLink.objects.update_or_create(
            conversation=row, defaults=shown, create_defaults=shown | {"created_at": now}
        )
    return link


def find_link(conversation: Conversation) -> SharedLink | None:
    return SharedLink.objects.filter(conversation=conversation).first()


def revoke_link(conversation: Conversation) -> None:
    """Have the link lead nowhere from now on; another one made later has another address."""
    with writing():
        SharedLink.objects.filter(conversation=conversation).delete()


def find_shared(token: str) -> SharedLink | None:
    """Return the link with that token and its conversation, None where it was revoked."""
    return SharedLink.objects.filter(token=token).select_related("conversation").first()


def read_shared(link: SharedLink, page: str) -> SharedPage:
    """Return a page of what the link shows, the nearest one for a wrong number; three queries."""
    path = path_behind(link.branch_id)
    order = Coalesce("reply_to_id", "pk")
    rows = _shared(link).select_related("reply_to").only(*_PLACES).order_by(order, "pk")
    pks = [message.pk for message in rows if path.shows(message)]
    place = Paginator(pks, PAGE).get_page(page)
    return SharedPage(load(list(place.object_list)), place)


def _shared(link: SharedLink) -> MessageQuerySet:
    """Return what was there when the link was made, of every branch, and was not deleted since.

    A reply is what it was then only while its number is that of then. What people said stays as it
    was said, whatever became of it: its number grows when another version is chosen.
    """
    rows = Message.objects.filter(conversation=link.conversation_id, is_deleted=False)
    rows = rows.exclude(content_type=Message.ContentType.EVENT)
    rows = rows.exclude(state=Message.State.STREAMING)
    was_said = ~Q(role=Message.Role.ASSISTANT) & Q(created_at__lte=link.renewed_at)
    return rows.filter(Q(seq__lte=link.until) | was_said)
