"""Access tokens as WeChat hands them out: two kinds, each with one that is valid."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from wechat.simulator.secrecy import letters

LASTS = timedelta(seconds=7200)
# For so long the token before is still taken after a new one was fetched.
GRACE = timedelta(minutes=5)
INVALID, EXPIRED, MISSING = 40001, 42001, 41001


@dataclass(slots=True)
class _Token:
    text: str
    expires_at: datetime
    is_expired: bool = False


class Tokens:
    """Those of /token, each of which ends the one before, and of /stable_token, which stays."""

    def __init__(self) -> None:
        self._plain: list[_Token] = []
        self._stable: list[_Token] = []

    def plain(self, now: datetime) -> tuple[str, int]:
        """Return a new token and the seconds it lasts."""
        return self._next(self._plain, now)

    def stable(self, now: datetime, *, is_forced: bool) -> tuple[str, int]:
        """Return the valid token and the seconds it still lasts, a new one if it is due."""
        if self._stable and not is_forced:
            token = self._stable[-1]
            if not token.is_expired and token.expires_at - now > GRACE:
                return token.text, int((token.expires_at - now).total_seconds())
        return self._next(self._stable, now)

    @staticmethod
    def _next(kept: list[_Token], now: datetime) -> tuple[str, int]:
        for token in kept:
            token.expires_at = min(token.expires_at, now + GRACE)
        kept.append(_Token(f"88_{letters(160)}", now + LASTS))
        return kept[-1].text, int(LASTS.total_seconds())

    def refusal(self, text: str, now: datetime) -> int:
        """Return the error code for a token, 0 if it is valid."""
        if not text:
            return MISSING
        for token in (*self._plain, *self._stable):
            if token.text == text:
                return EXPIRED if token.is_expired or token.expires_at <= now else 0
        return INVALID

    def expire(self) -> None:
        """Have every token expire now: calls are refused with 42001."""
        for token in (*self._plain, *self._stable):
            token.is_expired = True

    def revoke(self) -> None:
        """Forget every token, as when somebody else fetched one: refused with 40001."""
        self._plain.clear()
        self._stable.clear()
