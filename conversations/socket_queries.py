"""Reads what the URL of a socket asks for: where, from which change on, as whom, in which zone."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import parse_qs
from uuid import UUID

from django.utils.translation import get_supported_language_variant

from scheduling.triggers import InvalidTrigger, zone_named


@dataclass(frozen=True, slots=True)
class SocketQuery:
    """`after` is None, and the texts are empty, where nothing usable was asked for."""

    conversation: str | None
    token: str
    timezone: str
    after: int | None
    #: A page inside another site's: its cookies, where it has any, are not this visitor's word.
    is_embedded: bool = False
    #: The language such a page is shown in, which no cookie tells.
    language: str = ""
    #: Whether the HTML of growing replies is wanted beside their text.
    renders: bool = False

    @property
    def wanted(self) -> UUID | None:
        """The conversation; raises ValueError for one that cannot be."""
        return None if self.conversation is None else UUID(self.conversation)


def read_query(query_string: bytes) -> SocketQuery:
    query = parse_qs(query_string.decode("latin-1"))
    after = query.get("after", [""])[0]
    return SocketQuery(
        conversation=query.get("conversation", [None])[0],
        token=query.get("token", [""])[0],
        timezone=_zone(query.get("timezone", [""])[0]),
        after=int(after) if after.isdecimal() and len(after) < 20 else None,
        is_embedded=query.get("embed", [""])[0] == "1",
        language=language_named(query.get("language", [""])[0]),
        renders=query.get("render", [""])[0] == "1",
    )


def language_named(code: str) -> str:
    """Return the site's language for a code such as `zh-CN`, "" where it has none."""
    try:
        return get_supported_language_variant(code)
    except (LookupError, ValueError):  # unknown, or too long to be one
        return ""


def _zone(name: str) -> str:
    """Return the time zone, "" for what is none: a browser may know one that is not here."""
    try:
        return zone_named(name).key if name else ""
    except InvalidTrigger:
        return ""
