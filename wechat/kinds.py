"""Kinds: what each message and event of WeChat means, as something that arrived on the channel."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from django.utils import translation
from django.utils.translation import gettext as _

from conversations.models import Message
from conversations.receiving import Incoming
from wechat import texts
from wechat.heading import Fields, read_heading, text

CHANNEL = "wechat"

_DEGREES = re.compile(r"-?[0-9]{1,3}(\.[0-9]{1,20})?")
_HTTP = re.compile(r"https?://[^\s<>\"]+", re.IGNORECASE)
_MEDIA_ID = re.compile(r"\S{1,400}")
# Characters of the columns they go into.
_ATTACHMENT, _SCENE = 500, 200
# Characters with which an event that nobody answers is described.
_DESCRIPTION = 500
# What WeChat writes for a sticker, a file or anything else that it does not pass on.
_NOT_PASSED_ON = re.compile(r"[【\[]收到不支持的消息类型，暂无法显示[】\]]")
# What a key of a menu may say besides a command with its slash.
_CLICKS = {
    "帮助": "/帮助",
    "新对话": "/新对话",
    "任务": "/任务",
    "定时任务": "/任务",
    "停止": "/停止",
    "继续": "继续",
    "help": "/help",
    "new": "/new",
    "tasks": "/tasks",
    "stop": "/stop",
    "continue": "continue",
}
_ASK = re.compile(r"ask[:：]\s*(?P<question>.*)", re.DOTALL | re.IGNORECASE)
_SCENE_PREFIX = "qrscene_"


class Kind(StrEnum):
    """How something that arrived is treated."""

    #: An agent or a command answers it.
    QUESTION = "question"
    #: The site answers with a sentence of its own.
    NOTICE = "notice"
    WELCOME = "welcome"
    #: It is stored, and nothing is said.
    EVENT = "event"
    #: It asks for what is kept: only who knows whether anything is tells it from a question.
    PICKUP = "pickup"


class Window(StrEnum):
    """What it allows to send unasked: five messages in 48 hours, or three in a minute."""

    NONE = "none"
    MESSAGE = "message"
    ACTION = "action"


@dataclass(frozen=True, slots=True)
class Arrival:
    """What arrived, and what it changes beside the conversation."""

    incoming: Incoming
    kind: Kind
    opens: Window = Window.NONE
    #: Whether its follower follows from now on; None for what says nothing about that.
    subscribes: bool | None = None
    #: What the QR code says that was scanned.
    scene: str = ""
    #: Of a template message: its id, and what became of it.
    template_result: tuple[str, str] | None = None

    @property
    def may_reply(self) -> bool:
        """Whether the request may be answered with anything; never after a send job's result."""
        return self.kind != Kind.EVENT


@dataclass(frozen=True, slots=True)
class _Said:
    """What one kind of message says."""

    kind: Kind
    content: str = ""
    content_type: str = Message.ContentType.TEXT
    attachment: str = ""
    reply: str | None = None


def read_arrival(fields: Fields, *, locale: str, timezone: str) -> Arrival:
    """Return what a message or event means; own sentences are in the language `locale`.

    The language and the zone are for a conversation that it opens. Raises BadXml for what has no
    sender, receiver, time, kind or identity.
    """
    heading = read_heading(fields)
    kind, event = heading.kind, heading.event
    with translation.override(locale):
        said = _read_event(event, fields) if event else _MESSAGES.get(kind, _unknown)(fields)
    incoming = Incoming(
        channel=CHANNEL,
        address=heading.sender,
        content=said.content,
        content_type=said.content_type,
        attachment=said.attachment,
        external_id=heading.external_id,
        locale=locale,
        timezone=timezone,
        reply=said.reply,
    )
    if not event:
        return Arrival(incoming, said.kind, Window.MESSAGE)
    return _event(event, fields, incoming, said.kind)


def _read_text(fields: Fields) -> _Said:
    content = text(fields, "Content")
    if not content.strip():
        return _unknown(fields)
    if _NOT_PASSED_ON.fullmatch(content.strip()):
        return _Said(Kind.NOTICE, content, reply=texts.sticker_text())
    return _Said(Kind.QUESTION, content)


def _read_image(fields: Fields) -> _Said:
    url = text(fields, "PicUrl").strip()
    if not _HTTP.fullmatch(url) or len(url) > _ATTACHMENT:
        url = _media(fields)
    if not url:
        return _unknown(fields)
    # Words for agents that are shown none but words.
    return _Said(Kind.QUESTION, _("[Image]"), Message.ContentType.IMAGE, url)


