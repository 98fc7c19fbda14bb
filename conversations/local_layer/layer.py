"""Carries Channels' messages between the processes of one machine, where there is no Redis.

Inside a process a message goes from memory to memory; to the others it goes over Unix stream
sockets, one per event loop that receives. A group's members are known only
to the loop that holds them, so a group message goes to every peer and each fans it out.

Delivery is at most once, in order from one sender to one receiver. Frames are lost under overload
(full mailboxes, full buffers), never silently held: senders do not wait for slow receivers.
"""

import asyncio
import logging
import os
import secrets
import threading
import time
import weakref
from collections.abc import Mapping
from typing import Any

from channels.exceptions import ChannelFull
from channels.layers import BaseChannelLayer

from conversations.local_layer.directory import SocketDirectory, new_socket_name
from conversations.local_layer.frames import Frame, pack_message, unpack_message
from conversations.local_layer.inbound import Listener
from conversations.local_layer.mailboxes import Mailboxes
from conversations.local_layer.outbound import Peers

logger = logging.getLogger(__name__)

HOUSEKEEPING_SECONDS = 5.0
WARNING_INTERVAL_SECONDS = 60.0

Message = dict[str, Any]


class LocalChannelLayer(BaseChannelLayer):
    """A channel layer for any number of processes, threads and event loops of one machine.

    A message is what msgpack holds: dicts, lists, text, bytes, numbers, booleans, None (a tuple
    arrives as a list). Every receiver gets a copy of its own.

    A plain channel name (without `!`) reaches the sender's own event loop where that has ever
    received on it, else every process that has: give each plain name one receiving process.
    """

    extensions = ["groups", "flush"]

    def __init__(
        self,
        directory: str | os.PathLike[str],
        *,
        expiry: float = 60,
        capacity: int = 1000,
        channel_capacity: Mapping[str, int] | None = None,
        max_buffer_bytes: int = 8 * 1024 * 1024,
        group_expiry: float = 86400,
        prefix: str = "",
        **kwargs: Any,
    ) -> None:
        """`max_buffer_bytes` is per peer; `prefix` is accepted for channels-redis' settings."""
        super().__init__(expiry=expiry, capacity=capacity, **kwargs)
        self.channel_capacity = self.compile_capacities(channel_capacity or {})
        self.directory = directory
        self.group_expiry = group_expiry
        self.max_buffer_bytes = max_buffer_bytes
        self.dropped = 0
        self._drop_lock = threading.Lock()
        self._warned_at = float("-inf")
        self._loops: dict[asyncio.AbstractEventLoop, LoopLayer] = {}
        _layers.add(self)

    async def new_channel(self, prefix: str = "specific.") -> str:
        here = self._here()
        here.listen()
        return f"{prefix.rstrip('.')}.{here.name}!{secrets.token_hex(6)}"

    async def send(self, channel: str, message: Message) -> None:
        """Raises ChannelFull where the receiver is in this event loop and far behind."""
        self.require_valid_channel_name(channel)
        if self._here().send(channel, pack_message(message)):
            await asyncio.sleep(0)

    async def receive(self, channel: str) -> Message:
        self.require_valid_channel_name(channel)
        here = self._here()
        here.adopt(channel)
        return unpack_message(await here.mailboxes.open(channel).take())

    async def group_add(self, group: str, channel: str) -> None:
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        here = self._here()
        here.adopt(channel)
        here.mailboxes.join(group, channel)

    async def group_discard(self, group: str, channel: str) -> None:
        self.require_valid_group_name(group)
        self.require_valid_channel_name(channel)
        self._here().mailboxes.leave(group, channel)

    async def group_send(self, group: str, message: Message) -> None:
        self.require_valid_group_name(group)
        if self._here().send_to_group(group, pack_message(message)):
            await asyncio.sleep(0)

    async def flush(self) -> None:
        """Empty the channels and groups of this event loop; names stay valid."""
        self._here().mailboxes.clear()

    async def close(self) -> None:
        """Leave: hand over what is buffered, take the socket away, forget this event loop."""
        self._forget(asyncio.get_running_loop())

    def _here(self) -> "LoopLayer":
        loop = asyncio.get_running_loop()
        here = self._loops.get(loop)
        if here is None:
            here = self._loops[loop] = LoopLayer(self, loop)
            _before_close(loop, self._forget)
        return here

    def _forget(self, loop: asyncio.AbstractEventLoop) -> None:
        if here := self._loops.pop(loop, None):
            here.close()

    def _count_drop(self) -> None:
        with self._drop_lock:
            self.dropped += 1
            now = time.monotonic()
            is_due = now - self._warned_at >= WARNING_INTERVAL_SECONDS
            if is_due:
                self._warned_at = now
        if is_due:
            logger.warning(
                "The channel layer drops frames: a process reads too slowly (%d dropped so far).",
                self.dropped,
            )

    def abandon(self) -> None:
        """Let go, in a forked child, of everything the parent goes on using."""
        for here in self._loops.values():
            here.abandon()
        self._loops.clear()
        self._drop_lock = threading.Lock()


