"""What went wrong with a model's server: a kind, a sentence for the user, one for the owner.

Neither sentence has a word of the server in it: a body may quote the key or what a user said. Only
its short machine code is passed on to the owner.
"""

from __future__ import annotations

import contextlib
import math
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import aiohttp
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from conversations.agents.contract import AgentError, current_turn
from conversations.agents.openai_compatible import reading_errors
from conversations.agents.openai_compatible.reading_errors import Complaint

#: The longest that a server's word on when to come back is obeyed.
LONGEST_RETRY_AFTER = timedelta(minutes=5)

_OUT_OF_ORDER = _("The assistant cannot answer at the moment; its owner has been told.")
_TRY_LATER = _("The assistant cannot answer at the moment. Please try again later.")

#: What the user is told.
_MESSAGES: dict[str, Promise] = {
    "key": _OUT_OF_ORDER,
    "not_found": _OUT_OF_ORDER,
    "quota": _OUT_OF_ORDER,
    "refused": _OUT_OF_ORDER,
    "busy": _("The assistant is busy. Please try again in a moment."),
    "server": _TRY_LATER,
    "garbage": _TRY_LATER,
    "slow": _("The assistant took too long to answer. Please try again."),
    "unreachable": _TRY_LATER,
    "too_long": _(
        "This conversation has become too long for the assistant. Send /new to begin a new one."
    ),
    "filtered": _("The provider of the model declined to answer this."),
    "images": _("The assistant cannot look at images."),
}

#: What the owner is told; `%s` is the status and the code, as far as they are known.
_REASONS = {
    "key": "The model's server refused the key%s. Check OPENAI_API_KEY.",
    "not_found": "The model's server knows no such model or address%s. "
    "Check BOTFLOW_MODEL and OPENAI_BASE_URL.",
    "quota": "The account at the model's provider is used up%s. Top it up, or raise its limit.",
    "refused": "The model's server refused the request%s. "
    "Check BOTFLOW_MODEL and BOTFLOW_MODEL_OPTIONS.",
    "busy": "The model's server is busy or limits the rate of requests%s.",
    "server": "The model's server failed%s.",
    "garbage": "The model's server sent something that is no answer of a model%s.",
    "slow": "The model's server was too slow%s.",
    "unreachable": "The model's server could not be reached, or the connection broke%s.",
    "too_long": "The conversation is longer than the model can take%s. "
    "Lower BOTFLOW_HISTORY_TOKENS or BOTFLOW_HISTORY_MESSAGES.",
    "filtered": "The provider's content filter declined the question or the answer%s.",
    "images": "The model does not take the images it was sent%s.",
}
_WRONG_ADDRESS = "OPENAI_BASE_URL does not seem to be the address of an OpenAI-compatible server%s."

_PERMANENT = {"key", "not_found", "quota", "refused", "too_long", "filtered", "images"}


class ModelError(AgentError):
    """A request that a model's server did not answer as it should.

    `kind` is one of `key not_found quota refused busy server garbage slow unreachable too_long
    filtered images`; permanent are those that no other attempt mends, and a wait in vain of a
    person. `about` has, of `images tools stream_options`, those that the server spoke of, for
    whoever tries again without them. `status` is 0 where no status came.
    """

    def __init__(
        self,
        kind: str,
        *,
        status: int = 0,
        code: str = "",
        about: frozenset[str] = frozenset(),
        retry_after: timedelta | None = None,
        is_wrong_address: bool = False,
    ) -> None:
        # Whoever waited that long may try again themselves; nobody does for a schedule.
        was_waited_for = kind == "slow" and not status and _somebody_waits()
        permanent = kind in _PERMANENT or is_wrong_address or was_waited_for
        reason = _WRONG_ADDRESS if is_wrong_address else _REASONS[kind]
        known = ", ".join(filter(None, [str(status or ""), code]))
        super().__init__(
            _in_the_users_language(_OUT_OF_ORDER if is_wrong_address else _MESSAGES[kind]),
            permanent=permanent,
            retry_after=None if permanent else retry_after,
            reason=reason % (f" ({known})" if known else ""),
        )
        self.kind = kind
        self.status = status
        self.code = code
        self.about = about


