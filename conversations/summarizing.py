"""Summarizing: sums up what is about to leave the window of the history, in runs of its own."""

from __future__ import annotations

import inspect
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from django.utils.module_loading import import_string

from conversations import budgets
from conversations.agents import AgentError, Chunk, HistoryMessage
from conversations.agents.blame import place_of
from conversations.agents.tokens import estimate_messages
from conversations.branching import path_of, thread_of
from conversations.history import Summary, as_message, count_fitting, latest_turns, summary_of
from conversations.models import Conversation
from conversations.texts import clean
from scheduling.actions import ActionError, prepare, submit_many
from scheduling.attempts import LostLease, still_owned
from scheduling.claiming import Claim
from scheduling.group_commit import group_commit
from scheduling.models import Run
from scheduling.states import RunState

logger = logging.getLogger(__name__)

SUMMARIZE = "conversations.summarize"
ATTEMPTS = 3
#: For how long the summarizer of a conversation is left alone after it failed that often.
REST = timedelta(minutes=10)

#: Characters of a summary: a longer one is cut there.
LONGEST_SUMMARY = 4000
#: Characters that the summarizer is shown of one message: its beginning and its end.
LONGEST_MESSAGE = 2000
#: About the tokens that are summed up in one go, and how often one run does so.
MOST_TOKENS, MOST_CALLS = 8000, 20
#: Messages beyond the window that are summed up, the latest: where nothing was before.
REACH = 200

#: Gets the summary so far, "" for none, and what follows it; returns the summary of both.
Summarizer = Callable[[str, list[HistoryMessage]], Awaitable[str | Chunk]]
#: Short names of the summarizers that come with BotFlow.
BUILT_IN = {"openai_compatible": "conversations.agents.openai_compatible.summarizer.sum_up"}


def get_summarizer() -> Summarizer:
    """Return what BOTFLOW_SUMMARIZER names; raise ImproperlyConfigured when it is none."""
    return find_summarizer(settings.BOTFLOW_SUMMARIZER)


@cache
def find_summarizer(name: str) -> Summarizer:
    path = BUILT_IN.get(name, name)
    try:
        found: Summarizer = import_string(path)
    except ImportError as error:
        problem = f"BOTFLOW_SUMMARIZER: {path!r} cannot be imported: {error}."
        raise ImproperlyConfigured(problem) from error
    if not inspect.iscoroutinefunction(found):
        raise ImproperlyConfigured(f"BOTFLOW_SUMMARIZER: {path!r} is no async function.")
    return found


# -- when ------------------------------------------------------------------------------------------


def submit_summaries(conversations: Iterable[Conversation], *, now: datetime) -> None:
    """Queue a summary for each conversation whose window no longer holds what none has summed up.

    Joins the caller's transaction; up to three queries each, and none without a summarizer.
    """
    if not settings.BOTFLOW_SUMMARIZER:
        return
    unique = {conversation.pk: conversation for conversation in conversations}
    due = [pk for pk, one in unique.items() if _is_outgrown(one) and not _is_seen_to(pk, now=now)]
    args = [({"conversation": pk}, key_of(pk)) for pk in due]
    if args:
        submit_many(prepare(SUMMARIZE, a, key=key, max_attempts=ATTEMPTS) for a, key in args)


def key_of(pk: int) -> str:
    """Return the key of a conversation's summaries: they wait for no answer, but for each other."""
    return f"summary:{pk}"


def _is_outgrown(conversation: Conversation) -> bool:
    summary = summary_of(conversation)
    most = settings.BOTFLOW_HISTORY_MESSAGES
    path = path_of(conversation)
    turns, is_more = latest_turns(conversation, most=most, after=summary.until, path=path)
    return is_more or count_fitting(turns, summary) < len(turns)


def _is_seen_to(pk: int, *, now: datetime) -> bool:
    """Tell whether a summary is under way, or was given up a short while ago."""
    if Run.objects.unfinished().filter(key=key_of(pk)).exists():
        return True
    failed = Run.objects.filter(state=RunState.FAILED, finished_at__gt=now - REST)
    return failed.filter(key=key_of(pk)).exists()


# -- how -------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Work:
    """What is to be summed up now, the oldest first, and up to which change that is."""

    before: Summary
    messages: list[HistoryMessage]
    until: int
    thread: int


@dataclass(frozen=True, slots=True)
class _Outcome:
    claim: Claim
    conversation_id: int
    summary: Summary
    said: Chunk
    thread: int


