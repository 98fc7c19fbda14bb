"""The agent itself: asks the model, shows what it says as it comes, does what it calls for."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable, Sequence

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils.module_loading import import_string

from conversations.agents.contract import Chunk, Turn
from conversations.agents.openai_compatible.client import get_client
from conversations.agents.openai_compatible.configuration import configuration_problems
from conversations.agents.openai_compatible.errors import ModelError
from conversations.agents.openai_compatible.exchange import CallTool, Exchange
from conversations.agents.openai_compatible.request import ToolLike, images_of


class OpenAICompatible:
    """The model of OPENAI_BASE_URL and BOTFLOW_MODEL as an agent; built once per process.

    `system_prompt` stands for BOTFLOW_SYSTEM_PROMPT: for agents that are built on this one. Raises
    ImproperlyConfigured where the settings name no model that could be asked.
    """

    #: Its tokens cost something: where the server reports none they are estimated.
    is_metered = True

    def __init__(self, *, system_prompt: str = "") -> None:
        if problems := configuration_problems():
            told = (f"{problem} {hint}" for _setting, problem, hint in problems)
            raise ImproperlyConfigured(" ".join(told))
        self.system_prompt = system_prompt
        self._offered, self._call_tool = _find_tools()

    async def __call__(self, turn: Turn) -> AsyncIterator[Chunk]:
        exchange = Exchange(
            turn,
            tools=self._offered(turn),
            call_tool=self._call_tool,
            images=await images_of(turn),
            prompt=self.system_prompt,
        )
        while not exchange.is_over:
            try:
                async with contextlib.aclosing(get_client().stream(exchange.payload())) as events:
                    async for event in events:
                        if chunk := exchange.read(event):
                            yield chunk
                rest = exchange.conclude()
            except ModelError as error:
                if not exchange.recover(error):
                    raise
                continue
            if rest:
                yield rest
            if not exchange.is_over:
                await exchange.carry_out()


def _find_tools() -> tuple[Callable[[Turn], Sequence[ToolLike]], CallTool | None]:
    """Return what offers a turn its tools, and what calls one; imported only where tools are on."""
    if not settings.BOTFLOW_TOOLS:
        return (lambda turn: ()), None
    import_string("conversations.tools.get_tools")()
    return (
        import_string("conversations.tools.offered_tools"),
        import_string("conversations.tools.call_tool"),
    )