def from_status(
    status: int,
    body: Any = None,
    headers: Mapping[str, str] | None = None,
    *,
    has_images: bool = False,
    now: datetime | None = None,
) -> ModelError:
    """Return the error of an answer with this status; `body` is bytes, parsed JSON, or None."""
    complaint = reading_errors.read_body(body)
    retry_after = read_retry_after(headers or {}, now=now or timezone.now())
    kind = _kind(status, complaint, has_images=has_images)
    # OpenRouter: a 402 that says when to come back is a budget of requests under way
    # (openrouter.ai/docs, "Errors and Debugging", read 2026-11-23).
    if status == 402 and retry_after:
        kind = "busy"
    return ModelError(
        kind,
        status=status,
        code=complaint.code,
        about=complaint.about,
        retry_after=retry_after,
        is_wrong_address=300 <= status < 400,
    )


def from_stream(error: Any, *, has_images: bool = False) -> ModelError:
    """Return the error that an error object amid the stream, or in a body with 200, speaks of."""
    complaint = reading_errors.read(error)
    status = complaint.status
    kind = _kind(status, complaint, has_images=has_images)
    return ModelError(kind, status=status, code=complaint.code, about=complaint.about)


def from_exception(error: BaseException) -> ModelError:
    """Return the error of a connection; nothing of the exception's text is in it."""
    if isinstance(error, TimeoutError):
        return ModelError("slow")
    for kind, code in _CONNECTING.items():
        if isinstance(error, kind):
            return ModelError("unreachable", code=code)
    if isinstance(error, ValueError | aiohttp.NonHttpUrlClientError):
        # An address that is none: aiohttp's InvalidURL is a ValueError.
        return ModelError("garbage", is_wrong_address=True)
    return ModelError("unreachable")


#: The first that fits says it.
_CONNECTING: dict[type[Exception], str] = {
    aiohttp.ClientConnectorDNSError: "name_not_found",
    aiohttp.ClientConnectorCertificateError: "bad_certificate",
    aiohttp.ClientSSLError: "no_tls",
    aiohttp.ClientProxyConnectionError: "proxy",
    aiohttp.ClientHttpProxyError: "proxy",
    aiohttp.ClientConnectorError: "no_connection",
}


def read_retry_after(headers: Mapping[str, str], *, now: datetime) -> timedelta | None:
    """Return how long the server asks to wait, at most five minutes; None where it does not.

    `retry-after-ms` (OpenAI, Azure) goes before `Retry-After`, in seconds or as a date (RFC 9110).
    """
    found = {name.lower(): value for name, value in headers.items()}
    seconds = _number(found.get("retry-after-ms", ""), 0.001)
    if seconds is None:
        seconds = _number(found.get("retry-after", ""), 1)
    if seconds is None:
        seconds = _until(found.get("retry-after", ""), now)
    if seconds is None or seconds <= 0:
        return None
    return timedelta(seconds=min(seconds, LONGEST_RETRY_AFTER.total_seconds()))


def _number(text: str, factor: float) -> float | None:
    if not re.fullmatch(r"\s*\d+(\.\d*)?\s*", text, re.ASCII):
        return None
    return min(float(text) * factor, math.inf)


def _until(text: str, now: datetime) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return (moment - now).total_seconds()
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _kind(status: int, complaint: Complaint, *, has_images: bool) -> str:
    """Return what is wrong: what the server says counts more than its status, mostly."""
    if status == 402 or complaint.is_quota:
        return "quota"
    if complaint.is_filtered or status == 451:
        return "filtered"
    if complaint.is_busy and status in (0, 400, 403, 429):
        return "busy"
    if complaint.is_too_long and status not in (401, 403, 404, 429):
        return "too_long"
    if has_images and "images" in complaint.about and status not in (401, 403, 429):
        return "images"
    if complaint.is_key and status in (0, 400):
        return "key"
    if complaint.is_not_found and status in (0, 400, 403, 422):
        return "not_found"
    return _by_status(status, complaint, has_images=has_images)


def _by_status(status: int, complaint: Complaint, *, has_images: bool) -> str:
    if status in (401, 403):
        return "key"
    if status in (404, 405):
        return "not_found"
    if status == 413:
        return "images" if has_images else "too_long"
    # 409, 425: another request is under way; 529: overloaded, as Anthropic's say it.
    if status in (409, 425, 429, 503, 529):
        return "busy"
    if status in (408, 504, 524):
        return "slow"
    if status >= 500:
        return "server"
    if 300 <= status < 400:
        return "garbage"
    return "refused" if status or complaint.is_refused else "server"


def _somebody_waits() -> bool:
    turn = current_turn.get(None)
    return not (turn and turn.is_scheduled)


def _in_the_users_language(message: Promise) -> str:
    turn = current_turn.get(None)
    with translation.override(turn.locale) if turn else contextlib.nullcontext():
        return str(message)
