"""Agents: what turns a turn into a reply, named by `BOTFLOW_AGENT`."""

from conversations.agents.contract import AgentError, Chunk, HistoryMessage, Turn, current_turn
from conversations.agents.loading import get_agent, stream_reply
from conversations.agents.testing import ScriptedAgent, assert_agent_contract, make_turn

__all__ = [
    "AgentError",
    "Chunk",
    "HistoryMessage",
    "ScriptedAgent",
    "Turn",
    "assert_agent_contract",
    "current_turn",
    "get_agent",
    "make_turn",
    "stream_reply",
]
