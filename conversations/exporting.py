"""Exporting: a conversation as a file to keep, Markdown for people and JSON for programs."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db.models.functions import Coalesce
from django.http import HttpResponseBase, StreamingHttpResponse
from django.utils.http import content_disposition_header
from django.utils.translation import gettext as _

from conversations.branching import path_of
from conversations.models import Conversation, Message

#: Messages that are read and sent at a time.
BATCH = 200
#: What some system does not allow in the name of a file, and what would turn it around.
_UNFIT = re.compile(r'[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\\/:*?"<>|.]+')


class Format(Protocol):
    """Writes a conversation piece by piece: its beginning, each message in order, its end."""

    content_type: str

    def __init__(self, conversation: Conversation, now: datetime) -> None: ...

    def begin(self) -> str: ...

    def has(self, message: Message) -> bool: ...

    def message(self, message: Message, *, is_first: bool) -> str: ...

    def end(self) -> str: ...


class Markdown:
    """What is shown of the conversation, with who said it and when by the clock of its reader."""

    content_type = "text/markdown; charset=utf-8"

    def __init__(self, conversation: Conversation, now: datetime) -> None:
        self.conversation = conversation
        self.zone = ZoneInfo(conversation.timezone)
        self.now = now
        self.names = {
            Message.Role.USER: _("You"),
            Message.Role.ASSISTANT: settings.BOTFLOW_NAME,
            Message.Role.SYSTEM: _("Scheduled task"),
        }

    def begin(self) -> str:
        self.path = path_of(self.conversation)
        title = " ".join(self.conversation.title.split()) or _("Conversation")
        said = _("A conversation with %(name)s, exported on %(moment)s (%(zone)s).") % {
            "name": settings.BOTFLOW_NAME,
            "moment": self._words(self.now),
            "zone": self.zone.key,
        }
        return f"# {title}\n\n{said}\n"

    def has(self, message: Message) -> bool:
        is_said = not message.is_deleted and message.content_type != Message.ContentType.EVENT
        return is_said and (self.path is None or self.path.shows(message))

    def message(self, message: Message, *, is_first: bool) -> str:
        head = f"**{self.names[Message.Role(message.role)]}** · {self._words(message.created_at)}"
        parts = [head, message.content.strip(), *self._files(message), message.detail]
        return "\n---\n\n" + "\n\n".join(part for part in parts if part) + "\n"

    def end(self) -> str:
        return ""

    def _words(self, moment: datetime) -> str:
        return f"{moment.astimezone(self.zone):%Y-%m-%d %H:%M}"

    def _files(self, message: Message) -> list[str]:
        if not message.files:
            return [f"<{message.attachment}>"] if message.attachment else []
        return [f"[{_label(file['name'])}]({file['url']})" for file in message.files]


class Json:
    """Everything that is stored of the conversation, other versions and deleted ones included."""

    content_type = "application/json"

    def __init__(self, conversation: Conversation, now: datetime) -> None:
        self.conversation = conversation
        self.now = now

    def begin(self) -> str:
        fields = {
            "id": str(self.conversation.uuid),
            "title": self.conversation.title,
            "created_at": self.conversation.created_at.isoformat(),
            "exported_at": self.now.isoformat(),
        }
        return f'{_dump(fields)[:-1]},"messages":['

    def has(self, message: Message) -> bool:
        return True

    def message(self, message: Message, *, is_first: bool) -> str:
        return ("\n" if is_first else ",\n") + _dump(_fields(message))

    def end(self) -> str:
        return "\n]}\n"


FORMATS: dict[str, type[Format]] = {"md": Markdown, "json": Json}


def download(conversation: Conversation, kind: str, *, now: datetime) -> HttpResponseBase:
    """Return the conversation as a download of that kind, sent while it is read."""
    writer = FORMATS[kind](conversation, now)
    response = StreamingHttpResponse(_pieces(conversation, writer))
    response["Content-Type"] = writer.content_type
    title = " ".join(_UNFIT.sub(" ", conversation.title).split())[:60] or _("Conversation")
    name = f"{title} {now:%Y-%m-%d}.{kind}"
    response["Content-Disposition"] = content_disposition_header(True, name) or "attachment"
    response["X-Content-Type-Options"] = "nosniff"
    return response


async def _pieces(conversation: Conversation, writer: Format) -> AsyncIterator[str]:
    """Yield the file in pieces; what changes meanwhile is in it or not."""
    yield await sync_to_async(writer.begin)()
    is_first = True
    pks = await sync_to_async(_in_order)(conversation)
    for start in range(0, len(pks), BATCH):
        piece = ""
        for message in await sync_to_async(load)(pks[start : start + BATCH]):
            if writer.has(message):
                piece += writer.message(message, is_first=is_first)
                is_first = False
        yield piece
    yield writer.end()


def _in_order(conversation: Conversation) -> list[int]:
    """Return the keys of its messages in reading order: each reply behind what it answers."""
    order = Coalesce("reply_to_id", "pk")
    rows = Message.objects.filter(conversation=conversation).order_by(order, "pk")
    return list(rows.values_list("pk", flat=True))


def load(pks: list[int]) -> list[Message]:
    """Return those messages in that order, with what they refer to; one query."""
    rows = Message.objects.select_related("reply_to", "replaces", "branch").in_bulk(pks)
    return [rows[pk] for pk in pks if pk in rows]


def _fields(message: Message) -> dict[str, Any]:
    fields = {
        "id": str(message.uuid),
        "role": message.role,
        "content": message.content,
        "content_type": message.content_type,
        "state": message.state,
        "created_at": message.created_at.isoformat(),
        "reply_to": _id(message.reply_to),
        "attachment": message.attachment,
        "files": message.files,
        "replaces": _id(message.replaces),
        "branch": _id(message.branch),
        "chosen": message.chosen,
        "deleted": message.is_deleted,
        "detail": message.detail,
    }
    return {name: value for name, value in fields.items() if value or name == "content"}


def _id(message: Message | None) -> str | None:
    return str(message.uuid) if message else None


def _label(name: str) -> str:
    return re.sub(r"([\[\]\\])", r"\\\1", name)


def _dump(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
