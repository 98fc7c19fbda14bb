"""All that the simulated platform remembers; shared by the threads that answer its API."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any

from wechat.simulator.account import OfficialAccount
from wechat.simulator.faults import Script
from wechat.simulator.secrecy import letters
from wechat.simulator.tokens import Tokens
from wechat.simulator.windows import Clock, Standing


@dataclass(frozen=True, slots=True)
class Medium:
    """An uploaded file, or one that a follower sent."""

    data: bytes
    content_type: str
    name: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call of the API as it was answered."""

    path: str
    query: dict[str, str]
    #: The JSON that was sent, None if there was none.
    payload: Any
    #: The JSON that was answered, None where it was something else, or nothing.
    answer: dict[str, Any] | None
    at: datetime


@dataclass(frozen=True, slots=True)
class Push:
    """Something the site sent unasked: `kind` is a message type, "typing" or "template"."""

    openid: str
    kind: str
    text: str
    media_id: str = ""


@dataclass(slots=True)
class Platform:
    """Guarded by `lock`, which every operation of the API holds."""

    account: OfficialAccount
    on_push: Callable[[Push], None] = lambda _push: None
    #: Called with the OpenID and message id of each template message.
    on_template: Callable[[str, int], None] = lambda _openid, _message_id: None
    lock: threading.RLock = field(default_factory=threading.RLock)
    clock: Clock = field(default_factory=Clock)
    script: Script = field(default_factory=Script)
    tokens: Tokens = field(default_factory=Tokens)
    standings: dict[str, Standing] = field(default_factory=dict)
    media: dict[str, Medium] = field(default_factory=dict)
    menu: dict[str, Any] | None = None
    #: The template ids that exist; empty for any.
    templates: set[str] = field(default_factory=set)
    calls: list[Call] = field(default_factory=list)
    message_ids: count[int] = field(default_factory=lambda: count(200_000_001))

    def keep(self, medium: Medium) -> str:
        """Return the media id under which a file is found from now on."""
        media_id = letters(64)
        with self.lock:
            self.media[media_id] = medium
        return media_id

    @staticmethod
    def real_now() -> datetime:
        """Tokens expire in real time, whatever the simulator's clock says."""
        return datetime.now(UTC)
