"""The agent of the embedded default: says what it heard, word by word, without any network."""

import re
from collections.abc import AsyncIterator

from conversations.agents.contract import Turn


async def reply(turn: Turn) -> AsyncIterator[str]:
    for word in re.findall(r"\s*\S+|\s+$", turn.text) or [turn.text]:
        yield word
