"""Builds the frames that the WebSocket contract names, as JSON text ready to send."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from conversations.models import Message
from conversations.rendering import plain_to_html, to_html


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame as text; `seq` is the change it carries, 0 for frames that carry none.

    `settles` is the id of the user message that waits no longer once this frame is seen.
    """

    text: str
    seq: int = 0
    settles: str = ""


def encode(**fields: Any) -> str:
    return json.dumps(fields, ensure_ascii=False, separators=(",", ":"))


def message_frame(message: Message, *, reply_to: UUID | None = None) -> Frame:
    """Return the whole of a message: an upsert by id.

    `reply_to` is the id of the message it answers, where the caller knows it; else it is looked
    up (one query unless selected).
    """
    fields = message_fields(message, reply_to=reply_to)
    return Frame(encode(type="message", **fields), seq=message.seq)


def message_fields(message: Message, *, reply_to: UUID | None = None) -> dict[str, Any]:
    if reply_to is None and message.reply_to_id is not None and message.reply_to:
        reply_to = message.reply_to.uuid
    is_user = message.role == Message.Role.USER
    is_typed = is_user or message.is_prompt
    fields = {
        "id": str(message.uuid),
        "seq": message.seq,
        "role": message.role,
        "content": message.content,
        "content_type": message.content_type,
        "html": plain_to_html(message.content) if is_typed else to_html(message.content),
        "state": message.state,
        "reply_to": str(reply_to) if reply_to else None,
        "created_at": message.created_at.isoformat(),
    }
    if is_user and message.external_id:
        fields["client_id"] = message.external_id
    if message.attachment:
        fields["attachment"] = message.attachment
    if message.files:
        fields["files"] = message.files
    if message.detail and not message.is_deleted:
        fields["detail"] = message.detail
    return fields | _place_fields(message)


def _place_fields(message: Message) -> dict[str, Any]:
    """Return where a message is among the versions of what was said; nothing for nearly all."""
    fields: dict[str, Any] = {}
    if message.replaces_id is not None and message.replaces:
        fields["replaces"] = str(message.replaces.uuid)
    if message.branch_id is not None and message.branch:
        fields["branch"] = str(message.branch.uuid)
    if message.chosen:
        fields["chosen"] = message.chosen
    if message.is_deleted:
        fields["deleted"] = True
    return fields


def version_fields(message: Message) -> dict[str, Any]:
    """Return what a reader needs to know of a version that is not shown to it whole."""
    return {
        "id": str(message.uuid),
        "seq": message.seq,
        "created_at": message.created_at.isoformat(),
        **_place_fields(message),
    }


def status_frame(uuid: UUID, state: str, *, seq: int = 0, detail: str = "") -> Frame:
    """Return a user message's new state; `seq` where a stored change is behind it."""
    fields: dict[str, Any] = {"type": "status", "id": str(uuid), "state": str(state)}
    if seq:
        fields["seq"] = seq
    if detail:
        fields["detail"] = detail
    settled = state not in (Message.State.QUEUED, Message.State.ANSWERING)
    return Frame(encode(**fields), seq=seq, settles=str(uuid) if settled else "")


def delta_frame(uuid: UUID, offset: int, text: str) -> Frame:
    """Return text to append; `offset` is the length before it in Unicode code points."""
    return Frame(encode(type="delta", id=str(uuid), offset=offset, text=text))


def render_frame(uuid: str, chunks: int, length: int, html: str, tail: str) -> Frame:
    """Return the HTML of a growing reply: `html` goes behind the first `chunks`, `tail` after it.

    `length` is what of the text it shows, in Unicode code points.
    """
    fields = {"id": uuid, "from": chunks, "to": length, "html": html, "tail": tail}
    return Frame(encode(type="render", **fields))


def tasks_frame(tasks: list[dict[str, Any]], *, as_of: int) -> Frame:
    """Return the tasks of a conversation that are not over, all of them, the next one first.

    Of two such frames, which two processes may send, the one with the lower `as_of` is outdated.
    """
    return Frame(encode(type="tasks", seq=as_of, tasks=tasks))


def conversation_frame(uuid: UUID, *, title: str = "", is_deleted: bool = False) -> Frame:
    """Return what became of the conversation itself: its new title, or that it is gone."""
    fields: dict[str, Any] = {"deleted": True} if is_deleted else {"title": title}
    return Frame(encode(type="conversation", id=str(uuid), **fields))


def error_frame(code: str, detail: str, *, client_id: str = "") -> Frame:
    fields = {"type": "error", "code": code, "detail": detail}
    if client_id:
        fields["client_id"] = client_id
    return Frame(encode(**fields))
