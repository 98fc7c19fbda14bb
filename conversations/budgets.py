"""Budgets: what may be asked of the agent in a minute and a day, and what was used of it."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from conversations.agents import AgentError, Turn, get_agent
from conversations.agents.tokens import estimate, estimate_messages
from conversations.commands.command_texts import moment_text
from conversations.models import Conversation, Message, Usage
from scheduling import clock
from scheduling.group_commit import group_commit

logger = logging.getLogger(__name__)

MINUTE = timedelta(minutes=1)
#: Seconds for which a process goes by the site's sum that it read.
SUM_EVERY = 1.0


class BudgetExceeded(AgentError):
    """The agent is not asked; the message says until when, politely."""


# -- charging --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Charge:
    """What one attempt at a turn used; `turns` is 0 for work that answers nobody."""

    conversation_id: int
    turns: int
    input_tokens: int
    output_tokens: int
    at: datetime


def charge(charges: list[Charge]) -> list[None]:
    """Add charges to the usage of their day; one query, and none for no charges.

    Joins the caller's transaction, as the last of its locks: rows are taken in one order.
    """
    if not charges:
        return []
    sums: dict[tuple[date, int], list[int]] = {}
    for each in charges:
        total = sums.setdefault((day_of(each.at), each.conversation_id), [0, 0, 0])
        for place, used in enumerate((each.turns, each.input_tokens, each.output_tokens)):
            total[place] += max(used, 0)
    rows = sorted(sums.items())
    values: list[Any] = [value for key, total in rows for value in (*key, *total)]
    marks = ", ".join(["(%s, %s, %s, %s, %s)"] * len(rows))
    with connection.cursor() as cursor:
        cursor.execute(
            f"""INSERT INTO conversations_usage
            (day, conversation_id, turns, input_tokens, output_tokens) VALUES {marks}
            ON CONFLICT (day, conversation_id) DO UPDATE SET
            turns = conversations_usage.turns + EXCLUDED.turns,
            input_tokens = conversations_usage.input_tokens + EXCLUDED.input_tokens,
            output_tokens = conversations_usage.output_tokens + EXCLUDED.output_tokens""",  # noqa: S608
            values,
        )
    for (day, _pk), (_turns, read, written) in rows:
        transaction.on_commit(partial(_add_to_sum, day, read + written))
    return [None] * len(charges)


@dataclass(frozen=True, slots=True)
class Used:
    """What an attempt said and what its agent reported; None for a number it did not report."""

    said: str
    input_tokens: int | None = None
    output_tokens: int | None = None
    #: It was stopped on its way: what it reported may be of the calls before the last.
    is_cut: bool = False
    #: The agent gave up by itself.
    failed: bool = False


def charge_of(turn: Turn, used: Used, *, at: datetime) -> Charge | None:
    """Return what an attempt that asked the agent is charged; None for what costs no tokens.

    What the agent reported, exactly. Of a metered one an estimate takes the place of what it did
    not report, and is the least for a turn that was cut short. One that failed before its first
    word was refused, as a rule, and is charged what it reported.
    """
    read, written = used.input_tokens, used.output_tokens
    if not getattr(get_agent(), "is_metered", False):
        if not (read or written):
            return None
    elif used.said or not used.failed:
        if read is None or used.is_cut:
            read = max(read or 0, estimate_messages(turn.history) + estimate(turn.text))
        if written is None or used.is_cut:
            written = max(written or 0, estimate(used.said))
    return Charge(turn.conversation.pk, 1, read or 0, written or 0, at)


async def try_to_charge(charge_made: Charge | None) -> None:
    """Charge what an attempt used that stores no reply; it ends as it does either way."""
    if charge_made is None:
        return
    try:
        await group_commit()(charge, charge_made)
    except Exception:  # Boundary: the attempt's own end matters more than its cost.
        logger.exception("What a turn used could not be charged.")


# -- what was used ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Tokens:
    """Tokens that went in and came out."""

    input: int
    output: int

    @property
    def total(self) -> int:
        return self.input + self.output


def day_of(moment: datetime) -> date:
    """Return the day that a moment is charged to: the site's, whoever asks."""
    return timezone.localtime(moment, timezone.get_default_timezone()).date()


def end_of_day(moment: datetime) -> datetime:
    """Return when the next day begins for budgets."""
    # Where clocks skip midnight this is the first moment after it.
    midnight = datetime.combine(day_of(moment) + timedelta(days=1), datetime.min.time())
    return midnight.replace(tzinfo=timezone.get_default_timezone())


def tokens_today(*, now: datetime, conversation: int | None = None) -> Tokens:
    """Return what the site used today, or one conversation; one query."""
    rows = Usage.objects.filter(day=day_of(now))
    if conversation is not None:
        rows = rows.filter(conversation_id=conversation)
    used = rows.aggregate(read=Sum("input_tokens"), written=Sum("output_tokens"))
    return Tokens(used["read"] or 0, used["written"] or 0)


@dataclass(slots=True)
class _Sum:
    day: date
    tokens: int
    taken_at: float


#: The site's tokens of a day, as this process read them last; what it charged since is added.
_sum: _Sum | None = None


def forget_sum() -> None:
    """Have the site's sum read anew."""
    global _sum
    _sum = None


def _known_sum(day: date) -> _Sum | None:
    is_fresh = _sum and _sum.day == day and time.monotonic() - _sum.taken_at < SUM_EVERY
    return _sum if is_fresh else None


def _add_to_sum(day: date, tokens: int) -> None:
    if _sum and _sum.day == day:
        _sum.tokens += tokens


