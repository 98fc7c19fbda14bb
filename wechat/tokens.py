"""The access token: fetched once for all processes, and not fetched in vain again and again."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from scheduling import clock
from scheduling.group_commit import group_commit
from wechat.account import has_credentials
from wechat.errors import ApiError, Reaction, WeChatError
from wechat.models import Account
from wechat.sealing import seal, unseal

if TYPE_CHECKING:
    from wechat.client import WeChatClient

logger = logging.getLogger(__name__)

# A token is renewed this long before it ends; WeChat renews its stable token as early.
MARGIN = timedelta(seconds=300)
# One that is said to live for less is kept for a minute all the same: it is not fetched each time.
SHORTEST_LIFE = MARGIN + timedelta(seconds=60)
# While another process renews it, or cannot, the old one is used until this short before its end.
LAST_MOMENT = timedelta(seconds=10)
# How long a fetcher is waited for, twice what its two calls may take: who was killed is replaced.
LEASE = timedelta(seconds=25)
# Seconds for which a caller waits for another's fetch, and between two looks.
PATIENCE = LEASE.total_seconds() + 10
LOOK_EVERY = 0.1
# The circuit breaker: minutes until the next try after the first, second, … failure in a row.
# WeChat's legacy endpoint gives out 2000 tokens a day, and the stable one can be forced 20 times.
PAUSES = (1, 5, 15, 30, 60)

_SEEN_ADDRESS = re.compile(r"invalid ip ([0-9A-Fa-f:.]+)")


class TokenUnavailable(WeChatError):
    """There is no access token now; `retry_at` is when it will be asked for again, if known."""

    def __init__(self, message: str, retry_at: datetime | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.retry_at = retry_at


@dataclass(frozen=True, slots=True)
class _Wish:
    app_id: str
    failed: str
    now: datetime | None

    def moment(self) -> datetime:
        return self.now or clock.now()


@dataclass(frozen=True, slots=True)
class _Found:
    """What the row offers: a token, a reason to go without, a free turn to fetch, or waiting."""

    token: str = ""
    problem: TokenUnavailable | None = None
    is_free: bool = False


@dataclass(frozen=True, slots=True)
class _Turn:
    """The right to fetch, and since when; lost once `lease` is over and another has taken it."""

    wish: _Wish
    lease: datetime
    began: datetime


@dataclass(frozen=True, slots=True)
class _Outcome:
    turn: _Turn
    token: str = ""
    life: timedelta = timedelta()
    error: str = ""
    is_lasting: bool = False


@dataclass(frozen=True, slots=True)
class _Distrust:
    wish: _Wish
    error: str


async def token(client: WeChatClient, *, failed: str = "", now: datetime | None = None) -> str:
    """Return an access token that is valid for all that is known.

    `failed` is one that WeChat refused: only if the row still holds it is it renewed, so that many
    callers with one stale token cost one fetch. Of all callers in all processes one fetches, the
    others wait for the row. Raises TokenUnavailable; while the circuit breaker is open at once,
    without asking WeChat.
    """
    if not has_credentials():
        raise TokenUnavailable(_("WECHAT_APP_ID and WECHAT_APP_SECRET are not both set."))
    wish = _Wish(settings.WECHAT_APP_ID, failed, now)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        found = await group_commit().look(_look, wish)
        if found.token:
            return found.token
        if found.problem:
            raise found.problem
        turn = await group_commit()(_claim, wish) if found.is_free else None
        if turn:
            await _fetch_apart(client, turn)
        else:
            await asyncio.sleep(LOOK_EVERY)
    raise TokenUnavailable(_("Another process is still waiting for WeChat's access token."))


async def distrust(refused: str, error: ApiError, *, now: datetime | None = None) -> None:
    """Open the breaker for its longest: WeChat refuses a token that it has only just given out."""
    wish = _Wish(settings.WECHAT_APP_ID, refused, now)
    sentence = _("WeChat refuses the access token it has just given out. %(error)s")
    await group_commit()(_record_distrust, _Distrust(wish, sentence % {"error": error}))


def reset_breaker() -> None:
    """Let the next caller ask WeChat again at once; one query, in a thread of the database."""
    Account.objects.filter(app_id=settings.WECHAT_APP_ID).update(
        failures=0, retry_at=None, token_error=""
    )


# -- the row: each function is one step in the group commit's thread -------------------------------


def _look(wishes: list[_Wish]) -> list[_Found]:
    names = {wish.app_id for wish in wishes}
    rows = {row.app_id: row for row in Account.objects.filter(app_id__in=names)}
    return [_offer(rows.get(wish.app_id), wish, wish.moment()) for wish in wishes]


def _offer(row: Account | None, wish: _Wish, now: datetime) -> _Found:
    if row is None:
        return _Found(is_free=True)
    life, found = timedelta(), unseal(row.access_token)
    if found and found != wish.failed and row.token_expires_at:
        life = row.token_expires_at - now
    is_fetching = row.fetching_until is not None and row.fetching_until > now
    is_broken = row.retry_at is not None and row.retry_at > now
    if life > (LAST_MOMENT if is_fetching or is_broken else MARGIN):
        return _Found(token=found)
    if is_broken:
        return _Found(problem=TokenUnavailable(row.token_error, row.retry_at))
    return _Found(is_free=not is_fetching)


def _claim(wishes: list[_Wish]) -> list[_Turn | None]:
    return [_claim_one(wish) for wish in wishes]


def _claim_one(wish: _Wish) -> _Turn | None:
    row, _created = Account.objects.get_or_create(app_id=wish.app_id)
    now = wish.moment()
    lease = now + LEASE
    # Of all who saw that nobody fetches one gets the turn; the others find the row changed, and
    # look again. So does who saw it before a fetch that has ended meanwhile, well or not.
    mine = _free(now).filter(
        pk=row.pk,
        access_token=row.access_token,
        token_expires_at=row.token_expires_at,
    )
    if not _offer(row, wish, now).is_free or not mine.update(fetching_until=lease):
        return None
    return _Turn(wish, lease, now)


def _free(now: datetime) -> QuerySet[Account]:
    return Account.objects.filter(
        Q(fetching_until=None) | Q(fetching_until__lte=now), Q(retry_at=None) | Q(retry_at__lte=now)
    )


def _record(outcomes: list[_Outcome]) -> list[None]:
    for outcome in outcomes:
        turn = outcome.turn
        # Who was so slow that another took over says nothing any more.
        row = Account.objects.filter(app_id=turn.wish.app_id, fetching_until=turn.lease)
        account = row.first()
        if account is None:
            continue
        if outcome.token:
            row.update(
                access_token=seal(outcome.token),
                token_expires_at=turn.began + max(outcome.life, SHORTEST_LIFE),
                **_closed(),
            )
        else:
            failures = account.failures + 1
            row.update(**_opened(failures, turn.wish.moment(), outcome.error, outcome.is_lasting))
    return [None] * len(outcomes)


def _record_distrust(items: list[_Distrust]) -> list[None]:
    for item in items:
        row = Account.objects.filter(app_id=item.wish.app_id).first()
        # One that was renewed meanwhile is another token, and has not been refused.
        if row and unseal(row.access_token) == item.wish.failed:
            Account.objects.filter(pk=row.pk, access_token=row.access_token).update(
                access_token="",
                token_expires_at=None,
                **_opened(len(PAUSES), item.wish.moment(), item.error, is_lasting=True),
            )
    return [None] * len(items)


def _closed() -> dict[str, object]:
    return {"fetching_until": None, "failures": 0, "retry_at": None, "token_error": ""}


def _opened(failures: int, now: datetime, error: str, is_lasting: bool) -> dict[str, object]:
    pause = PAUSES[-1] if is_lasting else PAUSES[min(failures, len(PAUSES)) - 1]
    return {
        "fetching_until": None,
        "failures": failures,
        "retry_at": now + timedelta(minutes=pause),
        "token_error": error[:500],
    }


# -- the call --------------------------------------------------------------------------------------

_fetching: set[asyncio.Task[None]] = set()


async def _fetch_apart(client: WeChatClient, turn: _Turn) -> None:
    """Fetch in a task of its own: others wait for it, so a cancelled caller must not end it."""
    task = asyncio.create_task(_fetch(client, turn))
    _fetching.add(task)
    task.add_done_callback(_fetching.discard)
    await asyncio.shield(task)


async def _fetch(client: WeChatClient, turn: _Turn) -> None:
    try:
        outcome = await _ask(client, turn)
    except WeChatError as error:
        is_lasting, sentence = _explain(error)
        outcome = _Outcome(turn, error=sentence, is_lasting=is_lasting)
    if outcome.error:
        logger.warning("There is no access token for WeChat: %s", outcome.error)
    await group_commit()(_record, outcome)


async def _ask(client: WeChatClient, turn: _Turn) -> _Outcome:
    """Ask for the token in force, which another site may have renewed; force one if need be."""
    found, seconds = await client.fetch_token()
    if found == turn.wish.failed:
        found, seconds = await client.fetch_token(force=True)
    if found == turn.wish.failed:
        error = _("WeChat gives out the access token again that it refuses.")
        return _Outcome(turn, error=error, is_lasting=True)
    return _Outcome(turn, found, timedelta(seconds=seconds))


def _explain(error: WeChatError) -> tuple[bool, str]:
    """Return whether only the owner can mend it, and a sentence for them."""
    if not isinstance(error, ApiError):
        return False, str(error)
    advice = _advice(error)
    # 40001 from this endpoint is the secret, not a token.
    is_lasting = error.reaction in (Reaction.CONFIGURATION, Reaction.TOKEN, Reaction.BLOCKED)
    return is_lasting, f"{advice} {error}" if advice else str(error)


def _advice(error: ApiError) -> str:
    match error.code:
        case 40013 | 41002:
            return _("WeChat does not know this app id: check WECHAT_APP_ID.")
        case 40001 | 40125 | 41004:
            return _("WeChat refuses the app secret: copy it into WECHAT_APP_SECRET again.")
        case 40243:
            return _("The app secret is frozen: unfreeze it in WeChat's console.")
        case 40164:
            return _address_advice(error.message)
        case 89501 | 89503 | 89506 | 89507:
            return _("The account's administrator must confirm this server's address in WeChat.")
    return ""


def _address_advice(message: str) -> str:
    found = _SEEN_ADDRESS.search(message)
    if found and _is_address(found[1]):
        sentence = _("Add %(ip)s, this server's address, to the IP whitelist in WeChat's console.")
        return sentence % {"ip": found[1]}
    return _("Add this server's address to the IP whitelist in WeChat's console.")


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True
