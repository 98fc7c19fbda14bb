"""Turns for tests, without a database: one as it is wanted, and those that every agent meets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from django.apps import apps

from conversations.agents.contract import HistoryMessage, Turn

LONG = "A long message has many words in it. " * 541
#: An image of one pixel.
IMAGE = (
    "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGMwmJAA"
    "AAIUASFY7zZ3AAAAAElFTkSuQmCC"
)
FOREIGN = "你好，今天天气怎么样？👩\u200d👧 שלום, مرحبا بالعالم \u202eabc"


def make_turn(
    text: str = "Hello",
    history: Iterable[HistoryMessage | tuple[str, str]] = (),
    **fields: Any,
) -> Turn:
    """Return a turn of a conversation that is not stored; `fields` are further ones of the turn.

    `history` may hold (role, content) pairs.
    """
    messages = [one if isinstance(one, HistoryMessage) else HistoryMessage(*one) for one in history]
    given = {"channel": "web", "locale": "en", "timezone": "UTC"} | fields
    if "conversation" not in given:
        model = apps.get_model("conversations", "Conversation")
        told = {"locale": given["locale"], "timezone": given["timezone"]}
        given["conversation"] = model(channel=given["channel"], address="test", settings=told)
    return Turn(text=text, history=messages, **given)


@dataclass(frozen=True)
class Case:
    """A turn, and the words for it in the sentence about what went wrong."""

    words: str
    turn: Turn
    #: Whether an AgentError is no answer to it.
    is_plain: bool = False


def cases(question: str) -> Iterator[Case]:
    """Yield the turns that any user may cause, the plainest first."""
    talk = [("user", "Hi."), ("assistant", "Hello."), ("system", "Remind me."), ("user", "Thanks.")]
    yield Case("a short question", make_turn(question), is_plain=True)
    yield Case("a question with history", make_turn(question, talk), is_plain=True)
    yield Case("20,000 characters", make_turn(LONG[:20_000]))
    yield Case("Chinese, emoji and right-to-left text", make_turn(FOREIGN, locale="zh-hans"))
    yield Case("an image without text", make_turn("", attachments=(IMAGE,)))
    yield Case("a scheduled question", make_turn(question, is_scheduled=True))
