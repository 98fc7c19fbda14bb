"""Turns without a database, and the agent `openai_compatible` asked to answer them."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from conversations.agents import Chunk, HistoryMessage, Turn, stream_reply
from conversations.agents.openai_compatible import OpenAICompatible
from conversations.models import Conversation

#: Monday; 09:05 in Shanghai.
SAID_AT = datetime(2026, 11, 23, 1, 5, tzinfo=UTC)


def turn(text: str = "Hello", **fields: Any) -> Turn:
    """Return a turn of a conversation that is not stored."""
    channel = fields.setdefault("channel", "web")
    fields = {"locale": "en", "timezone": "Asia/Shanghai", "said_at": SAID_AT} | fields
    conversation = Conversation(channel=channel, address="a")
    return Turn(**{"text": text, "history": [], "conversation": conversation} | fields)


def user(content: str, *attachments: str) -> HistoryMessage:
    return HistoryMessage("user", content, attachments)


def assistant(content: str) -> HistoryMessage:
    return HistoryMessage("assistant", content)


def system(content: str) -> HistoryMessage:
    return HistoryMessage("system", content)


async def answer(asked: Turn | None = None, **fields: Any) -> list[Chunk]:
    """Return the chunks of the agent's reply, as the worker gets them."""
    agent = OpenAICompatible()
    return [chunk async for chunk in stream_reply(agent, asked or turn(**fields))]


async def reply(asked: Turn | None = None, **fields: Any) -> str:
    return "".join(chunk.text for chunk in await answer(asked, **fields))


def tokens(chunks: list[Chunk]) -> tuple[int | None, int | None]:
    """Return the counts that the worker stores: the last of each that were said."""
    given = [chunk.input_tokens for chunk in chunks if chunk.input_tokens is not None]
    made = [chunk.output_tokens for chunk in chunks if chunk.output_tokens is not None]
    return (given or [None])[-1], (made or [None])[-1]