def _read_voice(fields: Fields) -> _Said:
    heard, media = text(fields, "Recognition"), _media(fields)
    if heard.strip():
        return _Said(Kind.QUESTION, heard, Message.ContentType.VOICE, media)
    reply = texts.unheard_voice_text()
    return _Said(Kind.NOTICE, "", Message.ContentType.VOICE, media, reply)


def _read_video(fields: Fields) -> _Said:
    reply = texts.video_text()
    return _Said(Kind.NOTICE, "", Message.ContentType.FILE, _media(fields), reply)


def _read_location(fields: Fields) -> _Said:
    place = _place(fields, "Location_X", "Location_Y")
    parts = [part for part in (text(fields, "Label").strip(), place) if part]
    if not parts:
        return _unknown(fields)
    return _Said(Kind.QUESTION, _("[Location] %s") % " ".join(parts))


def _place(fields: Fields, latitude: str, longitude: str) -> str:
    """Return "(latitude, longitude)", "" if they are no numbers."""
    degrees = [text(fields, name).strip() for name in (latitude, longitude)]
    return f"({', '.join(degrees)})" if all(map(_DEGREES.fullmatch, degrees)) else ""


def _read_link(fields: Fields) -> _Said:
    lines = [text(fields, name).strip() for name in ("Title", "Description", "Url")]
    content = "\n".join(filter(None, lines))
    return _Said(Kind.QUESTION, content) if content else _unknown(fields)


def _unknown(fields: Fields) -> _Said:
    """Answer what cannot be read: a file, a card, a mini program, and what WeChat will think of."""
    content = text(fields, "Title").strip() or f"[{text(fields, 'MsgType')}]"
    media = _media(fields)
    content_type = Message.ContentType.FILE if media else Message.ContentType.TEXT
    return _Said(Kind.NOTICE, content, content_type, media, texts.unknown_kind_text())


def _media(fields: Fields) -> str:
    media_id = text(fields, "MediaId").strip()
    return f"media:{media_id}" if _MEDIA_ID.fullmatch(media_id) else ""


_MESSAGES: dict[str, Callable[[Fields], _Said]] = {
    "text": _read_text,
    "image": _read_image,
    "voice": _read_voice,
    "video": _read_video,
    "shortvideo": _read_video,
    "location": _read_location,
    "link": _read_link,
}

# Of the many events these are somebody's who is there; WeChat counts no other as a tap or scan.
_OPENS_ACTION = {"subscribe", "scan", "click", "scancode_push", "scancode_waitmsg"}
_SUBSCRIBES = {"subscribe": True, "unsubscribe": False}


def _event(event: str, fields: Fields, incoming: Incoming, kind: Kind) -> Arrival:
    result = None
    if event == "templatesendjobfinish":
        result = text(fields, "MsgID").strip(), text(fields, "Status").strip()
    return Arrival(
        incoming,
        kind,
        Window.ACTION if event in _OPENS_ACTION else Window.NONE,
        subscribes=_SUBSCRIBES.get(event),
        scene=_scene(event, text(fields, "EventKey").strip()),
        template_result=result,
    )


def _scene(event: str, key: str) -> str:
    is_scene = event == "scan" or (event == "subscribe" and key.startswith(_SCENE_PREFIX))
    return key.removeprefix(_SCENE_PREFIX)[:_SCENE] if is_scene else ""


def _read_event(event: str, fields: Fields) -> _Said:
    """Return what an event says: a click what its key says, a new follower gets a welcome."""
    if event == "click":
        return _read_click(text(fields, "EventKey").strip())
    content = f"{event} {_detail(fields)}".strip()[:_DESCRIPTION]
    if event == "subscribe":
        return _Said(Kind.WELCOME, content, Message.ContentType.EVENT, reply=texts.welcome_text())
    return _Said(Kind.EVENT, content, Message.ContentType.EVENT, reply="")


def _read_click(key: str) -> _Said:
    ask = _ASK.fullmatch(key)
    says = ask["question"].strip() if ask else _CLICKS.get(key.casefold(), "")
    if key.startswith(("/", "／")):
        says = key
    if says:
        return _Said(Kind.QUESTION, says, Message.ContentType.EVENT)
    content, reply = f"click {key}"[:_DESCRIPTION], texts.unknown_button_text()
    return _Said(Kind.NOTICE, content, Message.ContentType.EVENT, reply=reply)


def _detail(fields: Fields) -> str:
    """Return what of an event a reader of the conversation may want to know."""
    found = [text(fields, name).strip() for name in ("EventKey", "MsgID", "Status")]
    scan = fields.get("ScanCodeInfo")
    if isinstance(scan, dict):
        found.append(text(scan, "ScanResult").strip())
    found.append(_place(fields, "Latitude", "Longitude"))
    return " ".join(filter(None, found))
