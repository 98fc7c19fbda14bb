"""The channel layer over Redis: many frames a round trip, and sockets that open without it."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, NamedTuple

from channels_redis.pubsub import (
    RedisPubSubChannelLayer,
    RedisPubSubLoopLayer,
    RedisSingleShardConnection,
)
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# Seconds between attempts to subscribe, and for one of them.
AGAIN_AFTER = PATIENCE = 1.0


class _Unsent(NamedTuple):
    """A message on its way to Redis; `sent` is done once it is there, or is not."""

    channel: str
    message: bytes
    sent: asyncio.Future[None]


class PatientShard(RedisSingleShardConnection):
    """Subscribes later what it cannot subscribe now; until then readers catch up with the rows.

    What is to be sent while one round trip is under way goes out with the next, in its order.
    channels-redis makes one for each message, one after the other: of hundreds of replies that
    stream at once most deltas would be too late to be sent at all.
    """

    def __init__(self, host: Any, layer: Any) -> None:
        super().__init__(host, layer)
        self._unsent: list[_Unsent] = []
        self._sender: asyncio.Task[None] | None = None
        self._missing: set[str] = set()
        self._subscriber: asyncio.Task[None] | None = None

    async def publish(self, channel: str, message: bytes) -> None:
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._unsent.append(_Unsent(channel, message, sent))
        if self._sender is None or self._sender.done():
            self._sender = asyncio.create_task(self._send())
        await sent

    async def _send(self) -> None:
        while self._unsent:
            # Without those that nobody waits for any longer.
            batch = [unsent for unsent in self._unsent if not unsent.sent.done()]
            self._unsent.clear()
            failure: Exception | None = None
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._publish(batch)
            except (OSError, RedisError) as error:
                failure = error
            for unsent in batch:
                if unsent.sent.done():
                    continue
                if failure:
                    unsent.sent.set_exception(failure)
                else:
                    unsent.sent.set_result(None)

    async def _publish(self, batch: list[_Unsent]) -> None:
        self._ensure_redis()
        async with self._redis.pipeline(transaction=False) as pipeline:
            for unsent in batch:
                pipeline.publish(unsent.channel, unsent.message)
            await pipeline.execute()

    async def subscribe(self, channel: str) -> None:
        try:
            async with asyncio.timeout(PATIENCE):
                await super().subscribe(channel)
        except (OSError, RedisError) as error:
            logger.warning("A channel cannot be subscribed; trying again. %s", error)
            self._missing.add(channel)
            if self._subscriber is None or self._subscriber.done():
                self._subscriber = asyncio.create_task(self._subscribe_missing())

    async def unsubscribe(self, channel: str) -> None:
        self._missing.discard(channel)
        try:
            async with asyncio.timeout(PATIENCE):
                await super().unsubscribe(channel)
        except (OSError, RedisError):
            # A reconnect would subscribe it again: forget it.
            self._subscribed_to.discard(channel)
            self._pubsub.channels.pop(channel.encode(), None)

    async def _subscribe_missing(self) -> None:
        while self._missing:
            await asyncio.sleep(AGAIN_AFTER)
            for channel in list(self._missing):
                try:
                    async with asyncio.timeout(PATIENCE):
                        await super().subscribe(channel)
                except (OSError, RedisError):
                    break
                self._missing.discard(channel)


class RedisChannelLayer(RedisPubSubChannelLayer):
    """Channels' pub/sub layer, with patient connections."""

    # channels-redis offers no seam for this; the version is pinned and tests/faults hold it to it.
    def _get_layer(self) -> RedisPubSubLoopLayer:
        layer: RedisPubSubLoopLayer = super()._get_layer()
        if not isinstance(layer._shards[0], PatientShard):
            layer._shards = [PatientShard(shard.host, layer) for shard in layer._shards]
        return layer
