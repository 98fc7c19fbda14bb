"""How fast one socket may send: refuses politely at first, then says that it is a flood."""

from __future__ import annotations

import time

from django.utils.translation import gettext as _

from conversations.inbound import FrameError


class Flood(Exception):
    """The client goes on sending although it was told to slow down."""


class TokenBucket:
    """Lets `burst` frames pass at once and `rate` a second after that."""

    def __init__(self, rate: float, burst: float) -> None:
        self.rate, self.burst = rate, burst
        self.tokens = burst
        self.filled_at = time.monotonic()

    def take(self) -> None:
        """Take a token; FrameError when there is none, Flood once a whole burst was refused."""
        now = time.monotonic()
        self.tokens = min(self.burst, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        self.tokens -= 1
        if self.tokens < -self.burst:
            raise Flood
        if self.tokens < 0:
            raise FrameError("rate_limited", _("Too many frames; please slow down."))
