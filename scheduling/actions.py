"""Actions: the functions that runs can name, and `submit`, which puts a run into the queue."""

from __future__ import annotations

import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django import forms
from django.utils import timezone
from django.utils.functional import Promise

from scheduling import clock, wakeup
from scheduling.inserting import insert
from scheduling.models import ACTION_LENGTH, KEY_LENGTH, Run


class ActionError(Exception):
    """A failure an action expects: its message is stored on the run for a person to read.

    `permanent` failures are not retried; others are, after `retry_after` or the usual back-off,
    while the run has attempts left.
    """

    def __init__(
        self, message: str, *, permanent: bool = False, retry_after: timedelta | None = None
    ) -> None:
        super().__init__(message)
        self.permanent = permanent
        self.retry_after = retry_after


@dataclass(frozen=True, slots=True)
class Commit:
    """What an action returns to have a last write join the transaction that ends its run.

    `write` gets the items of all runs that end in that transaction and returns one result for
    each, in order; `then` gets this run's result after the commit. When the run was lost to
    another worker neither is called: so the write happens once, whoever competes.
    """

    write: Callable[[list[Any]], Sequence[Any]]
    item: Any
    then: Callable[[Any], Awaitable[None]] | None = None
    result: Any = None


@dataclass(frozen=True, slots=True)
class Action:
    """A registered function, and what is told of runs that end badly or begin anew."""

    name: str
    function: Callable[..., Any]
    label: str | Promise
    form: type[forms.Form] | None = None
    ended: Callable[[Run], None] | None = None
    retried: Callable[[Run], None] | None = None
    key: Callable[[dict[str, Any]], str] | None = None
    is_async: bool = field(default=False)

    def bind(self, args: dict[str, Any]) -> None:
        """Raise ActionError (permanent) when `args` do not fit the function's signature."""
        if not isinstance(args, dict):
            raise ActionError("The arguments must be an object with names.", permanent=True)
        try:
            signature(self.function).bind(None, **args)
        except TypeError as error:
            raise ActionError(
                f"The arguments do not fit {self.name}: {error}.", permanent=True
            ) from None


signature = cache(inspect.signature)

registry: dict[str, Action] = {}


def action(
    name: str,
    *,
    label: str | Promise = "",
    form: type[forms.Form] | None = None,
    ended: Callable[[Run], None] | None = None,
    retried: Callable[[Run], None] | None = None,
    key: Callable[[dict[str, Any]], str] | None = None,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register `function(run, **args)`, sync or async, as the action `name`.

    A sync function runs in a thread; an async one shares its worker's event loop and must not
    block it. `form` declares the arguments for people. `ended(run)` is called in the transaction
    that ends a run as failed or cancelled, wherever that happens: in its worker, by a rescue after
    its worker died, or before it began; `retried(run)` in the one that puts such a run back into
    the queue by hand. `key(args)` names what scheduled runs of it must share one at a time, say a
    conversation. Registering a name twice with different functions raises ValueError.
    """

    def register(function: Callable[..., Any]) -> Callable[..., Any]:
        known = registry.get(name)
        if known and known.function.__qualname__ != function.__qualname__:
            raise ValueError(f"The action {name!r} is registered already, by {known.function!r}.")
        registry[name] = Action(
            name=name,
            function=function,
            label=label or name,
            form=form,
            ended=ended,
            retried=retried,
            key=key,
            is_async=inspect.iscoroutinefunction(function),
        )
        return function

    return register


def get_action(name: str) -> Action:
    """Return the registered action, or raise ActionError (permanent) naming what is missing."""
    try:
        return registry[name]
    except KeyError:
        raise ActionError(
            f"No action is registered under the name {name!r}.", permanent=True
        ) from None


def submit(
    name: str,
    args: dict[str, Any] | None = None,
    *,
    fire_at: datetime | None = None,
    key: str = "",
    timeout: float | timedelta | None = None,
    max_attempts: int = 1,
) -> Run:
    """Put one run into the queue and return it; joins the caller's transaction.

    It is seen by workers once that transaction commits, and not at all if it rolls back.
    `fire_at` is an aware datetime, now when left out; `timeout` is in seconds; without a `key` it
    has the one that its action names. An attempt is counted when it begins: with the default of 1
    a run whose worker dies is failed, not repeated. An unknown action is no error here, since
    another process may know it; the run then fails with that reason. Raises ValueError for
    arguments that are not JSON and for values out of range.
    """
    run = prepare(name, args, fire_at=fire_at, key=key, timeout=timeout, max_attempts=max_attempts)
    return submit_many([run])[0]


def submit_many(runs: Iterable[Run]) -> list[Run]:
    """Insert runs made by `prepare` with one query; joins the caller's transaction."""
    stored = list(runs)
    insert(stored)
    wakeup.ring_on_commit()
    return stored


def prepare(
    name: str,
    args: dict[str, Any] | None = None,
    *,
    fire_at: datetime | None = None,
    key: str = "",
    timeout: float | timedelta | None = None,
    max_attempts: int = 1,
) -> Run:
    """Return the unsaved run that `submit` would store, or raise ValueError."""
    seconds = timeout.total_seconds() if isinstance(timeout, timedelta) else timeout
    if seconds is not None and not 0 < seconds < float("inf"):
        raise ValueError(f"timeout must be more than 0 seconds, not {timeout!r}.")
    if max_attempts < 1:
        raise ValueError(f"max_attempts must be at least 1, not {max_attempts}.")
    if fire_at is not None and timezone.is_naive(fire_at):
        raise ValueError("fire_at must have a time zone.")
    for what, value, most in (("action", name, ACTION_LENGTH), ("key", key, KEY_LENGTH)):
        if len(value) > most or "\0" in value:
            raise ValueError(f"{what} must be a text of up to {most} characters.")
    now = clock.now()
    return Run(
        action=name,
        args=as_json(args or {}),
        key=key or key_of(name, args or {}),
        fire_at=fire_at or now,
        created_at=now,
        timeout_seconds=seconds,
        max_attempts=max_attempts,
    )


def key_of(name: str, args: dict[str, Any]) -> str:
    """Return the key that the action names for such a run, "" where it names none."""
    action = registry.get(name)
    if action is None or action.key is None or not isinstance(args, dict):
        return ""
    return action.key(args)[:KEY_LENGTH]


def as_json(value: Any) -> Any:
    """Return `value` if both databases can store it as JSON, else raise ValueError."""
    try:
        text = json.dumps(value, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"The arguments are not JSON: {error}.") from None
    # Escaped backslashes aside: text may spell out what a NUL looks like.
    if "\\u0000" in text.replace("\\\\", ""):
        # Valid JSON that PostgreSQL cannot store.
        raise ValueError("The arguments contain a NUL character.")
    return value
