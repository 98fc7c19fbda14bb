"""Limits: a burst passes, a stream at the rate passes, more is refused and in the end a flood."""

from __future__ import annotations

import pytest

from conversations import limits
from conversations.inbound import FrameError
from conversations.limits import Flood, TokenBucket


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    one = Clock()
    monkeypatch.setattr(limits, "time", one)
    return one


def passed(bucket: TokenBucket, frames: int) -> int:
    """Return how many of the frames pass."""
    count = 0
    for _ in range(frames):
        try:
            bucket.take()
            count += 1
        except FrameError as error:
            assert error.code == "rate_limited"
    return count


def test_a_burst_passes_and_not_one_more(clock):
    assert passed(TokenBucket(rate=10, burst=5), 6) == 5


def test_a_stream_at_the_rate_passes_for_ever(clock):
    bucket = TokenBucket(rate=10, burst=5)

    for _ in range(1000):
        clock.now += 0.1001
        bucket.take()


def test_a_pause_fills_the_bucket_and_no_further(clock):
    bucket = TokenBucket(rate=10, burst=5)
    passed(bucket, 5)

    clock.now += 3600

    assert passed(bucket, 10) == 5


def test_who_slows_down_is_heard_again(clock):
    bucket = TokenBucket(rate=10, burst=5)
    passed(bucket, 8)

    clock.now += 0.41

    assert passed(bucket, 1) == 1


def test_who_goes_on_after_a_whole_refused_burst_is_a_flood(clock):
    bucket = TokenBucket(rate=10, burst=5)
    assert passed(bucket, 10) == 5

    with pytest.raises(Flood):
        bucket.take()
