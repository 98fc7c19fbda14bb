"""BotFlow's tools for graphs and agents of LangChain: `create_agent(model, botflow_tools())`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from langchain_core.tools import StructuredTool

from conversations.agents.contract import current_turn
from conversations.tools import Tool, call_tool, get_tools


def botflow_tools(names: Iterable[str] | None = None) -> list[StructuredTool]:
    """Return the tools of `BOTFLOW_TOOLS`, or of these names, as LangChain takes them.

    They act for the turn that is being answered, whoever calls them, and only asynchronously.
    """
    return [_structured(tool) for tool in get_tools(names)]


def _structured(tool: Tool) -> StructuredTool:
    async def call(**arguments: Any) -> str:
        turn = current_turn.get(None)
        if turn is None:
            raise RuntimeError(f"The tool {tool.name} works only while BotFlow answers a turn.")
        return await call_tool(tool.name, arguments, turn, [tool])

    return StructuredTool(
        name=tool.name,
        description=tool.description,
        args_schema=tool.parameters,
        coroutine=call,
    )
