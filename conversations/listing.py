"""A participant's conversations: their list, a new one, their names, how far each is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Least

from conversations.asking import ASK
from conversations.identity import Identity
from conversations.models import Conversation
from conversations.reading import WEB
from conversations.receiving import ANSWER
from scheduling.models import Run
from scheduling.states import FINISHED
from scheduling.writing import writing

#: Conversations of one page of the list.
PAGE = 50
TITLE_LENGTH = 200


class TooManyConversations(Exception):
    """The participant has BOTFLOW_MAX_CONVERSATIONS already."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of the list, the latest first; `after` is None, or where the next page begins."""

    conversations: list[Conversation]
    answering: set[int]
    after: str | None


@dataclass(frozen=True, slots=True)
class Mark:
    """Up to which change the participant has seen a conversation."""

    conversation: int
    seq: int


def list_conversations(identity: Identity, before: str = "") -> Listed:
    """Return those in which something was said, or which were named; two queries.

    `before` is the `after` of the page before it; raises ValueError for what is none.
    """
    rows = _mine(identity).exclude(seq=0, title="").order_by("-updated_at", "-pk")
    rows = rows.select_related("shared_link")
    if before:
        moment, _, pk = before.partition("_")
        at = datetime.fromisoformat(moment)
        rows = rows.filter(Q(updated_at__lt=at) | Q(updated_at=at, pk__lt=int(pk)))
    found = list(rows.defer("settings")[: PAGE + 1])
    page = found[:PAGE]
    after = f"{page[-1].updated_at.isoformat()}_{page[-1].pk}" if len(found) > PAGE else None
    return Listed(page, _answering(page), after)


def _answering(rows: list[Conversation]) -> set[int]:
    """Return which of them wait for an answer: by its run, for of messages there may be many."""
    keys = {row.key: row.pk for row in rows}
    runs = Run.objects.filter(key__in=keys, action__in=[ANSWER, ASK]).exclude(state__in=FINISHED)
    return {keys[key] for key in runs.values_list("key", flat=True)}


def find_conversation(identity: Identity, name: UUID) -> Conversation:
    """Return a conversation of theirs; raises Conversation.DoesNotExist for any other."""
    return _mine(identity).get(uuid=name)


def begin_conversation(identity: Identity, *, locale: str, now: datetime) -> Conversation:
    """Return an empty conversation, the latest of theirs from now on; an empty one is used again.

    Raises TooManyConversations. Two at the same time may both make one: no harm is done.
    """
    with writing():
        empty = _mine(identity).filter(seq=0, title="").order_by("pk").first()
        if empty:
            empty.updated_at = now
            empty.save(update_fields=["updated_at"])
            return empty
        if _mine(identity).count() >= settings.BOTFLOW_MAX_CONVERSATIONS:
            raise TooManyConversations
        made = Conversation(
            channel=WEB,
            participant=identity.participant,
            settings={"locale": locale},
            updated_at=now,
        )
        made.address = str(made.uuid)
        made.save(force_insert=True)
        return made


def rename(conversation: Conversation, title: str) -> None:
    """Call it so; its place in the list, which follows what is said, stays."""
    conversation.title = title
    with writing():
        conversation.save(update_fields=["title"])


def mark_read(marks: list[Mark]) -> list[None]:
    """Note how far conversations are read, never backwards; joins the transaction."""
    furthest: dict[int, int] = {}
    for mark in marks:
        furthest[mark.conversation] = max(mark.seq, furthest.get(mark.conversation, 0))
    Conversation.objects.hold(furthest)
    for pk, seq in furthest.items():
        # Not beyond what there is: a number made up by a client would hide all that comes.
        Conversation.objects.filter(pk=pk, read_seq__lt=seq).update(read_seq=Least(F("seq"), seq))
    return [None] * len(marks)


def _mine(identity: Identity) -> QuerySet[Conversation]:
    return Conversation.objects.filter(channel=WEB, participant=identity.participant)
