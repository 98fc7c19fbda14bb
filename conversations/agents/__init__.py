"""Agents: what turns a turn into a reply, named by `BOTFLOW_AGENT`."""

from conversations.agents.contract import AgentError, Chunk, HistoryMessage, Turn
from conversations.agents.loading import get_agent, stream_reply

__all__ = ["AgentError", "Chunk", "HistoryMessage", "Turn", "get_agent", "stream_reply"]
