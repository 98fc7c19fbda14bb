"""Says how a chain or graph failed: to the user politely, to the owner by kind and place.

An exception's text may quote a key, or what somebody said; nothing of it is passed on.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from typing import Any

from django.utils import translation
from django.utils.translation import gettext as _

from conversations.agents.blame import place_of
from conversations.agents.contract import AgentError, Turn
from conversations.agents.openai_compatible import errors
from conversations.agents.openai_compatible.errors import ModelError
from scheduling.actions import ActionError

logger = logging.getLogger(__name__)

# By name: the clients of providers each have their own, of several versions of httpx.
_SLOW = {"TimeoutError", "TimeoutException", "APITimeoutError", "ServerTimeoutError"}
_UNREACHABLE = {"ConnectionError", "TransportError", "APIConnectionError", "ClientConnectionError"}
_TOO_MANY_STEPS = (
    "The graph took more steps than its recursion limit. Give it a way to end, or raise the limit: "
    "graph.with_config(recursion_limit=…)."
)
_INTERRUPTED = "The graph was interrupted to ask something; nobody can resume it here."
_SILENT = "The agent ended without a message of the assistant."


def failure_of(error: Exception, turn: Turn) -> ActionError:
    """Return what is raised instead of an agent's exception.

    What a provider answered, and connections that failed, are told apart and tried again where
    that helps; everything else is a fault in the agent. Its kind and place are logged once.
    """
    if isinstance(error, ActionError):
        return error
    with translation.override(turn.locale):
        known = _provider_failure(error)
        if known is None:
            return _fault(error)
    # In the provider's words as far as they are harmless; whose key it is, BotFlow does not know.
    words = filter(None, [str(known.status or ""), known.code])
    known.reason = f"The agent's model failed: {type(error).__name__} {' '.join(words)}".strip()
    known.reason += f", {place_of(error)}."
    return known


def no_answer(turn: Turn, *, ignored: Iterable[str], is_interrupted: bool) -> AgentError:
    """Return what is raised where an agent has nothing to say; `ignored` are types it yielded."""
    reason = _INTERRUPTED if is_interrupted else _SILENT
    if types := ", ".join(sorted(ignored)):
        reason += f" What it yielded has no words: {types}."
    with translation.override(turn.locale):
        return AgentError(_("The assistant gave no answer. Please try again."), reason=reason)


def _fault(error: Exception) -> AgentError:
    kind, place = type(error).__name__, place_of(error)
    logger.error("The agent failed: %s %s.", kind, place)
    logger.debug("The agent failed.", exc_info=error)
    reason = f"The agent failed: {kind} {place}."
    if kind == "GraphRecursionError":
        reason = _TOO_MANY_STEPS
    return AgentError(_("Something went wrong while answering. Please try again."), reason=reason)


def _provider_failure(error: Exception) -> ModelError | None:
    causes = list(_causes(error))
    for cause in causes:
        if (status := _status(cause)) is not None:
            headers = getattr(getattr(cause, "response", None), "headers", None)
            return errors.from_status(status, _body(cause), headers)
    for cause in causes:
        names = {each.__name__ for each in type(cause).__mro__}
        if names & _SLOW:
            return ModelError("slow")
        if names & _UNREACHABLE:
            return ModelError("unreachable")
    # What OpenAI's client raises for an error amid the stream.
    body = _body(error)
    return errors.from_stream(body) if isinstance(body, dict) else None


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """Yield the exception, what it was raised from, and of a group its members."""
    while error is not None:
        yield error
        if isinstance(error, BaseExceptionGroup):
            for member in error.exceptions:
                yield from _causes(member)
        error = error.__cause__


def _status(error: BaseException) -> int | None:
    """Return the status of HTTP that clients of all providers keep in one of two places."""
    for status in (
        getattr(error, "status_code", None),
        getattr(getattr(error, "response", None), "status_code", None),
    ):
        if isinstance(status, int) and 400 <= status <= 599:
            return status
    return None


def _body(error: BaseException) -> Any:
    return getattr(error, "body", None)
