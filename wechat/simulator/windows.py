"""What WeChat knows of a follower: whether they follow, and what may still be sent to them."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum


class Clock:
    """Real time, and how far the simulator alone has been moved ahead of it."""

    def __init__(self) -> None:
        self.ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead

    def advance(self, by: timedelta) -> None:
        self.ahead += by


class Opening(Enum):
    """What a follower does that lets the account send to them: how much, for how long.

    Source: "Sending customer service messages", developers.weixin.qq.com, read 2026-11-22.
    """

    MESSAGE = (5, timedelta(hours=48))
    CLICK = (3, timedelta(minutes=1))
    FOLLOW = (3, timedelta(minutes=1))
    SCAN = (3, timedelta(minutes=1))


@dataclass(slots=True)
class Window:
    until: datetime
    left: int


@dataclass(slots=True)
class Standing:
    """One follower as the platform sees them."""

    openid: str
    is_following: bool = True
    windows: dict[Opening, Window] = field(default_factory=dict)
    spoke_at: datetime | None = None
    typing_until: datetime | None = None

    def open(self, opening: Opening, now: datetime) -> None:
        messages, lasts = opening.value
        self.windows[opening] = Window(now + lasts, messages)
        if opening is Opening.MESSAGE:
            self.spoke_at, self.typing_until = now, None

    def leave(self) -> None:
        self.is_following = False
        self.windows.clear()

    def is_open(self, now: datetime) -> bool:
        return self.is_following and any(window.until > now for window in self.windows.values())

    def left(self, now: datetime) -> int:
        """Return how many messages may be sent now: windows do not add up."""
        return max((one.left for one in self.windows.values() if one.until > now), default=0)

    def spend(self, now: datetime) -> None:
        self.typing_until = None
        for window in self.windows.values():
            if window.until > now:
                window.left = max(0, window.left - 1)
