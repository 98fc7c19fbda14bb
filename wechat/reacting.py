"""Reacting: what a failed call means for the message, its follower and the account."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

from conversations.channels import DeliveryError, DeliveryHeld
from scheduling.group_commit import group_commit
from wechat import claiming
from wechat.account import learn, read_account, stop_sending
from wechat.errors import ApiError, Reaction, WeChatError
from wechat.tokens import TokenUnavailable

logger = logging.getLogger(__name__)

#: Attempts of one delivery. After each that did not reach WeChat it waits longer, half an hour in
#: all, and is kept for the follower's next message after the last. Not longer at a time: the later
#: deliveries to the same follower wait behind it.
MAX_ATTEMPTS = 12
_PAUSES = [timedelta(seconds=seconds) for seconds in (5, 15, 30, 60, 120, 300)]
# WeChat says "busy" to a message at most so often.
MOST_BUSY = 4
# Until the owner has mended what is wrong.
_MENDING = timedelta(hours=1)
_BLOCKED = timedelta(days=1)
# Where WeChat's days begin.
_SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that failed for a message to `openid`, which `began` at that moment."""

    error: WeChatError
    openid: str
    conversation: int
    began: datetime


async def react(failure: Failure) -> DeliveryError | DeliveryHeld:
    """Note what the failure tells of the follower and the account; return what the message ends in.

    Nothing is sent here. A closed window is noted too, and ends in DeliveryHeld.
    """
    error = failure.error
    if isinstance(error, TokenUnavailable):
        return await _without_token(failure, error)
    if isinstance(error, ApiError):
        react_to = _BY_REACTION.get(error.reaction, _give_up)
        return await react_to(failure, error)
    return await _later(failure)


async def check_stopped() -> None:
    """Raise DeliveryError if nothing may be sent for now, to be tried again after that."""
    account = await read_account()
    if account.stopped_until and timezone.now() < account.stopped_until:
        raise _not_before(account.stopped_until, account.stopped_detail)


def _not_before(until: datetime, detail: str) -> DeliveryError:
    pause = max(until - timezone.now(), timedelta(seconds=1))
    return DeliveryError(detail, permanent=False, retry_after=pause)


async def _stop(until: datetime, error: WeChatError) -> DeliveryError:
    await stop_sending(until, str(error))
    logger.error("Nothing is sent to WeChat before %s. %s", until.isoformat(), error)
    return _not_before(until, str(error))


async def _later(failure: Failure) -> DeliveryError:
    attempt = await group_commit().read(claiming.attempt_of, failure.conversation)
    pause = _PAUSES[min(attempt, len(_PAUSES)) - 1]
    return DeliveryError(str(failure.error), permanent=False, retry_after=pause)


async def _without_token(failure: Failure, error: TokenUnavailable) -> DeliveryError:
    """Try again when the token is asked for again, a little later: others need it too."""
    later = await _later(failure)
    if error.retry_at:
        return _not_before(error.retry_at + timedelta(seconds=5), str(error))
    return later


async def _busy(failure: Failure, error: ApiError) -> DeliveryError | DeliveryHeld:
    attempt = await group_commit().read(claiming.attempt_of, failure.conversation)
    if attempt < MOST_BUSY:
        return await _later(failure)
    logger.error("WeChat went on being busy: a message is kept until its follower writes.")
    return DeliveryHeld(str(error))


async def _refused_token(failure: Failure, error: ApiError) -> DeliveryError:
    # The client has opened the breaker of the token, which nobody passes before.
    logger.error("A message is not sent: WeChat refuses the access token. %s", error)
    return DeliveryError(str(error), permanent=False, retry_after=_MENDING)


async def _misconfigured(failure: Failure, error: ApiError) -> DeliveryError:
    return await _stop(failure.began + _MENDING, error)


async def _blocked(failure: Failure, error: ApiError) -> DeliveryError:
    return await _stop(failure.began + _BLOCKED, error)


async def _over_day(failure: Failure, error: ApiError) -> DeliveryError:
    return await _stop(next_midnight(failure.began), error)


async def _over_minute(failure: Failure, error: ApiError) -> DeliveryError:
    minute = failure.began.replace(second=0, microsecond=0)
    until = minute + timedelta(minutes=1)
    await stop_sending(until, str(error))
    return _not_before(until, str(error))


def next_midnight(now: datetime) -> datetime:
    """Return when WeChat counts its quotas of the day anew."""
    tomorrow = now.astimezone(_SHANGHAI).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), _SHANGHAI)


async def _not_allowed(failure: Failure, error: ApiError) -> DeliveryHeld:
    await learn(False, str(error))
    logger.warning("The account can only reply. %s", error)
    return DeliveryHeld(_("This account can only reply."))


async def _closed(failure: Failure, error: ApiError) -> DeliveryHeld:
    await group_commit()(claiming.close, claiming.Closing(failure.openid, failure.began))
    return DeliveryHeld(str(error))


async def _refused(failure: Failure, error: ApiError) -> DeliveryError:
    await group_commit()(claiming.refuse, claiming.Refusal(failure.openid, str(error)))
    return DeliveryError(str(error), permanent=True)


async def _declined(failure: Failure, error: ApiError) -> DeliveryHeld:
    return DeliveryHeld(str(error))


async def _too_long(failure: Failure, error: ApiError) -> DeliveryHeld:
    logger.error("WeChat takes no message of half the usual length either. %s", error)
    return DeliveryHeld(str(error))


async def _give_up(failure: Failure, error: ApiError) -> DeliveryHeld:
    # What cannot be sent can still be a reply.
    logger.error("A message is kept until its follower writes: sending it fails. %s", error)
    return DeliveryHeld(str(error))


_BY_REACTION: dict[
    Reaction, Callable[[Failure, ApiError], Awaitable[DeliveryError | DeliveryHeld]]
] = {
    Reaction.RETRY: _busy,
    Reaction.TOKEN: _refused_token,
    Reaction.CONFIGURATION: _misconfigured,
    Reaction.WINDOW_CLOSED: _closed,
    Reaction.QUOTA_USED: _closed,
    Reaction.TOO_LONG: _too_long,
    Reaction.DAY_LIMIT: _over_day,
    Reaction.MINUTE_LIMIT: _over_minute,
    Reaction.NOT_ALLOWED: _not_allowed,
    Reaction.REFUSED: _refused,
    Reaction.BLOCKED: _blocked,
    Reaction.DECLINED: _declined,
}
