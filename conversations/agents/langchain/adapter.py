"""Makes an agent of whatever can `astream`; `loading` calls it for such objects."""

from __future__ import annotations

import importlib.util
from collections.abc import AsyncGenerator, Callable
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from conversations.agents.contract import Chunk, Turn
from conversations.agents.langchain.foreign import ForeignAgent

if importlib.util.find_spec("langchain_core"):
    from conversations.agents.langchain import graphs, kinds
else:  # Nothing can be a Runnable then.
    graphs = kinds = None  # type: ignore[assignment]


def adapt(found: Any) -> Callable[[Turn], AsyncGenerator[Chunk, None]]:
    """Return the agent; raise ImproperlyConfigured for what cannot be one."""
    if problem := wrong(found):
        raise ImproperlyConfigured(f"BOTFLOW_AGENT: {problem}")
    if kinds is None or kinds.kind_of(found) is kinds.Kind.FOREIGN:
        return ForeignAgent(found)
    return graphs.RunnableAgent(found)


def wrong(found: Any) -> str:
    """Return in a sentence why the object cannot be the agent; "" where it can."""
    if kinds is not None:
        return kinds.wrong_with(found)
    return "" if hasattr(found, "astream") else "It has no `astream`."
