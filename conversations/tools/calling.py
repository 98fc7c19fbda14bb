"""Calls a tool as a model asked for it, and says what came of it: a model reads every failure."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import inspect
import json
import logging
import threading
from collections.abc import Callable, Sequence
from typing import Any

from django.conf import settings
from django.db import connections
from pydantic import ValidationError
from pydantic_core import to_jsonable_python

from conversations import texts
from conversations.agents.blame import place_of
from conversations.agents.contract import Turn
from conversations.commands.when_phrases import shown
from conversations.tools.contract import NOT_SCHEDULED, Tool, ToolError
from conversations.tools.loading import get_tools, offered_tools

logger = logging.getLogger(__name__)

# Characters of a result, which the model is sent again in every later round of the turn.
MOST = 20_000
_CUT = "\n… (cut: the rest is too long)"
# Wrong arguments that are told of one call.
_MOST_WRONG = 5


async def call_tool(
    name: str, arguments: Any, turn: Turn, tools: Sequence[Tool] | None = None
) -> str:
    """Call the tool and return what the model is told; never raises but when it is cancelled.

    `arguments` are a dict or the JSON of one. Whatever goes wrong is a sentence that begins with
    `Error:`, and tells no exception's text but a ToolError's.
    """
    try:
        tool = _find(name, turn, tools)
    except ToolError as error:
        return f"Error: {error}"
    try:
        given = _checked(tool, arguments)
        return _told(await _run(tool, given | dict.fromkeys(tool.turn_names, turn)))
    except ToolError as error:
        return _told(f"Error: {error}")
    except (Exception, SystemExit, asyncio.CancelledError) as error:
        # Boundary: a tool may raise anything; neither the model nor the user learns what.
        if _is_interrupted(error):
            raise
        logger.error("The tool %s failed: %s %s.", tool.name, type(error).__name__, place_of(error))
        logger.debug("How it failed:", exc_info=error)
        return "Error: The tool failed. Trying again will hardly help."


def _find(name: str, turn: Turn, tools: Sequence[Tool] | None) -> Tool:
    name = str(name)
    known = {tool.name: tool for tool in (get_tools() if tools is None else tools)}
    offered = offered_tools(turn, list(known.values()))
    tool = known.get(name)
    if tool is None:
        names = ", ".join(each.name for each in offered) or "none"
        raise ToolError(f"There is no tool “{shown(name)}”. There are: {names}.")
    if tool not in offered:
        raise ToolError(NOT_SCHEDULED)
    return tool


def _checked(tool: Tool, arguments: Any) -> dict[str, Any]:
    """Return the arguments as the function takes them; raises ToolError for wrong ones."""
    try:
        given = json.loads(arguments or "{}") if isinstance(arguments, str) else arguments
        given = _clean({} if given is None else given)
    except (ValueError, RecursionError):
        raise ToolError("The arguments are no JSON object.") from None
    if not isinstance(given, dict):
        raise ToolError("The arguments are no JSON object.")
    try:
        return dict(tool.arguments.validate_python(given))
    except ValidationError as error:
        wrong = error.errors(include_url=False, include_context=False, include_input=False)
        lines = [f"{_where(each['loc'])}: {each['msg'][:300]}." for each in wrong[:_MOST_WRONG]]
        raise ToolError(" ".join(["These arguments do not fit.", *lines])) from None


def _clean(value: Any) -> Any:
    """Return the arguments as both databases, and every reader of JSON, can take them."""
    match value:
        case str():
            return texts.clean(value)
        case list():
            return [_clean(each) for each in value]
        case dict():
            return {_clean(name): _clean(each) for name, each in value.items()}
    return value


def _where(loc: tuple[int | str, ...]) -> str:
    return shown(".".join(str(part) for part in loc))


async def _run(tool: Tool, arguments: dict[str, Any]) -> Any:
    try:
        async with asyncio.timeout(settings.BOTFLOW_TOOL_TIMEOUT) as limit:
            return await _value(tool.function, arguments)
    except TimeoutError:
        if not limit.expired():
            raise
        logger.warning("The tool %s took too long.", tool.name)
        late = "The tool took too long; what it was to do may be done or not."
        raise ToolError(late) from None


async def _value(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    if inspect.iscoroutinefunction(inspect.unwrap(function)):
        return await function(**arguments)
    value = await _in_thread(function, arguments)
    return await value if inspect.isawaitable(value) else value


async def _in_thread(function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call a plain function in a thread of its own; one that takes too long is left to its end.

    Not in a pool: slow tools of some turns must not keep those of others waiting.
    """
    loop = asyncio.get_running_loop()
    ended: asyncio.Future[tuple[Any, BaseException | None]] = loop.create_future()

    def settle(value: Any, error: BaseException | None) -> None:
        if not ended.done():
            ended.set_result((value, error))

    def run() -> None:
        value, error = None, None
        try:
            value = function(**arguments)
        except BaseException as raised:  # noqa: BLE001  Boundary: raised again in the event loop.
            error = raised
        finally:
            # Those of this thread, which nobody will use again.
            connections.close_all()
        with contextlib.suppress(RuntimeError):  # the event loop is closed
            loop.call_soon_threadsafe(settle, value, error)

    context = contextvars.copy_context()
    threading.Thread(target=context.run, args=(run,), daemon=True, name="tool").start()
    value, error = await ended
    if error:
        raise error
    return value


def _told(result: Any) -> str:
    if not isinstance(result, str):
        result = json.dumps(to_jsonable_python(result, fallback=str), ensure_ascii=False)
    text = texts.clean(result)
    return text if len(text) <= MOST else text[: MOST - len(_CUT)] + _CUT


def _is_interrupted(error: BaseException) -> bool:
    """Tell a cancelled turn from a tool whose own doing it was: that one has failed."""
    task = asyncio.current_task()
    return isinstance(error, asyncio.CancelledError) and bool(task and task.cancelling())
