"""Reads the frames that clients send: one text in, one command out, or the reason it is none."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.conf import settings
from django.utils.translation import gettext as _

from conversations.commands.tasks import Steer
from conversations.models import Message
from conversations.texts import clean

#: The most messages one `history` frame is answered with.
HISTORY_MOST, HISTORY_DEFAULT = 100, 50
#: Content types a client may send; events are made by channels only.
_SENDABLE = [str(kind) for kind in Message.ContentType if kind != Message.ContentType.EVENT]
_LARGEST_SEQ = 2**63 - 1
_LARGEST_TASK = 2**31 - 1


class FrameError(Exception):
    """A frame that cannot be followed; becomes an `error` frame and closes nothing."""

    def __init__(self, code: str, detail: str, *, client_id: str = "") -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.client_id = client_id


@dataclass(frozen=True, slots=True)
class Say:
    content: str
    content_type: str = Message.ContentType.TEXT
    attachment: str = ""
    client_id: str = ""
    files: tuple[UUID, ...] = ()
    replaces: UUID | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    pass


@dataclass(frozen=True, slots=True)
class Retry:
    id: UUID


@dataclass(frozen=True, slots=True)
class Choose:
    id: UUID


@dataclass(frozen=True, slots=True)
class Delete:
    id: UUID


@dataclass(frozen=True, slots=True)
class History:
    before: int
    limit: int


@dataclass(frozen=True, slots=True)
class Resume:
    after: int


@dataclass(frozen=True, slots=True)
class Read:
    seq: int


@dataclass(frozen=True, slots=True)
class Ping:
    pass


@dataclass(frozen=True, slots=True)
class ListTasks:
    pass


@dataclass(frozen=True, slots=True)
class SteerTask:
    number: int
    do: Steer


Command = (
    Say | Stop | Retry | Choose | Delete | History | Resume | Read | Ping | ListTasks | SteerTask
)


def parse(text: str) -> Command:
    """Return what a text frame asks for; raises FrameError.

    Text that is not JSON, and a JSON object with `content` and no `type`, is a message.
    """
    try:
        frame = json.loads(text)
    except RecursionError:
        raise FrameError("bad_frame", _("The frame is nested too deeply.")) from None
    except json.JSONDecodeError:
        return _say({"content": text})
    except ValueError:  # JSON, with an integer of thousands of digits
        raise FrameError("bad_frame", _("The frame has a number that is too long.")) from None
    if not isinstance(frame, dict):
        raise FrameError("bad_frame", _("A frame must be an object or plain text."))
    kind = frame.get("type", "message" if "content" in frame else None)
    if kind is None:
        raise FrameError("bad_frame", _("The frame has neither a type nor a content."))
    if not isinstance(kind, str):
        raise FrameError("bad_frame", _("“type” must be a text."))
    if kind not in _READERS:
        raise FrameError("unknown_type", _("There is no frame type “%s”.") % clean(kind[:50]))
    return _READERS[kind](frame)


def _say(frame: dict[str, Any]) -> Say:
    client_id = _text(frame, "client_id", most=200)
    try:
        content = clean(_text(frame, "content"))
        attachment = clean(_text(frame, "attachment", most=500))
        files = _files(frame)
        replaces = _id(frame, "replaces") if frame.get("replaces") else None
    except FrameError as error:
        raise FrameError(error.code, error.detail, client_id=client_id) from None
    most = settings.BOTFLOW_MAX_MESSAGE_LENGTH
    if len(content) > most:
        detail = _("A message may have %(most)d characters; this one has %(length)d.")
        detail %= {"most": most, "length": len(content)}
        raise FrameError("too_long", detail, client_id=client_id)
    content_type = frame.get("content_type")
    if content_type in (None, ""):
        content_type = Message.ContentType.TEXT
    if content_type not in _SENDABLE:
        detail = _("“content_type” must be one of %s.") % ", ".join(_SENDABLE)
        raise FrameError("bad_frame", detail, client_id=client_id)
    # A version without a text may keep the files of what it replaces.
    if not (content.strip() or attachment or files or replaces):
        raise FrameError("bad_frame", _("The message is empty."), client_id=client_id)
    return Say(content, content_type, attachment, client_id, files, replaces)


def _files(frame: dict[str, Any]) -> tuple[UUID, ...]:
    """Return the ids of uploads that a message names, each once."""
    ids = frame.get("files")
    if ids is None:
        ids = []
    if not isinstance(ids, list) or not all(isinstance(each, str) for each in ids):
        raise FrameError("bad_frame", _("“files” must be a list of ids."))
    if len(ids) > settings.BOTFLOW_MAX_FILES:
        most = settings.BOTFLOW_MAX_FILES
        raise FrameError("bad_frame", _("A message may have %(most)d files.") % {"most": most})
    try:
        return tuple(dict.fromkeys(UUID(each) for each in ids))
    except ValueError:
        raise FrameError("not_found", _("There is no such file.")) from None


def _text(frame: dict[str, Any], name: str, *, most: int | None = None) -> str:
    value = frame.get(name)
    if value is None:
        value = ""
    if not isinstance(value, str):
        raise FrameError("bad_frame", _("“%s” must be a text.") % name)
    if most is not None and len(value) > most:
        raise FrameError("bad_frame", _("“%s” is too long.") % name)
    return clean(value) if name == "client_id" else value


def _number(frame: dict[str, Any], name: str, *, default: int | None = None) -> int:
    value = frame.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= _LARGEST_SEQ:
        raise FrameError("bad_frame", _("“%s” must be a whole number, not below 0.") % name)
    return value


def _id(frame: dict[str, Any], name: str) -> UUID:
    try:
        return UUID(_text(frame, name, most=100))
    except ValueError:
        raise FrameError("not_found", _("There is no such message.")) from None


def _history(frame: dict[str, Any]) -> History:
    limit = min(_number(frame, "limit", default=HISTORY_DEFAULT), HISTORY_MOST)
    before = frame.get("before")
    return History(_LARGEST_SEQ if before is None else _number(frame, "before"), max(limit, 1))


def _task(frame: dict[str, Any]) -> SteerTask:
    do = _text(frame, "do")
    if do not in list(Steer):
        raise FrameError("bad_frame", _("“do” must be one of %s.") % ", ".join(Steer))
    if "number" not in frame:
        raise FrameError("bad_frame", _("The frame does not say which task."))
    number = _number(frame, "number")
    if number > _LARGEST_TASK:
        raise FrameError("not_found", _("There is no such task."))
    return SteerTask(number, Steer(do))


_READERS: dict[str, Callable[[dict[str, Any]], Command]] = {
    "message": _say,
    "stop": lambda frame: Stop(),
    "retry": lambda frame: Retry(_id(frame, "id")),
    "choose": lambda frame: Choose(_id(frame, "id")),
    "delete": lambda frame: Delete(_id(frame, "id")),
    "history": _history,
    "resume": lambda frame: Resume(_number(frame, "after")),
    "read": lambda frame: Read(_number(frame, "seq")),
    "ping": lambda frame: Ping(),
    "tasks": lambda frame: ListTasks(),
    "task": _task,
}
