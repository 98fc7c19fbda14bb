"""The channel contract: how a reply is handed to its surface, and what the surface can do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, ClassVar
from uuid import UUID

from scheduling.actions import ActionError

if TYPE_CHECKING:
    from conversations.frames import Frame
    from conversations.models import Conversation, Message


class DeliveryError(ActionError):
    """A delivery that failed; one that is not `permanent` is tried again as a run."""

    def __init__(
        self, message: str, *, permanent: bool, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(message, permanent=permanent, retry_after=retry_after)


class DeliveryHeld(Exception):
    """It cannot be delivered now and is kept until the other side speaks; the message says why."""


class DeliveryUnknown(Exception):
    """It may have arrived, and must not be sent again; the message says what happened."""


@dataclass(frozen=True, slots=True)
class OpenedFile:
    """A file that a user sent; `text` is what it says, None where it is no text."""

    name: str
    content_type: str
    size: int
    text: str | None = None


class Channel:
    """A surface. Built once per process; its methods share the worker's event loop."""

    name: ClassVar[str] = ""
    #: Whether readers catch up with the stored rows by themselves, so that a stored reply is
    #: delivered; else `deliver` is called for each and its outcome recorded on the message.
    reads_rows: ClassVar[bool] = False
    #: Whether text is shown while it is being written.
    streams: ClassVar[bool] = False
    #: The longest text one delivery carries, in characters; None for no limit.
    max_length: ClassVar[int | None] = None
    #: Attempts of one delivery before it counts as failed.
    max_attempts: ClassVar[int] = 5
    #: Whether what no attempt could deliver is kept until the other side speaks, not given up.
    holds: ClassVar[bool] = False

    async def deliver(self, message: Message) -> None:
        """Hand a finished message to its address.

        Raises DeliveryError, DeliveryHeld or DeliveryUnknown. May be called again for the same
        message after a crash: pass its uuid on to a provider that can tell copies apart, or set
        its delivery state to SENDING before and look at it again.
        """
        raise NotImplementedError

    def deliver_after(self, messages: Sequence[Message]) -> dict[int, datetime]:
        """Return before which moment some of the messages, by id, need not be delivered.

        Called in the transaction that stores them. For a channel that can hand them over sooner
        in another way.
        """
        return {}

    def reach_note(self, conversation: Conversation, times: Sequence[datetime]) -> str:
        """Return what a user should know who wants to be spoken to at these times; "" if nothing.

        In the language that is active; called in a transaction.
        """
        return ""

    async def open_image(self, attachment: str) -> tuple[str, bytes] | None:
        """Return content type and bytes of an image that a user sent; None to leave it as it is.

        For what only the channel may open: a model is shown other images by their web address.
        """
        return None

    async def open_file(self, attachment: str) -> OpenedFile | None:
        """Return what a model may be told of a file that a user sent; None where nothing is known.

        Asked for what `open_image` did not open.
        """
        return None

    async def show(self, conversation: UUID, frames: Sequence[Frame]) -> None:
        """Show live frames to whoever is looking; they may be lost, rows are the truth."""
