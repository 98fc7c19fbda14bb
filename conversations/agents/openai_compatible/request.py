"""Requests: what the model is told of a turn, in the form of OpenAI's chat completions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from django.conf import settings

from conversations.agents.contract import HistoryMessage, Turn
from conversations.agents.openai_compatible.files import file_parts
from conversations.agents.openai_compatible.images import Part, image_parts, is_file, is_image
from conversations.history import SUMMARY_BEGINS

__all__ = [
    "image_parts",
    "images_of",
    "is_summary",
    "messages_of",
    "payload_of",
    "system_text",
]

#: A message as the API takes it.
Message = dict[str, Any]


class ToolLike(Protocol):
    """What is told of a tool; `parameters` is a JSON schema."""

    name: str
    description: str
    parameters: dict[str, Any]


#: What the model is told where BOTFLOW_SYSTEM_PROMPT is empty.
DEFAULT_PROMPT = (
    "You are a helpful assistant in a chat. Answer in the language of the user, clearly and "
    "concisely. Use Markdown where it makes an answer easier to read. Say so when you do not know "
    "something."
)
TOOLS_PROMPT = (
    "Use your tools where they help. What a tool has not confirmed has not happened: never claim "
    "to have set, changed or looked up anything without it."
)
#: What marks a message that a schedule says, and what the model is told about it.
SCHEDULED = "[Scheduled question]"
SCHEDULED_PROMPT = (
    f'A message that begins with "{SCHEDULED}" is not typed just now: it was set up earlier to be '
    "asked at this time. Answer it; do not set it up again."
)
NO_IMAGE = "[An image that cannot be shown]"
NO_FILE = "[A file that cannot be shown]"

# Messages of the history, the newest, whose images are looked at.
_SEEN = 10
_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
# What BOTFLOW_MODEL_OPTIONS cannot change.
_FIXED = ("messages", "stream")


def messages_of(
    turn: Turn,
    tools: Sequence[ToolLike] = (),
    *,
    images: Mapping[str, Part] | None = None,
    history: Sequence[HistoryMessage] | None = None,
    prompt: str = "",
) -> list[Message]:
    """Return the system prompt, the history and what is said, in this order.

    `images` are the parts of `images_of` by attachment; others are told of in words. `history`
    stands for the turn's own, `prompt` for BOTFLOW_SYSTEM_PROMPT.
    """
    earlier = list(turn.history if history is None else history)
    summary = ""
    if earlier and is_summary(earlier[0]):
        summary = earlier.pop(0).content
    said = HistoryMessage(_role(turn), turn.text, turn.attachments)
    system = system_text(turn, tools, summary=summary, prompt=prompt)
    shown = [_message(one, images or {}) for one in [*earlier, said]]
    return [{"role": "system", "content": system}, *shown]


def is_summary(message: HistoryMessage) -> bool:
    return message.role == "system" and message.content.startswith(SUMMARY_BEGINS)


def _role(turn: Turn) -> str:
    return "system" if turn.is_scheduled else "user"


def system_text(
    turn: Turn, tools: Sequence[ToolLike] = (), *, summary: str = "", prompt: str = ""
) -> str:
    """Return the system prompt: what stays the same first, as providers cache beginnings."""
    parts = [prompt or settings.BOTFLOW_SYSTEM_PROMPT or DEFAULT_PROMPT]
    if tools:
        parts.append(TOOLS_PROMPT)
    if turn.is_scheduled or any(one.role == "system" for one in turn.history):
        parts.append(SCHEDULED_PROMPT)
    return "\n\n".join(filter(None, [*parts, summary, _time_text(turn, has_tools=bool(tools))]))


def _time_text(turn: Turn, *, has_tools: bool) -> str:
    zone = turn.timezone or settings.TIME_ZONE
    local = turn.said_at.astimezone(ZoneInfo(zone))
    now = f"{_WEEKDAYS[local.weekday()]}, {local:%Y-%m-%d %H:%M}"
    text = f"It is {now} where the user is ({zone}, {_offset(local)})."
    if turn.locale:
        text += f" The user's language is set to {turn.locale}."
    if has_tools:
        text += " Times that the user names, and those of the tools, are the user's local times."
    return text


def _offset(local: datetime) -> str:
    """Return the offset as `UTC+08:00`, without the seconds that old ones had."""
    offset = f"{local:%z}"
    return f"UTC{offset[:3]}:{offset[3:5]}"


def _message(message: HistoryMessage, images: Mapping[str, Part]) -> Message:
    if message.role == "assistant":
        return {"role": "assistant", "content": message.content}
    text = message.content
    if message.role == "system":
        # Models take a system message only as the first one.
        text = f"{SCHEDULED} {text}"
    parts = [images[one] for one in message.attachments if one in images]
    notes = [_note(one, has_text=bool(text)) for one in message.attachments if one not in images]
    # Many servers take nothing but a text where no image is shown.
    files = [part["text"] for part in parts if part["type"] == "text"]
    images_shown = [part for part in parts if part["type"] != "text"]
    text = "\n\n".join(filter(None, [text, *files, *notes]))
    if not images_shown:
        return {"role": "user", "content": text}
    words = [{"type": "text", "text": text}] if text else []
    return {"role": "user", "content": [*words, *images_shown]}


def _note(attachment: str, *, has_text: bool) -> str:
    """Return what is said of what cannot be shown; nothing of a voice that is written out."""
    if is_image(attachment):
        return NO_IMAGE
    return NO_FILE if is_file(attachment) or not has_text else ""


async def images_of(turn: Turn) -> dict[str, Part]:
    """Return what the turn shows the model of images and files: its own and the last before it."""
    recent = [one for one in turn.history[-_SEEN:] if one.role != "assistant"]
    earlier: Iterable[str] = (each for one in recent for each in one.attachments)
    attachments = [*earlier, *turn.attachments]
    images = await image_parts(turn.channel, attachments)
    others = [one for one in attachments if one not in images]
    return images | await file_parts(turn.channel, others)


def payload_of(
    messages: list[Message],
    *,
    tools: Sequence[ToolLike] = (),
    may_call: bool = True,
    has_tools: bool = True,
    has_usage: bool = True,
) -> dict[str, Any]:
    """Return the request's body; BOTFLOW_MODEL_OPTIONS is in it, a null there leaves a field out.

    `may_call=False` has the model answer without further calls, `has_tools=False` leaves out
    whatever is about tools, `has_usage=False` the wish to be told the tokens.
    """
    payload: dict[str, Any] = {"model": settings.BOTFLOW_MODEL, "messages": messages}
    payload |= {"stream": True, "stream_options": {"include_usage": True}}
    if settings.BOTFLOW_TEMPERATURE is not None:
        payload["temperature"] = settings.BOTFLOW_TEMPERATURE
    if tools:
        payload["tools"] = [_schema(tool) for tool in tools]
    options = settings.BOTFLOW_MODEL_OPTIONS.items()
    payload |= {name: value for name, value in options if name not in _FIXED}
    if not may_call and payload.get("tools"):
        payload["tool_choice"] = "none"
    unwanted = [] if has_tools else ["tools", "tool_choice", "parallel_tool_calls"]
    unwanted += [] if has_usage else ["stream_options"]
    return {name: v for name, v in payload.items() if v is not None and name not in unwanted}


def _schema(tool: ToolLike) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": function}
