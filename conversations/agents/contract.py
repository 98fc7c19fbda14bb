"""The agent contract: what an agent is given, what it may yield, how it says that it failed."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING

from scheduling.actions import ActionError

if TYPE_CHECKING:
    from conversations.models import Conversation


class AgentError(ActionError):
    """A failure whose message may be shown to the user.

    `permanent=False` has the turn tried again, after `retry_after` where it is given.
    """

    def __init__(
        self, message: str, *, permanent: bool = True, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(message, permanent=permanent, retry_after=retry_after)


@dataclass(frozen=True, slots=True)
class HistoryMessage:
    """An earlier message of the conversation; `role` is user, assistant or system."""

    role: str
    content: str
    attachments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Turn:
    """What an agent answers: the text, and everything around it."""

    text: str
    history: list[HistoryMessage]
    conversation: Conversation
    channel: str
    locale: str
    timezone: str
    attachments: tuple[str, ...] = ()
    # Set when the turn is stopped: for plain functions, whose thread cannot be cancelled.
    stopped: threading.Event = field(default_factory=threading.Event, compare=False)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a reply; token counts, where given, are those of the whole turn so far."""

    text: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
