"""What is known of the official account as a whole: whether it may send, and until when not."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakKeyDictionary

from django.conf import settings

from scheduling.group_commit import group_commit
from wechat.models import Account

# Seconds for which an event loop goes by what it read.
FRESH_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Seen:
    account: Account
    at: float


@dataclass(frozen=True, slots=True)
class _Change:
    app_id: str
    values: tuple[tuple[str, object], ...]


_seen: WeakKeyDictionary[asyncio.AbstractEventLoop, _Seen] = WeakKeyDictionary()


def load_account() -> Account:
    """Return the row of WECHAT_APP_ID, an unsaved one while there is none, with one query."""
    app_id = settings.WECHAT_APP_ID
    return Account.objects.filter(app_id=app_id).first() or Account(app_id=app_id)


async def read_account() -> Account:
    """Return the account as it was within the last second."""
    loop = asyncio.get_running_loop()
    seen = _seen.get(loop)
    is_fresh = seen is not None and time.monotonic() - seen.at < FRESH_SECONDS
    if seen is None or not is_fresh or seen.account.app_id != settings.WECHAT_APP_ID:
        asked_at = time.monotonic()
        seen = _Seen(await group_commit().look(_read, None), asked_at)
        _seen[loop] = seen
    return seen.account


def _read(items: list[None]) -> list[Account]:
    return [load_account()] * len(items)


def _fixed() -> bool | None:
    """Return whether the settings say that messages may be sent; None: it has to be found out."""
    if settings.WECHAT_REPLY == "passive" or not has_credentials():
        return False
    return True if settings.WECHAT_REPLY == "customer_service" else None


def has_credentials() -> bool:
    """Return whether an access token can be asked for at all."""
    return bool(settings.WECHAT_APP_ID and settings.WECHAT_APP_SECRET)


async def can_send() -> bool | None:
    """Return whether customer-service messages may be sent; None while WeChat was not asked."""
    fixed = _fixed()
    return (await read_account()).can_send if fixed is None else fixed


def can_send_now() -> bool | None:
    """Return the same as `can_send`, in a thread that may use the database; one query."""
    fixed = _fixed()
    return load_account().can_send if fixed is None else fixed


async def learn(can_send: bool | None, detail: str = "") -> None:
    """Remember for all processes whether customer-service messages may be sent, and who says so.

    Writes only what is new. None forgets it, so that WeChat is asked again.
    """
    known = await read_account()
    if known.pk and (known.can_send, known.can_send_detail) == (can_send, detail[:500]):
        return
    await _change(can_send=can_send, can_send_detail=detail[:500])


async def stop_sending(until: datetime | None, detail: str = "") -> None:
    """Have nothing sent by any process before `until`; None ends that."""
    await _change(stopped_until=until, stopped_detail=detail[:500])


async def _change(**values: object) -> None:
    await group_commit()(_write, _Change(settings.WECHAT_APP_ID, tuple(values.items())))
    _seen.pop(asyncio.get_running_loop(), None)


def _write(changes: list[_Change]) -> list[None]:
    for change in changes:
        Account.objects.update_or_create(app_id=change.app_id, defaults=dict(change.values))
    return [None] * len(changes)
