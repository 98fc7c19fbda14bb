"""The agent `openai_compatible`: any model whose server speaks OpenAI's chat completions."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from conversations.agents.openai_compatible.agent import OpenAICompatible as OpenAICompatible

__all__ = ["OpenAICompatible"]


def __getattr__(name: str) -> Any:
    """Import the agent, and with it the HTTP client, where it is asked for and not before."""
    if name in __all__:
        # The parts that need no client (requests, checks) are imported without it.
        from conversations.agents.openai_compatible import agent  # noqa: PLC0415

        return getattr(agent, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
