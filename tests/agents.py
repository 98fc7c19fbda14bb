"""Agents for the tests: a message says how each behaves; every call leaves a line behind.

The lines are in `calls.log` of the data folder: the process, the agent, and the text it was given.
"""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator

from django.conf import settings

from conversations.agents import AgentError, Turn


def note(*words: object) -> None:
    """Append one line; lines of several processes do not mix."""
    line = " ".join(str(word) for word in words).replace("\n", "\\n") + "\n"
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT
    descriptor = os.open(settings.BOTFLOW_DATA_DIR / "calls.log", flags, 0o600)
    try:
        os.write(descriptor, line.encode())
    finally:
        os.close(descriptor)


def orders(text: str) -> dict[str, str]:
    """Return the `name=value` words of a text."""
    return dict(word.split("=", 1) for word in text.split() if "=" in word)


async def slow(turn: Turn) -> AsyncIterator[str]:
    """Yield `words=20` numbered words, one `every=0.1` seconds, then the text itself.

    With `mark=*` that stands in front of each word.
    """
    note(os.getpid(), "slow", turn.text)
    wanted = orders(turn.text)
    for number in range(int(wanted.get("words", 5))):
        yield f"{wanted.get('mark', '')}w{number} "
        await asyncio.sleep(float(wanted.get("every", 0.05)))
    yield f"end of {turn.text}"


async def counts_files(turn: Turn) -> str:
    return f"{len(turn.attachments)} files"


async def waits(turn: Turn) -> str:
    """Say nothing for the seconds in `sleep 5`, then answer at once."""
    note(os.getpid(), "waits", turn.text)
    words = turn.text.split()
    await asyncio.sleep(float(words[words.index("sleep") + 1]) if "sleep" in words else 1)
    return f"end of {turn.text}"


async def fails(turn: Turn) -> AsyncIterator[str]:
    """Fail after a first word: with a sentence for the user where the text asks for one."""
    note(os.getpid(), "fails", turn.text)
    yield "half "
    if "politely" in turn.text:
        raise AgentError("The model is not there today.")
    raise RuntimeError("secret inner reason")


async def dies(turn: Turn) -> AsyncIterator[str]:
    """Take the worker along, unless the text says `harmless`."""
    note(os.getpid(), "dies", turn.text)
    if "harmless" not in turn.text:
        yield "half "
        await asyncio.sleep(0.1)
        os.kill(os.getpid(), signal.SIGKILL)
    yield f"end of {turn.text}"


async def blocks_in_a_thread(turn: Turn) -> str:
    """Block a thread of the event loop for the seconds in `seconds=2`, as plain nodes of graphs."""
    note(os.getpid(), "blocks_in_a_thread", turn.text)
    await asyncio.to_thread(time.sleep, float(orders(turn.text).get("seconds", 1)))
    return f"end of {turn.text}"


def blocks(turn: Turn) -> str:
    """Block a thread for the seconds in `seconds=2`."""
    note(os.getpid(), "blocks", turn.text)
    time.sleep(float(orders(turn.text).get("seconds", 1)))
    return f"end of {turn.text}"
