"""A function as an agent: rolls dice, counts down, and knows what it was asked before.

BOTFLOW_AGENT=examples.function_agent.reply
"""

import asyncio
import re
import secrets
from collections.abc import AsyncIterator

from conversations.agents import Turn

ROLL = re.compile(r"(?:roll|掷)\s*(\d?)d(\d{1,3})", re.IGNORECASE)
COUNT = re.compile(r"(?:count down from|倒数)\s*(\d{1,2})", re.IGNORECASE)
AGAIN = re.compile(r"again|再来(?:一次)?", re.IGNORECASE)

SECOND = 1.0

HELP = "I can `roll 2d6`, `count down from 5`, and do either `again`."
HELP_CHINESE = "我会：`掷 2d6`、`倒数 5`，还会 `再来一次`。"


async def reply(turn: Turn) -> AsyncIterator[str]:
    """Yield the answer piece by piece: each is on the page at once."""
    wish = turn.text.strip()
    if AGAIN.fullmatch(wish):
        wish = last_wish(turn)
    if found := ROLL.fullmatch(wish):
        yield roll(count=int(found[1] or 1), sides=int(found[2]))
    elif found := COUNT.fullmatch(wish):
        for number in range(int(found[1]), 0, -1):
            yield f"{number} … "
            await asyncio.sleep(SECOND)  # never time.sleep: other conversations share this thread
        yield "🚀"
    else:
        yield HELP_CHINESE if turn.locale.startswith("zh") else HELP


def last_wish(turn: Turn) -> str:
    """Return the last thing the user asked for that was something."""
    said = [message.content.strip() for message in turn.history if message.role == "user"]
    wishes = [text for text in said if ROLL.fullmatch(text) or COUNT.fullmatch(text)]
    return wishes[-1] if wishes else ""


def roll(*, count: int, sides: int) -> str:
    if not count or not sides:
        return "🎲 0"
    dice = [secrets.randbelow(sides) + 1 for _ in range(count)]
    return f"🎲 {' + '.join(map(str, dice))} = **{sum(dice)}**"
