"""The receiving end of the local channel layer: the mailboxes and groups of one event loop."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable

# A mailbox somebody took from this recently is being read, only slower than it fills: in a burst
# it is worth waiting for. One left alone for longer, or behind for longer than the patience, loses
# messages instead of holding up its neighbors.
KEEPING_UP_SECONDS = 0.1
PATIENCE_SECONDS = 2.0


class Mailbox:
    """What waits for one channel, as packed messages, oldest first."""

    def __init__(self, capacity: int) -> None:
        self.groups: set[str] = set()
        self.active_at = time.monotonic()
        self._capacity = capacity
        self._receivers = 0
        self._behind_since: float | None = None
        self._bodies: asyncio.Queue[bytes] = asyncio.Queue(maxsize=capacity)
        self._deadlines: deque[float] = deque()

    def put(self, body: bytes, deadline: float) -> None:
        """Add a message; raises asyncio.QueueFull."""
        self._bodies.put_nowait(body)
        self._deadlines.append(deadline)

    async def take(self) -> bytes:
        """Remove the oldest message, waiting for one; a cancelled wait loses nothing."""
        self._receivers += 1
        try:
            body = await self._bodies.get()
            self._deadlines.popleft()
            if not self._deadlines:
                self._behind_since = None
            return body
        finally:
            self._receivers -= 1
            self.active_at = time.monotonic()

    def expire(self, now: float) -> bool:
        """Drop the messages past their deadline; say whether there were any."""
        is_late = bool(self._deadlines) and self._deadlines[0] <= now
        while self._deadlines and self._deadlines[0] <= now:
            self._deadlines.popleft()
            self._bodies.get_nowait()
        return is_late

    def clear(self) -> None:
        self.groups.clear()
        while self._deadlines:
            self._deadlines.popleft()
            self._bodies.get_nowait()

    def is_pressed(self, now: float) -> bool:
        """Half full, with a reader at work: the moment to let that reader run."""
        if self._bodies.qsize() * 2 < self._capacity:
            return False
        if self._behind_since is None:
            self._behind_since = now
        is_read = bool(self._receivers) or now - self.active_at < KEEPING_UP_SECONDS
        return is_read and now - self._behind_since < PATIENCE_SECONDS

    def is_idle(self, *, since: float) -> bool:
        return not self._receivers and self.active_at < since

    @property
    def is_unused(self) -> bool:
        return not (self._receivers or self._deadlines or self.groups)


class Mailboxes:
    """All channels of one event loop and the groups they are in; for that loop's thread only."""

    def __init__(
        self, *, capacity_of: Callable[[str], int], expiry: float, group_expiry: float
    ) -> None:
        self._capacity_of = capacity_of
        self._expiry = expiry
        self._group_expiry = group_expiry
        self._mailboxes: dict[str, Mailbox] = {}
        self._groups: dict[str, set[str]] = {}

    def open(self, channel: str) -> Mailbox:
        mailbox = self._mailboxes.get(channel)
        if mailbox is None:
            mailbox = self._mailboxes[channel] = Mailbox(self._capacity_of(channel))
        return mailbox

    def join(self, group: str, channel: str) -> None:
        mailbox = self.open(channel)
        mailbox.active_at = time.monotonic()
        mailbox.groups.add(group)
        self._groups.setdefault(group, set()).add(channel)

    def leave(self, group: str, channel: str) -> None:
        members = self._groups.get(group, set())
        members.discard(channel)
        if not members:
            self._groups.pop(group, None)
        if mailbox := self._mailboxes.get(channel):
            mailbox.groups.discard(group)

    def deliver(self, channel: str, body: bytes) -> bool:
        """Put a message into a channel's mailbox; say whether its reader should now get a turn.

        Raises asyncio.QueueFull.
        """
        mailbox = self.open(channel)
        now = time.monotonic()
        mailbox.put(body, now + self._expiry)
        return mailbox.is_pressed(now)

    def deliver_to_group(self, group: str, body: bytes) -> bool:
        """Put a message into every member's mailbox, past the full ones in silence."""
        is_pressed = False
        for channel in self._groups.get(group, ()):
            with contextlib.suppress(asyncio.QueueFull):
                is_pressed |= self.deliver(channel, body)
        return is_pressed

    def expire(self, now: float) -> None:
        """Drop old messages, and group memberships and mailboxes nobody reads.

        A membership ends when a message of its channel expires unread, or when the group expiry
        has passed without anybody receiving: a connection that reads stays in for as long as it
        lasts.
        """
        for channel, mailbox in list(self._mailboxes.items()):
            is_abandoned = mailbox.expire(now) and mailbox.is_idle(since=now - self._expiry)
            if is_abandoned or mailbox.is_idle(since=now - self._group_expiry):
                for group in list(mailbox.groups):
                    self.leave(group, channel)
            if mailbox.is_unused:
                del self._mailboxes[channel]

    def clear(self) -> None:
        self._groups.clear()
        for channel, mailbox in list(self._mailboxes.items()):
            mailbox.clear()
            if mailbox.is_unused:
                del self._mailboxes[channel]