async def summarize(run: Run, conversation: int) -> dict[str, int] | None:
    """Sum up all but the latest half of a window; None when nothing has left the window.

    Stored after each call: the next attempt goes on from there. Raises ActionError.
    """
    count = 0
    for _ in range(MOST_CALLS):
        work = await group_commit().read(_load, conversation)
        if work is None:
            break
        said = await _ask(work)
        summary = Summary(_shortened(said.text), work.until, work.before.since)
        claim = Claim(run.pk, run.attempt)
        outcome = _Outcome(claim, conversation, summary, said, work.thread)
        try:
            await group_commit()(_store, outcome)
        except LostLease:
            return None
        count += len(work.messages)
    return {"messages": count} if count else None


def _load(pk: int) -> _Work | None:
    conversation = Conversation.objects.filter(pk=pk).first()
    if conversation is None:
        return None
    before = summary_of(conversation)
    most = settings.BOTFLOW_HISTORY_MESSAGES + REACH
    path = path_of(conversation)
    turns, _ = latest_turns(conversation, most=most, after=before.until, path=path)
    if count_fitting(turns, before) == len(turns):
        return None
    messages: list[HistoryMessage] = []
    until, tokens = before.until, 0
    # More than has left: else every turn from now on would have something to be summed up, and
    # what left in the meantime would be in neither.
    for turn in reversed(turns[count_fitting(turns, before, share=2) :]):
        said = [_clipped(as_message(one)) for one in sorted(turn)]
        tokens += estimate_messages(said)
        if messages and tokens > MOST_TOKENS:
            break
        messages += said
        until = max(until, *(one.seq for one in turn))
    return _Work(before, messages, until, thread_of(conversation))


def _clipped(message: HistoryMessage) -> HistoryMessage:
    content = message.content
    if len(content) > LONGEST_MESSAGE:
        end = LONGEST_MESSAGE // 4
        content = f"{content[: LONGEST_MESSAGE - end]} […] {content[-end:]}"
    return HistoryMessage(message.role, content, message.attachments)


async def _ask(work: _Work) -> Chunk:
    """Return what the summarizer says, or raise ActionError with a sentence for the owner."""
    summarizer = get_summarizer()
    try:
        said: Any = await summarizer(work.before.text, work.messages)
    except AgentError as error:
        raise ActionError(
            error.reason, permanent=error.permanent, retry_after=error.retry_after
        ) from None
    except (Exception, SystemExit) as error:  # noqa: BLE001
        # Boundary: a summarizer may raise anything; its text may be what somebody said.
        logger.error("The summarizer failed: %s %s.", type(error).__name__, place_of(error))
        raise ActionError(f"The summarizer failed: {type(error).__name__}.") from None
    chunk = Chunk(said) if isinstance(said, str) else said
    if not isinstance(chunk, Chunk):
        problem = f"The summarizer returned {type(said).__name__} where text was expected."
        raise ActionError(problem, permanent=True)
    if not chunk.text.strip():
        raise ActionError("The summarizer returned nothing.")
    return chunk


def _shortened(text: str) -> str:
    text = clean(text).strip()
    return text if len(text) <= LONGEST_SUMMARY else f"{text[: LONGEST_SUMMARY - 1]}…"


def _store(outcomes: list[_Outcome]) -> list[Any]:
    """Remember summaries and charge what they used; joins the transaction.

    LostLease for one whose attempt is over. One of a conversation that was begun anew or erased,
    or of which something was changed or deleted meanwhile, is dropped.
    """
    owned = still_owned([outcome.claim for outcome in outcomes])
    mine = [outcome for outcome in outcomes if outcome.claim in owned]
    Conversation.objects.hold({outcome.conversation_id for outcome in mine})
    for outcome in mine:
        conversation = Conversation.objects.filter(pk=outcome.conversation_id).first()
        if conversation and _still_holds(outcome, conversation):
            Conversation.objects.remember(conversation.pk, summary=asdict(outcome.summary))
    budgets.charge([_charge(outcome) for outcome in mine if _has_tokens(outcome.said)])
    return [None if outcome.claim in owned else LostLease() for outcome in outcomes]


def _still_holds(outcome: _Outcome, conversation: Conversation) -> bool:
    is_since = summary_of(conversation).since == outcome.summary.since
    return is_since and thread_of(conversation) == outcome.thread


def _has_tokens(said: Chunk) -> bool:
    return bool(said.input_tokens or said.output_tokens)


def _charge(outcome: _Outcome) -> budgets.Charge:
    said = outcome.said
    return budgets.Charge(
        conversation_id=outcome.conversation_id,
        turns=0,
        input_tokens=said.input_tokens or 0,
        output_tokens=said.output_tokens or 0,
        at=timezone.now(),
    )