def _site_tokens(now: datetime) -> int:
    """Return the site's tokens of today; at most one query a second."""
    global _sum
    day = day_of(now)
    known = _known_sum(day)
    if known is None:
        taken_at = time.monotonic()
        known = _sum = _Sum(day, tokens_today(now=now).total, taken_at)
    return known.tokens


# -- checking --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Asked:
    """A message that an agent is to answer, and when that was asked for: a retry asks anew."""

    message: Message
    at: datetime


def may_refuse(*, now: datetime) -> bool:
    """Tell whether a check could refuse anything; no query, for the event loop."""
    if settings.BOTFLOW_CONVERSATION_TURNS_PER_MINUTE or settings.BOTFLOW_SITE_TURNS_PER_MINUTE:
        return True
    if settings.BOTFLOW_CONVERSATION_TOKENS_PER_DAY or settings.BOTFLOW_SITE_TOKENS_PER_DAY:
        known = _known_sum(day_of(now))
        return known is None or known.tokens > 0
    return False


def check(asked: list[Asked]) -> list[BudgetExceeded | None]:
    """Return for each message why it is refused, in its conversation's language, or None.

    The same for every attempt, but for tokens that were used meanwhile. One query for the tokens
    of all, and one for each limit of turns and message.
    """
    now = clock.now()
    used = _used_today({each.message.conversation_id for each in asked}, now=now)
    return [_check(each, used, now=now) for each in asked]


def _check(asked: Asked, used: dict[int, int], *, now: datetime) -> BudgetExceeded | None:
    conversation = asked.message.conversation
    limit = settings.BOTFLOW_SITE_TOKENS_PER_DAY
    with translation.override(conversation.locale):
        if limit and (tokens := _site_tokens(now)) >= limit:
            return _site_is_used_up(conversation, tokens, limit, now=now)
        limit = settings.BOTFLOW_CONVERSATION_TOKENS_PER_DAY
        if limit and (tokens := used.get(conversation.pk, 0)) >= limit:
            return _conversation_is_used_up(conversation, tokens, limit, now=now)
        return _check_turns(asked)


def _used_today(conversations: Iterable[int], *, now: datetime) -> dict[int, int]:
    """Return the tokens of conversations that a limit is set to; no query on a day without any."""
    if not (settings.BOTFLOW_CONVERSATION_TOKENS_PER_DAY and _site_tokens(now)):
        return {}
    rows = Usage.objects.filter(day=day_of(now), conversation_id__in=conversations)
    total = F("input_tokens") + F("output_tokens")
    return dict(rows.values_list("conversation_id", total))


def _site_is_used_up(
    conversation: Conversation, tokens: int, limit: int, *, now: datetime
) -> BudgetExceeded:
    moment = moment_text(end_of_day(now), timezone=conversation.timezone)
    return BudgetExceeded(
        _("The assistant has reached its limit for today. It can go on from %(moment)s.")
        % {"moment": moment},
        reason=f"The site used {tokens} tokens today: BOTFLOW_SITE_TOKENS_PER_DAY is {limit}.",
    )


def _conversation_is_used_up(
    conversation: Conversation, tokens: int, limit: int, *, now: datetime
) -> BudgetExceeded:
    moment = moment_text(end_of_day(now), timezone=conversation.timezone)
    return BudgetExceeded(
        _("This conversation has reached its limit for today. It can go on from %(moment)s.")
        % {"moment": moment},
        reason=f"The conversation used {tokens} tokens today:"
        f" BOTFLOW_CONVERSATION_TOKENS_PER_DAY is {limit}.",
    )


def _check_turns(asked: Asked) -> BudgetExceeded | None:
    limit = settings.BOTFLOW_CONVERSATION_TURNS_PER_MINUTE
    if limit and _is_reached(limit, _turns_of_one(asked), asked):
        return BudgetExceeded(
            _("You are asking faster than the assistant may answer. Please try again in a minute."),
            reason=f"More than {limit} turns of a conversation within a minute:"
            f" BOTFLOW_CONVERSATION_TURNS_PER_MINUTE is {limit}.",
        )
    limit = settings.BOTFLOW_SITE_TURNS_PER_MINUTE
    if limit and _is_reached(limit, _turns(), asked):
        return BudgetExceeded(
            _("The assistant is asked too much at the moment. Please try again in a minute."),
            reason=f"More than {limit} turns of the site within a minute:"
            f" BOTFLOW_SITE_TURNS_PER_MINUTE is {limit}.",
        )
    return None


def _turns() -> QuerySet[Message]:
    """Return what the agent answers or answered; no commands and no part of a later turn."""
    asked = Message.objects.asked().exclude(state=Message.State.FAILED).filter(merged_into=None)
    # A reply that no agent made took no time: a command's, or the channel's own.
    return asked.exclude(Q(reply__isnull=False, reply__state=Message.State.DONE) & _NO_AGENT)


_NO_AGENT = Q(reply__process_time_ms__isnull=True)


def _turns_of_one(asked: Asked) -> QuerySet[Message]:
    return _turns().filter(conversation=asked.message.conversation_id)


def _is_reached(limit: int, turns: QuerySet[Message], asked: Asked) -> bool:
    """Tell whether so many turns came within the minute before this one.

    Only what was said before it counts: whichever attempt asks, and whenever, finds no more.
    """
    earlier = turns.filter(pk__lt=asked.message.pk, created_at__gt=asked.at - MINUTE)
    return earlier.order_by("-pk")[limit - 1 : limit].exists()
