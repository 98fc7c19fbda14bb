"""Outgoing: what becomes of a message on WeChat: plain text in parts, pictures in their place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cache

from markdown_it import MarkdownIt
from markdown_it.token import Token

from conversations.models import Message
from conversations.rendering import MARKDOWN_MAX_CHARS
from wechat.splitting import byte_length, end_of_part, split_text
from wechat.texts import more_hint, plain_text

#: Pictures of one message that are sent as such; further ones stay links.
MOST_PICTURES = 4


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture that a message shows; `start` and `end` are where its plain text speaks of it."""

    url: str
    alt: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Part:
    """One message of WeChat's, a text or a picture, and up to which character of the text it is."""

    text: str
    end: int
    picture: Picture | None = None


def text_of(message: Message) -> str:
    """Return the plain text of a message, in which its pictures are links."""
    text = plain_text(message.content)
    is_missing = message.attachment and message.attachment not in text
    if message.content_type == Message.ContentType.IMAGE and is_missing:
        text = f"{text}\n{message.attachment}" if text else message.attachment
    return text


def pictures_of(message: Message, text: str) -> list[Picture]:
    """Return the pictures from the web that a message shows, as `text_of` speaks of them."""
    found = []
    position = 0
    for shown, alt, url in _shown(message):
        start = text.find(shown, position)
        if start >= 0 and url.startswith(("https://", "http://")):
            position = start + len(shown)
            found.append(Picture(url, alt, start, position))
    return found[:MOST_PICTURES]


def _shown(message: Message) -> list[tuple[str, str, str]]:
    """Return how the text speaks of each picture, its description and its address."""
    pictures = [
        (plain_text(f"![{alt}](<{url}>)"), alt, url) for alt, url in _markdown(message.content)
    ]
    if message.content_type == Message.ContentType.IMAGE and message.attachment:
        pictures.append((message.attachment, "", message.attachment))
    return [picture for picture in pictures if picture[0]]


def _markdown(content: str) -> list[tuple[str, str]]:
    """Return the description and the address of each picture in a text, in order."""
    if "![" not in content or len(content) > MARKDOWN_MAX_CHARS:
        return []
    images = [
        token
        for block in _parser().parse(content)
        for token in block.children or ()
        if token.type == "image"
    ]
    return [(_description(image), str(image.attrs.get("src", ""))) for image in images]


def _description(image: Token) -> str:
    return " ".join(image.content.split()).translate(dict.fromkeys(map(ord, "[]\\")))


@cache
def _parser() -> MarkdownIt:
    return MarkdownIt("commonmark", {"html": False}).enable(["table"])


def parts_of(
    text: str, position: int, *, limit: int, most: int, pictures: Sequence[Picture] = ()
) -> list[Part]:
    """Cut what follows `position` into at most `most` parts, texts of at most `limit` bytes.

    Each of the pictures is a part in its place, as far as there is room for all of the text beside;
    the first ones stay links otherwise. If the text alone is too long, the last part ends with a
    hint at how to get the rest. Parts that would be blank are left out, as WeChat refuses them: the
    one before reaches over them.
    """
    shown = [picture for picture in pictures if picture.start >= position]
    while shown:
        parts = _in_order(text, position, shown, limit)
        if len(parts) <= most:
            return parts
        del shown[0]
    parts = _texts(text, position, len(text), limit)
    return parts if len(parts) <= most else _beginning(text, position, limit, most)


def _in_order(text: str, position: int, pictures: Sequence[Picture], limit: int) -> list[Part]:
    parts: list[Part] = []
    for picture in pictures:
        _extend(parts, _texts(text, position, picture.start, limit), picture.start)
        parts.append(Part(text[picture.start : picture.end], picture.end, picture))
        position = picture.end
    _extend(parts, _texts(text, position, len(text), limit), len(text))
    return parts


def _extend(parts: list[Part], more: list[Part], end: int) -> None:
    parts += more
    if parts and parts[-1].end < end:
        parts[-1] = replace(parts[-1], end=end)


def _texts(text: str, start: int, stop: int, limit: int) -> list[Part]:
    parts: list[Part] = []
    position = start
    for piece in split_text(text[start:stop], limit):
        position += len(piece)
        trimmed = _trimmed(piece)
        _extend(parts, [Part(trimmed, position)] if trimmed else [], position)
    return parts


def _beginning(text: str, position: int, limit: int, most: int) -> list[Part]:
    """Return as much of the text as goes into `most` parts, the last of them with the hint."""
    hint = f"\n\n{more_hint()}"
    parts = _texts(text, position, len(text), limit)[: most - 1]
    if parts:
        position = parts[-1].end
    end = end_of_part(text, limit - byte_length(hint), position)
    return [*parts, Part(_trimmed(text[position:end]) + hint, end)]


def _trimmed(piece: str) -> str:
    return piece.strip("\n").rstrip()
