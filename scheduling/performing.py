"""Calls the action of one run and turns whatever comes of it into the ending of that attempt."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import sys
import threading
import traceback
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import close_old_connections
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _

from scheduling import clock
from scheduling.actions import Action, ActionError, Commit, as_json, get_action
from scheduling.attempts import Ending, backoff
from scheduling.models import Run
from scheduling.states import RunState

logger = logging.getLogger(__name__)


class GivenUp(Exception):
    """The attempt was interrupted by its worker, which deals with the run itself."""


async def perform(run: Run, *, threads: ThreadPoolExecutor, reason: Callable[[], str]) -> Ending:
    """Call the run's action and return how the attempt ended; raises GivenUp when interrupted.

    `reason` tells why the coroutine is being cancelled, if it is. Every failure becomes an ending
    with a sentence for a person; only unexpected ones are logged, with their traceback.
    """
    seconds = run.timeout_seconds or settings.BOTFLOW_RUN_TIMEOUT
    try:
        if run.unreadable:
            raise ActionError(run.unreadable_reason, permanent=True)
        action = get_action(run.action)
        action.bind(run.args)
        if run.cancel_requested_at:
            return ending(run, RunState.CANCELLED, error=_("Cancelled."))
        async with asyncio.timeout(seconds) as limit:
            value = await _call(action, run, threads)
        return success(run, value)
    except asyncio.CancelledError as error:
        if reason() == "cancelled":
            return ending(run, RunState.CANCELLED, error=_("Cancelled."))
        if not reason():
            # Of the action's own making: it awaited something that was cancelled.
            return failure(run, error)
        raise GivenUp from None
    except TimeoutError as error:
        if limit.expired():
            return ending(run, RunState.FAILED, error=_took_too_long(seconds), retry=True)
        return failure(run, error)
    except Exception as error:  # noqa: BLE001  Boundary: one run's failure stays its own.
        return failure(run, error)


def _took_too_long(seconds: float) -> str:
    return _("It took longer than its timeout of %(seconds)g seconds.") % {"seconds": seconds}


async def _call(action: Action, run: Run, threads: ThreadPoolExecutor) -> Any:
    if action.is_async:
        return await action.function(run, **run.args)
    context = contextvars.copy_context()
    future = threads.submit(context.run, _in_thread, action.function, run)
    try:
        return await asyncio.wrap_future(future)
    finally:
        if future.running():
            _overrunning.add(future)
            future.add_done_callback(_overrunning.discard)


def _in_thread(function: Callable[..., Any], run: Run) -> Any:
    close_old_connections()
    return function(run, **run.args)


# Threads cannot be stopped: these go on after the timeout of their run.
_overrunning: set[Future[Any]] = set()


def overrun_threads() -> int:
    return len(_overrunning)


def success(run: Run, value: Any) -> Ending:
    """Return the ending for what an action returned; a value that is not JSON is kept as text."""
    commit = value if isinstance(value, Commit) else None
    result = commit.result if commit else value
    try:
        as_json(result)
    except ValueError:
        result = _storable(repr(result)[:1000])
    return Ending(
        run=run.pk,
        attempt=run.attempt,
        state=RunState.SUCCEEDED,
        at=clock.reckon(),
        result=result,
        commit=commit,
    )


def failure(run: Run, error: BaseException) -> Ending:
    """Return the ending for an exception: expected ones speak for themselves."""
    if isinstance(error, ActionError):
        pause = error.retry_after
        return ending(
            run, RunState.FAILED, error=str(error), retry=not error.permanent, pause=pause
        )
    logger.error("Run %s (%s) raised.", run.pk, run.action, exc_info=error)
    summary = "".join(traceback.format_exception_only(error)).strip()
    return ending(run, RunState.FAILED, error=summary[:2000], retry=True)


def ending(
    run: Run,
    state: RunState,
    *,
    error: str = "",
    retry: bool = False,
    pause: timedelta | None = None,
) -> Ending:
    """Return an ending, or with `retry` and attempts left the way back into the queue."""
    now = clock.reckon()
    retry_at: datetime | None = None
    if retry and run.attempt < run.max_attempts:
        state, retry_at = (
            RunState.PENDING,
            now + (pause or backoff(run.attempt, run.backoff_seconds)),
        )
    return Ending(
        run=run.pk,
        attempt=run.attempt,
        state=state,
        at=now,
        error=_storable(error),
        retry_at=retry_at,
    )


def _storable(text: str) -> str:
    """Return `text` without lone surrogates and NUL, which the databases refuse."""
    return text.encode(errors="replace").decode().replace("\0", "�")


async def announce(then: Callable[[Any], Awaitable[None]], result: Any) -> None:
    """Call what an action wants done after its commit; a failure there changes no run."""
    try:
        await then(result)
    except Exception:  # Boundary: the run has ended; its rows are the truth readers catch up with.
        logger.exception("What was to follow a commit failed.")


def prepare() -> None:
    """Do once per process what the first run would otherwise wait for."""
    for path in settings.BOTFLOW_WORKER_START:
        import_string(path)()


def log_stall(silence: float) -> None:
    """Log where the event loop stands still, for the developer whose function blocks it."""
    main = sys._current_frames().get(threading.main_thread().ident or 0)
    stack = "".join(traceback.format_stack(main)[-8:]) if main else "unknown"
    logger.error(
        "The worker's event loop has been blocked for %.0f s: an async action must not block.\n%s",
        silence,
        stack,
    )
