"""Agents: what turns a turn into a reply, named by `BOTFLOW_AGENT`."""

from conversations.agents.contract import AgentError, Chunk, HistoryMessage, Turn, current_turn
from conversations.agents.loading import get_agent, stream_reply

__all__ = [
    "AgentError",
    "Chunk",
    "HistoryMessage",
    "Turn",
    "current_turn",
    "get_agent",
    "stream_reply",
]
