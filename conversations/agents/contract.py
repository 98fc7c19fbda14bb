"""The agent contract: what an agent is given, what it may yield, how it says that it failed."""

from __future__ import annotations

import threading
import uuid
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.utils.timezone import now

from scheduling.actions import ActionError

if TYPE_CHECKING:
    from conversations.models import Conversation


class AgentError(ActionError):
    """A failure whose message may be shown to the user.

    `permanent=False` has the turn tried again, after `retry_after` where it is given. `reason` is
    what the owner reads on the run instead: what to do about it, no secret and no foreign text.
    """

    def __init__(
        self,
        message: str,
        *,
        permanent: bool = True,
        retry_after: timedelta | None = None,
        reason: str = "",
    ) -> None:
        super().__init__(message, permanent=permanent, retry_after=retry_after)
        self.reason = reason or message


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
    #: The id of the message that is answered: the same in every attempt.
    id: uuid.UUID = field(default_factory=uuid.uuid4)
    #: When it was said: "in ten minutes" counts from here.
    said_at: datetime = field(default_factory=now)
    #: Whether nobody said it: a schedule asks. Such a turn sets up no schedules.
    is_scheduled: bool = False
    # Set when the turn is stopped: for plain functions, whose thread cannot be cancelled.
    stopped: threading.Event = field(default_factory=threading.Event, compare=False)


#: The turn that is being answered, for tools and whatever else an agent calls.
current_turn: ContextVar[Turn] = ContextVar("current_turn")


@dataclass(frozen=True, slots=True)
class Chunk:
    """A piece of a reply; token counts, where given, are those of the whole turn so far."""

    text: str = ""
    input_tokens: int | None = None
    output_tokens: int | None = None
