"""The test kit for agents: an agent that says what it was told to, a turn, and the contract."""

from __future__ import annotations

from typing import Any

from conversations.agents.testing.checking import Contract
from conversations.agents.testing.heard import AgentContractError
from conversations.agents.testing.scripted import ScriptedAgent
from conversations.agents.testing.turns import make_turn
from conversations.agents.testing.watching import run_watched

__all__ = ["AgentContractError", "ScriptedAgent", "assert_agent_contract", "make_turn"]


def assert_agent_contract(agent: Any, *, timeout: float = 10.0, question: str = "Hello") -> None:
    """Fail with one sentence that says what BotFlow could not do with the agent, and why.

    `agent` is whatever `BOTFLOW_AGENT` takes, or its name. It is asked about fifteen turns: the
    `question`, long and foreign and empty ones, several at once, some that are stopped. Each may
    take `timeout` seconds. To be called from plain and async tests alike: the turns run in a
    thread with an event loop of its own, the same for every call. Raises AgentContractError, which
    is an AssertionError.
    """
    contract = Contract(agent, timeout=timeout, question=question)
    run_watched(contract.check, give_up=timeout)