class LoopLayer:
    """The layer's state in one event loop; nothing of it is touched from another thread."""

    def __init__(self, layer: LocalChannelLayer, loop: asyncio.AbstractEventLoop) -> None:
        self.name = new_socket_name()
        self.mailboxes = Mailboxes(
            capacity_of=layer.get_capacity, expiry=layer.expiry, group_expiry=layer.group_expiry
        )
        self._loop = loop
        self._expiry = layer.expiry
        self._directory = SocketDirectory(layer.directory)
        self._peers = Peers(
            loop,
            self._directory,
            own_name=self.name,
            max_buffer_bytes=layer.max_buffer_bytes,
            on_drop=layer._count_drop,
        )
        self._plain_channels: set[str] = set()
        self._listener: Listener | None = None
        self._housekeeping: asyncio.TimerHandle | None = None

    def listen(self) -> None:
        """Open the socket; only who receives has one."""
        if self._listener is None:
            self._listener = Listener(self._loop, self._directory, self.name, self._deliver)
            self._keep_house_later()

    def adopt(self, channel: str) -> None:
        """Make this loop a receiver of the channel; raises RuntimeError for another's."""
        owner = _owner(channel)
        if owner is None:
            self._plain_channels.add(channel)
        elif owner != self.name:
            raise RuntimeError(
                f"{channel} belongs to another process or event loop. Receive and join groups only"
                " with a name that new_channel() gave in the same event loop."
            )
        self.listen()

    def send(self, channel: str, body: bytes) -> bool:
        """Send to one channel; say whether the loop should get a turn."""
        owner = _owner(channel)
        if owner == self.name or channel in self._plain_channels:
            try:
                return self.mailboxes.deliver(channel, body)
            except asyncio.QueueFull:
                raise ChannelFull(channel) from None
        frame = Frame(is_group=False, name=channel, body=body)
        return self._peers.send([owner], frame) if owner else self._peers.broadcast(frame)

    def send_to_group(self, group: str, body: bytes) -> bool:
        is_pressed = self.mailboxes.deliver_to_group(group, body)
        return self._peers.broadcast(Frame(is_group=True, name=group, body=body)) or is_pressed

    def _deliver(self, frame: Frame) -> bool:
        if frame.is_group:
            return self.mailboxes.deliver_to_group(frame.name, frame.body)
        if _owner(frame.name) != self.name and frame.name not in self._plain_channels:
            return False
        try:
            return self.mailboxes.deliver(frame.name, frame.body)
        except asyncio.QueueFull:
            return False

    def _keep_house_later(self) -> None:
        delay = min(HOUSEKEEPING_SECONDS, self._expiry)
        self._housekeeping = self._loop.call_later(delay, self._keep_house)

    def _keep_house(self) -> None:
        self._keep_house_later()
        self.mailboxes.expire(time.monotonic())
        if self._listener is not None:
            self._listener.rebind_if_removed()

    def close(self) -> None:
        if self._housekeeping is not None:
            self._housekeeping.cancel()
        if self._listener is not None:
            self._listener.close()
            self._listener = None
        self._peers.close()

    def abandon(self) -> None:
        if self._listener is not None:
            self._listener.abandon()
        self._peers.abandon()


def _owner(channel: str) -> str | None:
    """Return the socket name inside a process-specific channel name; None for a plain one."""
    address, mark, _ = channel.partition("!")
    return address.rpartition(".")[2] if mark else None


def _before_close(loop: asyncio.AbstractEventLoop, callback: Any) -> None:
    """Call back when the loop is closed: short-lived loops offer no other moment.

    async_to_sync makes a loop for one call and closes it before it returns, so what is handed over
    here has arrived by then.
    """
    close = loop.close

    def closing() -> None:
        if not loop.is_running():
            callback(loop)
        close()

    loop.close = closing  # type: ignore[method-assign]


_layers: weakref.WeakSet[LocalChannelLayer] = weakref.WeakSet()


def _abandon_all() -> None:
    for layer in list(_layers):
        layer.abandon()


os.register_at_fork(after_in_child=_abandon_all)
