"""Tools: what a model may have done while it answers, named by `BOTFLOW_TOOLS`."""

from conversations.tools.calling import call_tool
from conversations.tools.contract import InvalidTool, Tool, ToolError, sets_up, tool_of
from conversations.tools.loading import get_tools, offered_tools

__all__ = [
    "InvalidTool",
    "Tool",
    "ToolError",
    "call_tool",
    "get_tools",
    "offered_tools",
    "sets_up",
    "tool_of",
]
