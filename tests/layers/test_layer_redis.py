"""Many frames at once through Redis: whole, in order, and few round trips for all of them."""

import asyncio
from typing import Any

import pytest
import redis
from layer_process import make_layer

from conversations.redis_layer import RedisChannelLayer

#: As many replies at once as send a delta in the same moment.
MANY = 500


@pytest.fixture
async def layer(layer_redis_url: str) -> Any:
    layer = make_layer(
        {
            "BACKEND": "conversations.redis_layer.RedisChannelLayer",
            "CONFIG": {"hosts": [layer_redis_url]},
        }
    )
    yield layer
    await layer.flush()


def reads(url: str) -> int:
    """Return how often Redis has read from a connection so far."""
    with redis.Redis.from_url(url) as client:
        return int(client.info("stats")["total_reads_processed"])


async def joined(layer: RedisChannelLayer, group: str) -> str:
    channel = await layer.new_channel()
    await layer.group_add(group, channel)
    return channel


async def test_what_is_sent_at_once_shares_round_trips(
    layer: RedisChannelLayer, layer_redis_url: str
) -> None:
    channel = await joined(layer, "many")
    before = reads(layer_redis_url)

    await asyncio.gather(*(layer.group_send("many", {"number": n}) for n in range(MANY)))

    assert reads(layer_redis_url) - before < MANY / 10
    received = [await asyncio.wait_for(layer.receive(channel), 5) for _ in range(MANY)]
    assert [message["number"] for message in received] == [*range(MANY)]


async def test_a_message_whose_sender_gave_up_is_not_sent_later(layer: RedisChannelLayer) -> None:
    channel = await joined(layer, "one")
    sending = [
        asyncio.create_task(layer.group_send("one", {"number": number})) for number in range(3)
    ]
    await asyncio.sleep(0)  # all of them wait, and the first round trip has not begun

    sending[1].cancel()
    await asyncio.wait(sending)

    received = [await asyncio.wait_for(layer.receive(channel), 5) for _ in range(2)]
    assert [message["number"] for message in received] == [0, 2]


async def test_each_of_many_senders_learns_that_redis_is_away(unused_tcp_port: int) -> None:
    layer = RedisChannelLayer(hosts=[f"redis://127.0.0.1:{unused_tcp_port}/0"])

    sending = [layer.group_send("one", {"number": number}) for number in range(3)]
    failures = await asyncio.gather(*sending, return_exceptions=True)

    assert [isinstance(each, (OSError, redis.RedisError)) for each in failures] == [True] * 3
    await layer.flush()
