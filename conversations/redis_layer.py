"""The channel layer over Redis, for a Redis that may be away: sockets open all the same."""

import asyncio
import logging
from typing import Any

from channels_redis.pubsub import (
    RedisPubSubChannelLayer,
    RedisPubSubLoopLayer,
    RedisSingleShardConnection,
)
from redis.exceptions import RedisError

logger = logging.getLogger(__name__)

# Seconds between attempts to subscribe, and for one of them.
AGAIN_AFTER = PATIENCE = 1.0


class PatientShard(RedisSingleShardConnection):
    """Subscribes later what it cannot subscribe now; until then readers catch up with the rows."""

    def __init__(self, host: Any, layer: Any) -> None:
        super().__init__(host, layer)
        self._missing: set[str] = set()
        self._subscriber: asyncio.Task[None] | None = None

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
