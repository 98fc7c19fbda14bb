"""Branching: which version of what was said is shown, and which messages belong to its thread."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple, Protocol
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Q

from conversations.frames import Frame, message_frame
from conversations.models import Conversation, Message

#: Branches that an agent's history goes back over at most.
MOST_STEPS = 500
_NO_END = 2**63 - 1


class MessageNotFound(LookupError):
    """The conversation has no such message."""


class Wish(Protocol):
    """A wish about one message of one conversation."""

    @property
    def conversation(self) -> int: ...
    @property
    def message(self) -> UUID | None: ...


class Step(NamedTuple):
    """A branch, by the version that begins it, 0 for the first; what is in it before `until`."""

    branch: int
    until: int


@dataclass(frozen=True)
class Path:
    """A way from the beginning of a conversation through its branches; the order is of no use."""

    steps: tuple[Step, ...]

    @cached_property
    def _ends(self) -> dict[int, int]:
        return dict(self.steps)

    def shows(self, message: Message) -> bool:
        """Tell whether a message is on the way; a reply is where what it answers is.

        Needs `reply_to`, which callers select along. What came unasked is on every way.
        """
        asked = message.reply_to or message
        if asked.role != Message.Role.USER or asked.pk in self._ends:
            return True
        is_first = asked.replaces_id is None
        return is_first and asked.pk < self._ends.get(asked.branch_id or 0, 0)


# The way back from a message to the beginning: one row for each branch.
_WAY_BACK = """
WITH RECURSIVE back(id, branch, until, depth) AS (
  SELECT id, COALESCE(branch_id, 0), COALESCE(replaces_id, id), 1
  FROM conversations_message WHERE id = %s
  UNION ALL
  SELECT m.id, COALESCE(m.branch_id, 0), COALESCE(m.replaces_id, m.id), back.depth + 1
  FROM conversations_message m JOIN back ON m.id = back.branch WHERE back.depth < %s
)
SELECT branch, until FROM back
"""


def has_branches(conversation: Conversation) -> bool:
    return "branch" in conversation.settings


def thread_of(conversation: Conversation) -> int:
    """Return a number that grows whenever something that was said is changed or taken back."""
    return int(conversation.settings.get("thread", 0))


def path_of(conversation: Conversation) -> Path | None:
    """Return the way to where the shown thread ends; None where all is one. At most one query."""
    if not has_branches(conversation):
        return None
    return path_behind(conversation.settings["branch"])


def path_behind(head: int | None) -> Path:
    """Return the way into the branch of a version, None for the first; one query at most."""
    back = _way_back(head) if head else ()
    return Path((*back, Step(head or 0, _NO_END)))


def path_to(message: Message) -> Path | None:
    """Return the way to what is before a message, shown or not; None where all is one.

    At most one query.
    """
    if not has_branches(message.conversation):
        return None
    if message.role != Message.Role.USER:
        return path_of(message.conversation)
    return Path(_way_back(message.pk))


def path_through(version: Message) -> Path:
    """Return the way to a version and on into its own branch; one query."""
    return Path((*_way_back(version.pk), Step(version.pk, _NO_END)))


def _way_back(pk: int) -> tuple[Step, ...]:
    with connection.cursor() as cursor:
        cursor.execute(_WAY_BACK, [pk, MOST_STEPS])
        return tuple(Step._make(row) for row in cursor.fetchall())


# -- versions --------------------------------------------------------------------------------------


def head_of(conversation: Conversation) -> Message | None:
    """Return the version behind which the conversation goes on, with its two ids alone."""
    head = conversation.settings.get("branch")
    return Message(pk=head, uuid=UUID(conversation.settings["branch_id"])) if head else None


def make_version(message: Message, named: UUID) -> None:
    """Have an unsaved message take the place of the one of that id, a version or not; one query.

    It keeps the files of that one unless it has its own. Raises MessageNotFound.
    """
    said = Message.objects.filter(conversation=message.conversation_id, role=Message.Role.USER)
    said = said.exclude(content_type=Message.ContentType.EVENT).filter(is_deleted=False)
    before = said.filter(uuid=named).select_related("replaces", "branch").first()
    if before is None:
        raise MessageNotFound
    message.replaces = before.replaces or before
    message.branch = before.branch
    if not message.attachment:
        message.files, message.attachment = before.files, before.attachment
        message.content_type = before.content_type
    if not (message.content.strip() or message.attachment):
        raise MessageNotFound


def go_on_from(message: Message) -> None:
    """Have the conversation go on behind a version that was stored just now."""
    message.chosen = message.seq
    Message.objects.filter(pk=message.pk).update(chosen=message.seq)
    forget_summary(message.conversation_id, message.replaces_id or message.pk)
    _remember(message.conversation, message, seq=message.seq)


def choose_versions(wishes: Sequence[Wish]) -> list[list[Frame] | MessageNotFound]:
    """Show these versions; return the frames that say so, none for one that is shown already."""
    Conversation.objects.hold({wish.conversation for wish in wishes})
    return [_choose(wish) for wish in wishes]


@transaction.atomic
def _choose(wish: Wish) -> list[Frame] | MessageNotFound:
    rows = Message.objects.filter(conversation=wish.conversation, role=Message.Role.USER)
    rows = rows.select_related("conversation", "replaces", "branch")
    message = rows.filter(uuid=str(wish.message)).first()
    if message is None:
        return MessageNotFound()
    if shown_of(versions_with(message)).pk == message.pk:
        return []
    return [choose(message)]


def versions_with(message: Message) -> list[Message]:
    """Return all versions of what was said, the first one first; one query."""
    first = message.replaces_id or message.pk
    rows = Message.objects.filter(Q(pk=first) | Q(replaces=first))
    fields = ("pk", "chosen", "files", "is_deleted", "branch", "replaces")
    return list(rows.only(*fields).order_by("pk"))


def shown_of(versions: Iterable[Message]) -> Message:
    return max(versions, key=lambda version: (version.chosen, -version.pk))


def choose(message: Message) -> Frame:
    """Show this version and what was said after it; joins the caller's transaction."""
    conversation = message.conversation
    seq = Conversation.objects.advance(Counter([conversation.pk]))[conversation.pk]
    forget_summary(conversation.pk, message.replaces_id or message.pk)
    message.seq = message.chosen = seq
    message.save(update_fields=["seq", "chosen"])
    _remember(conversation, _last_shown(conversation), seq=seq)
    return message_frame(message)


