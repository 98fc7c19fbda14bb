"""The web page as a channel: frames go to a group, stored rows speak for themselves."""

import asyncio
import logging
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from channels.layers import get_channel_layer
from redis.exceptions import RedisError

from conversations.channels.contract import Channel, OpenedFile
from conversations.file_types import SHOWN_IMAGES, is_text, text_of
from conversations.frames import Frame, message_frame
from conversations.models import Message
from conversations.uploads import find_by_url
from scheduling.group_commit import group_commit

logger = logging.getLogger(__name__)

# Longer than that no agent waits for Redis to take what it said.
SHOW_SECONDS = 1.0

#: Close code of a socket whose conversation is not there, or not for its reader.
NOT_FOUND = 4404

# Whether this process last failed to send: what it logs depends on it, nothing else.
_is_away = False


def group_name(conversation: UUID) -> str:
    return f"conversation.{conversation.hex}"


class WebChannel(Channel):
    name = "web"
    reads_rows = True
    streams = True

    async def deliver(self, message: Message) -> None:
        await self.show(message.conversation.uuid, [message_frame(message)])

    async def show(self, conversation: UUID, frames: Sequence[Frame]) -> None:
        await send_frames(conversation, frames)

    async def open_image(self, attachment: str) -> tuple[str, bytes] | None:
        return await group_commit().read(_image, attachment)

    async def open_file(self, attachment: str) -> OpenedFile | None:
        return await group_commit().read(_file, attachment)


def _image(url: str) -> tuple[str, bytes] | None:
    upload = find_by_url(url)
    if upload is None or upload.content_type not in SHOWN_IMAGES:
        return None
    return upload.content_type, bytes(upload.content)


def _file(url: str) -> OpenedFile | None:
    upload = find_by_url(url)
    if upload is None:
        return None
    kind = upload.content_type
    text = text_of(bytes(upload.content)) if is_text(kind) else None
    return OpenedFile(upload.name, kind, upload.size, text)


async def send_frames(
    conversation: UUID, frames: Sequence[Frame], *, sender: str = "", close: int = 0
) -> None:
    """Send frames to every socket of a conversation but `sender`, which has them already.

    With `close` the sockets are closed with that code afterwards.
    """
    event: dict[str, Any] = {
        "type": "chat.frames",
        "frames": [[frame.text, frame.seq, frame.settles] for frame in frames],
        "sender": sender,
    }
    if close:
        event["close"] = close
    global _is_away
    try:
        async with asyncio.timeout(SHOW_SECONDS):
            await get_channel_layer().group_send(group_name(conversation), event)
    except (OSError, RedisError) as error:  # a timeout is an OSError; Redis's errors are not
        # Readers catch up with the rows. Said once: there are many frames in an outage.
        if not _is_away:
            logger.warning("Live frames cannot be sent until Redis is back. %s", error)
        _is_away = True
    else:
        _is_away = False
