"""Searching: every message of a participant that holds all the words, the newest first."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from conversations.identity import Identity
from conversations.models import Conversation, Message
from conversations.reading import WEB

#: Hits of one page.
PAGE = 20
#: The most words that are looked for, and the longest text they may come from.
MOST_TERMS, LONGEST_QUERY = 8, 200
#: Conversations that are searched, the latest ones.
MOST_CONVERSATIONS = 5_000
#: Characters of a snippet before its first hit, and all together.
LEAD, SNIPPET = 40, 160


@dataclass(frozen=True, slots=True)
class Found:
    """A page of messages with their conversations; `after` is None, or where the next begins."""

    messages: list[Message]
    terms: list[str]
    after: UUID | None


def terms_of(query: str) -> list[str]:
    """Return the words of a query, and its "phrases" whole; none more than once.

    Chinese has no blanks between words: what is written together is looked for together.
    """
    found = re.findall(r'["“”„«»]([^"“”„«»]+)["“”„«»]?|([^\s"“”„«»]+)', query[:LONGEST_QUERY])
    terms = (" ".join((phrase or word).split()) for phrase, word in found)
    return list(dict.fromkeys(term for term in terms if term))[:MOST_TERMS]


def search(identity: Identity, query: str, before: UUID | None = None) -> Found:
    """Return the messages on the web that hold every term; what was deleted is not found.

    `before` is the `after` of the page before it. Two queries, over the participant's rows alone: a
    join in their place is planned as if words were rare, and takes seconds where they are not.
    """
    terms = terms_of(query)
    if not terms:
        return Found([], [], None)
    mine = Conversation.objects.filter(channel=WEB, participant=identity.participant)
    places = {place.pk: place for place in mine.order_by("-updated_at")[:MOST_CONVERSATIONS]}
    rows = Message.objects.filter(conversation__in=list(places), is_deleted=False)
    rows = rows.exclude(content_type=Message.ContentType.EVENT)
    if before:
        rows = rows.filter(pk__lt=Message.objects.filter(uuid=before).values("pk")[:1])
    for term in terms:
        rows = rows.filter(_holds(term))
    found = list(rows.order_by("-pk")[: PAGE + 1])
    page = found[:PAGE]
    for message in page:
        message.conversation = places[message.conversation_id]
    return Found(page, terms, page[-1].uuid if len(found) > PAGE else None)


def _holds(term: str) -> Q:
    """Ask for a term in whatever case.

    SQLite's LIKE knows the cases of ASCII alone, PostgreSQL's those of the database's locale: where
    others matter, the pattern names both cases of each letter.
    """
    if all(letter.isascii() or len(_cases(letter)) == 1 for letter in term):
        return Q(content__icontains=term)
    # LIKE is far quicker: the pattern is asked only about rows with the longest part it can take.
    parts = re.findall(r"[\x20-\x7e]+", term)
    likely = Q(content__icontains=max(parts, key=len)) if parts else Q()
    return likely & Q(content__regex="".join(_pattern(letter) for letter in term))


def _pattern(letter: str) -> str:
    cases = _cases(letter)
    return f"[{cases}]" if len(cases) > 1 else re.escape(letter)


def _cases(letter: str) -> str:
    cases = {letter, letter.lower(), letter.upper()}
    return "".join(sorted(case for case in cases if len(case) == 1))


def snippet(content: str, terms: list[str]) -> list[tuple[str, bool]]:
    """Return a part of the text around its first hit, in pieces: (text, whether it is a hit)."""
    words = sorted(map(re.escape, terms), key=len, reverse=True)
    pattern = re.compile("|".join(words) or r"(?!)", re.IGNORECASE)
    first = pattern.search(content)
    start = max(0, first.start() - LEAD) if first else 0
    # A word that the cut would split is left out, where the language has blanks.
    if start and (blank := re.compile(r"\s").search(content, start, start + LEAD // 2)):
        start = blank.end()
    part = content[start : start + SNIPPET]
    pieces = _pieces(part, pattern)
    if start:
        pieces.insert(0, ("…", False))
    if start + SNIPPET < len(content):
        pieces.append(("…", False))
    return pieces


def _pieces(part: str, pattern: re.Pattern[str]) -> list[tuple[str, bool]]:
    pieces: list[tuple[str, bool]] = []
    end = 0
    for hit in pattern.finditer(part):
        if hit.start() > end:
            pieces.append((part[end : hit.start()], False))
        pieces.append((hit.group(), True))
        end = hit.end()
    if end < len(part):
        pieces.append((part[end:], False))
    return pieces


def hit_of(message: Message, terms: list[str]) -> dict[str, Any]:
    """Return what the page shows of a message that was found."""
    return {
        "conversation": str(message.conversation.uuid),
        "title": message.conversation.title,
        "message": str(message.uuid),
        "seq": message.seq,
        "role": message.role,
        "snippet": snippet(message.content, terms),
        "created_at": message.created_at.isoformat(),
    }
