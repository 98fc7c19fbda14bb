"""Tells the kinds of LangChain objects apart: what they want to be given, what they cannot be."""

from __future__ import annotations

from enum import Enum
from typing import Any

from langchain_core.language_models import BaseLanguageModel
from langchain_core.prompts import BasePromptTemplate
from langchain_core.runnables import Runnable, RunnableSequence
from langchain_core.runnables.base import RunnableBindingBase
from langchain_core.runnables.fallbacks import RunnableWithFallbacks

try:
    from langgraph.pregel import Pregel
    from langgraph.pregel.protocol import PregelProtocol
except ImportError:  # LangChain alone can be installed.
    Pregel = PregelProtocol = None  # type: ignore[assignment, misc]

#: What a prompt may ask for: the whole conversation, or its parts.
PROMPT_VARIABLES = {"messages", "history", "input"}


class Kind(Enum):
    """What an agent is given."""

    GRAPH = "graph"
    #: A sequence that begins with a graph: what follows takes its states as they come.
    GRAPH_FIRST = "graph first"
    MODEL = "model"
    PROMPT = "prompt"
    RUNNABLE = "runnable"
    FOREIGN = "foreign"


def kind_of(agent: Any) -> Kind:
    """Return what the object is, behind bindings, retries, fallbacks and sequences."""
    first = _first(agent)
    if is_graph(first):
        return Kind.GRAPH if is_graph(_bare(agent)) else Kind.GRAPH_FIRST
    if isinstance(first, BaseLanguageModel):
        return Kind.MODEL
    if isinstance(first, BasePromptTemplate):
        return Kind.PROMPT
    return Kind.RUNNABLE if isinstance(first, Runnable) else Kind.FOREIGN


def is_graph(agent: Any) -> bool:
    return PregelProtocol is not None and isinstance(agent, PregelProtocol)


def _bare(agent: Any) -> Any:
    while isinstance(agent, (RunnableBindingBase, RunnableWithFallbacks)):
        agent = agent.bound if isinstance(agent, RunnableBindingBase) else agent.runnable
    return agent


def _first(agent: Any) -> Any:
    agent = _bare(agent)
    return _first(agent.first) if isinstance(agent, RunnableSequence) else agent


def without_checkpointer(agent: Any) -> Any:
    """Return a graph that keeps nothing: BotFlow keeps the conversation and passes it each time."""
    if isinstance(agent, RunnableBindingBase):
        return agent.model_copy(update={"bound": without_checkpointer(agent.bound)})
    is_local = Pregel is not None and isinstance(agent, Pregel)
    return agent.copy({"checkpointer": None}) if is_local else agent


def wrong_with(agent: Any) -> str:
    """Return in a sentence why the object cannot be the agent; "" where it can."""
    first = _first(agent)
    if type(first).__module__.startswith("langgraph.") and not hasattr(first, "astream"):
        return "It is a graph that was not compiled: call .compile() on it."
    if isinstance(first, BasePromptTemplate):
        return _wrong_with_prompt(first)
    if Pregel is not None and isinstance(first, Pregel):
        return _wrong_with_graph(first)
    return "" if hasattr(agent, "astream") else "It has no `astream`."


def _wrong_with_prompt(prompt: Any) -> str:
    if unknown := sorted({*prompt.input_variables} - PROMPT_VARIABLES):
        return (
            f"Its prompt asks for {', '.join(unknown)}; there are "
            f"{', '.join(sorted(PROMPT_VARIABLES))}."
        )
    return ""


def _wrong_with_graph(graph: Any) -> str:
    is_functional = "__end__" in graph.channels
    if "messages" not in graph.channels and not is_functional:
        return "The state of the graph has no `messages`: derive it from MessagesState."
    if graph.interrupt_before_nodes or graph.interrupt_after_nodes:
        return "The graph is compiled to be interrupted; there is nobody who would resume it."
    return ""