def _last_shown(conversation: Conversation) -> Message | None:
    """Return the version whose branch the shown thread ends in, None for the first branch."""
    rows = Message.objects.filter(conversation=conversation)
    fields = ("pk", "uuid", "chosen", "branch", "replaces")
    versions = list(rows.filter(replaces__isnull=False).only(*fields))
    firsts = rows.filter(pk__in={version.replaces_id for version in versions}).only(*fields)
    groups = {first.pk: [first] for first in firsts}
    for version in versions:
        groups.setdefault(version.replaces_id or 0, []).append(version)
    left: dict[int, dict[int, Message]] = defaultdict(dict)
    for first, group in groups.items():
        shown = shown_of(group)
        if shown.pk != first:
            left[shown.branch_id or 0][first] = shown
    last: Message | None = None
    while forks := left.get(last.pk if last else 0):
        last = forks[min(forks)]
    return last


def _remember(conversation: Conversation, head: Message | None, *, seq: int) -> None:
    """Remember where the conversation goes on."""
    place = {
        "branch": head.pk if head else None,
        "branch_id": str(head.uuid) if head else None,
        "thread": seq,
    }
    Conversation.objects.remember(conversation.pk, **place)
    conversation.settings |= place


def forget_summary(conversation: int, first: int) -> None:
    """Drop the summary if it covers any of what was said from this message on.

    Asked before anything of that takes a new number. One that is being made meanwhile is not
    stored: `thread_of` tells that it is of before.
    """
    settings = Conversation.objects.values_list("settings", flat=True).get(pk=conversation)
    summary = settings.get("summary")
    if not summary:
        return
    covered = Message.objects.filter(conversation=conversation, pk__gte=first)
    if covered.filter(seq__lte=summary["until"]).exists():
        Conversation.objects.remember(conversation, summary=None)
