"""Makes the messages of a turn: the history, then what the user said."""

from __future__ import annotations

import importlib.util
import uuid
from dataclasses import replace
from typing import Any

from conversations.agents.contract import HistoryMessage, Turn
from conversations.agents.langchain.words import Given, is_user, text_of
from conversations.agents.openai_compatible.request import images_of
from conversations.agents.openai_compatible.request import messages_of as dicts_of
from conversations.history import SUMMARY_BEGINS

if importlib.util.find_spec("langchain_core"):
    from langchain_core.messages.utils import convert_to_messages
else:  # An object with `astream` needs no LangChain: it is given dicts.
    convert_to_messages = None  # type: ignore[assignment]


async def messages_of(turn: Turn) -> list[Any]:
    """Return the conversation up to now, each message with an id that a state gives back.

    Of the system only the summary, which comes first, speaks as such: most models take a system
    message at the beginning alone. The prompts of schedules are what a user says.
    """
    earlier = list(turn.history)
    summary = earlier.pop(0) if earlier and _is_summary(earlier[0]) else None
    said = [replace(one, role="user") if one.role == "system" else one for one in earlier]
    plain = replace(turn, is_scheduled=False)
    # The first is a system prompt, of which the agent has its own.
    dicts = dicts_of(plain, images=await images_of(turn), history=said)[1:]
    if summary:
        dicts.insert(0, {"role": "system", "content": summary.content})
    if convert_to_messages is None:
        return dicts
    return convert_to_messages([{**one, "id": str(uuid.uuid4())} for one in dicts])


def given_of(messages: list[Any]) -> Given:
    """Return how the words of the turn are known again in a state."""
    mine = [text_of(one) for one in messages if is_user(one)]
    ids = (getattr(one, "id", None) for one in messages)
    return Given(frozenset(filter(None, ids)), mine[-1])


def _is_summary(message: HistoryMessage) -> bool:
    return message.role == "system" and message.content.startswith(SUMMARY_BEGINS)
