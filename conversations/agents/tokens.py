"""Guesses how many tokens a text is: for windows, and for budgets where no server counts."""

from __future__ import annotations

from collections.abc import Iterable

from conversations.agents.contract import HistoryMessage

#: What a message costs beside its text: its role and what sets it apart from the next one.
PER_MESSAGE = 4


def estimate(text: str) -> int:
    """Return about how many tokens a text is: a quarter of one for an ASCII character, else one.

    Rather too many than too few: English has four to five characters a token, Chinese about one
    and a half. Nothing is built: a text of a million characters takes a millisecond.
    """
    ascii_only = len(text) if text.isascii() else len(text.encode("ascii", "ignore"))
    return len(text) - ascii_only + -(-ascii_only // 4)


def estimate_message(message: HistoryMessage) -> int:
    """Return about how many tokens a message is; what is attached to it is not counted."""
    return PER_MESSAGE + estimate(message.content)


def estimate_messages(messages: Iterable[HistoryMessage]) -> int:
    """Return about how many tokens messages are together."""
    return sum(map(estimate_message, messages))
