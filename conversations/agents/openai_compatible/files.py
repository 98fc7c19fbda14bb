"""What a model is told of files that are no images: their names, and what texts among them say."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from django.core.exceptions import ImproperlyConfigured

from conversations.agents.openai_compatible.images import Part
from conversations.channels import OpenedFile, get_channel

#: The newest of one conversation that are told of.
MOST_FILES = 8
#: Characters of all their texts together: about 10,000 tokens of English, 40,000 of Chinese.
MOST_TEXT = 40_000


async def file_parts(channel: str, attachments: Iterable[str]) -> dict[str, Part]:
    """Return by attachment what tells a model of it, of the newest that the channel knows.

    `attachments` are in order, the newest last. The newest text is given whole where it fits;
    what has no room is named only.
    """
    newest = list(dict.fromkeys(reversed([*attachments])))[:MOST_FILES]
    opened = await asyncio.gather(*(_open(channel, attachment) for attachment in newest))
    parts: dict[str, Part] = {}
    room = MOST_TEXT
    for attachment, file in zip(newest, opened, strict=True):
        if file is None:
            continue
        parts[attachment] = {"type": "text", "text": _told(file, room)}
        room -= min(len(file.text or ""), room)
    return parts


async def _open(channel: str, attachment: str) -> OpenedFile | None:
    try:
        return await get_channel(channel).open_file(attachment)
    except ImproperlyConfigured:  # a channel that was taken away
        return None


def _told(file: OpenedFile, room: int) -> str:
    # The name is the user's own text: it must not look like the end of what is said of the file.
    about = f"{file.name.replace(']', ')')}, {file.content_type}, {file.size} bytes"
    if file.text is None or not room:
        return f"[A file that cannot be shown: {about}]"
    text = file.text[:room]
    cut = "" if len(text) == len(file.text) else f"\n[{len(file.text) - room} more characters]"
    return f"[File: {about}]\n{text}{cut}\n[End of the file]"
