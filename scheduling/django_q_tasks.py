"""Performs what was queued through django-q2's own `async_task`, as an action like any other."""

import asyncio
import inspect
from typing import Any

from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _
from django_q.signing import BadSignature, SignedPackage

from scheduling.actions import ActionError, action
from scheduling.models import Run

#: What django-q2's monitor would do with a result; here the result is on the run.
UNSUPPORTED = ("hook", "chain", "iter_count")


@action("django_q.task", label=_("Task of django-q2"))
def perform_task(run: Run, *, task: str) -> Any:
    """Call the function of a task that `async_task` signed; its result becomes the run's."""
    try:
        package = SignedPackage.loads(task)
    except BadSignature:
        raise ActionError("The task's signature is not of this site.", permanent=True) from None
    if wanted := [name for name in UNSUPPORTED if package.get(name)]:
        raise ActionError(f"Not supported for a task: {', '.join(wanted)}.", permanent=True)
    function = _resolve(package["func"])
    result = function(*package["args"], **package["kwargs"])
    return asyncio.run(result) if inspect.iscoroutine(result) else result


def _resolve(function: Any) -> Any:
    if callable(function):
        return function
    try:
        return import_string(function)
    except ImportError as error:
        raise ActionError(
            f"The task's function is not to be found: {error}.", permanent=True
        ) from None
