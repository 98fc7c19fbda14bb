"""Refusals and failures: what each means for the message, its follower, the account and the run."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from conversations.models import Message
from scheduling.models import Run
from scheduling.performing import Ending
from scheduling.states import RunState
from tests.conversations.working import read
from tests.wechat.fake_api import Answer, refusing_address
from tests.wechat.fake_api import api as api
from tests.wechat.service import SEND, Service, nearly
from tests.wechat.service import service as service
from wechat.models import Account, Follower
from wechat.reacting import next_midnight

SHANGHAI = ZoneInfo("Asia/Shanghai")
LONG = "\n\n".join("一二三四五六七八九十" * 6 + "。" for _line in range(20))  # two parts
RUNS = {"succeeded": RunState.SUCCEEDED, "pending": RunState.PENDING, "failed": RunState.FAILED}


async def refused(service: Service, *answers: Any, text: str = "hi") -> tuple[Message, Ending]:
    """Deliver a text once while WeChat answers this; return the message and the run's ending."""
    service.api.script(SEND, *answers)
    if not await read(Follower.objects.exists):
        await service.follow()
    message = await service.say(text)
    ending = await service.deliver_once()
    return await service.fresh(message), ending


def pause(ending: Ending) -> timedelta:
    assert ending.retry_at is not None
    return ending.retry_at - ending.at


@pytest.mark.parametrize(
    ("code", "delivery", "run", "left"),
    [
        (-1, "waiting", "pending", 5),
        (40013, "waiting", "pending", 5),
        (40125, "waiting", "pending", 5),
        (40243, "waiting", "pending", 5),
        (40164, "waiting", "pending", 5),
        (45015, "held", "succeeded", 0),
        (45047, "held", "succeeded", 0),
        (45009, "waiting", "pending", 5),
        (45011, "waiting", "pending", 5),
        (48001, "held", "succeeded", 5),
        (40003, "failed", "failed", 5),
        (43004, "failed", "failed", 5),
        (43019, "failed", "failed", 5),
        (48002, "failed", "failed", 5),
        (48004, "waiting", "pending", 5),
        (50001, "waiting", "pending", 5),
        (50002, "waiting", "pending", 5),
        (40007, "held", "succeeded", 5),
        (47001, "held", "succeeded", 5),
        (47003, "held", "succeeded", 5),
        (99999, "held", "succeeded", 5),
    ],
)
async def test_each_code_has_its_outcome(
    service: Service, code: int, delivery: str, run: str, left: int
):
    message, ending = await refused(service, code)

    assert (message.delivery_state, ending.state) == (delivery, RUNS[run])
    # One call: nothing is tried again in the same breath.
    assert service.sent == ["hi"]
    assert (await service.follower()).message_left == left
    if code != 48001:
        assert str(code) in message.delivery_error
    assert await service.position(message) == 0


@pytest.mark.parametrize("code", [40001, 40014, 41001, 42001])
async def test_a_refused_token_is_renewed_once_and_the_message_sent(service: Service, code: int):
    message, _ending = await refused(service, code, 0)

    assert service.sent == ["hi", "hi"]
    assert message.delivery_state == "sent"
    assert (await service.follower()).message_left == 4


@pytest.mark.parametrize("code", [40001, 40014, 41001, 42001])
async def test_a_token_that_is_refused_twice_stops_the_sending(service: Service, code: int):
    message, ending = await refused(service, code)

    assert service.sent == ["hi", "hi"]
    assert (message.delivery_state, ending.state) == ("waiting", RunState.PENDING)
    assert nearly(pause(ending), timedelta(hours=1))
    assert (await service.follower()).message_left == 5


async def test_a_busy_wechat_is_asked_four_times_with_growing_pauses(service: Service):
    _message, first = await refused(service, -1)
    endings = [first, *[await service.deliver_once() for _attempt in range(3)]]

    pauses = [pause(ending) for ending in endings[:-1]]
    assert pauses == sorted(pauses)
    assert pauses[0] < pauses[-1]
    assert service.sent == ["hi"] * 4
    assert await service.worker.start() is None
    message = await read(Message.objects.get)
    assert message.delivery_state == "held"
    assert "-1" in message.delivery_error


async def test_one_that_is_busy_for_a_moment_sends_it_in_the_end(service: Service):
    message, _ending = await refused(service, -1, 0)

    await service.deliver_once()

    assert (await service.fresh(message)).delivery_state == "sent"
    assert (await service.follower()).message_left == 4


@pytest.mark.parametrize("code", [45015, 45047])
async def test_a_closed_window_stays_closed_until_they_write(service: Service, code: int):
    await refused(service, code)

    message = await service.deliver("later")

    assert service.sent == ["hi"]
    assert message.delivery_state == "held"


async def test_a_window_that_closes_midway_keeps_the_rest(service: Service):
    message, _ending = await refused(service, 0, 45047, text=LONG)

    assert len(service.sent) == 2
    assert message.delivery_state == "held"
    position = await service.position(message)
    assert 0 < position < len(LONG)
    assert service.sent[1] == LONG[position:].strip()


async def test_what_is_too_long_is_split_smaller_once(service: Service, settings):
    message, _ending = await refused(service, 45002, 0, text=LONG)

    assert message.delivery_state == "sent"
    tried, *parts = service.sent
    assert len(tried.encode()) > 1000
    assert all(len(part.encode()) <= 1000 for part in parts)
    assert "\n\n".join(parts) == LONG
    assert (await service.follower()).message_left == 5 - len(parts)


async def test_what_is_too_long_even_then_is_kept(service: Service):
    message, ending = await refused(service, 45002, text=LONG)

    assert len(service.sent) == 2
    assert (message.delivery_state, ending.state) == ("held", RunState.SUCCEEDED)
    assert (await service.follower()).message_left == 5


async def test_an_account_that_may_only_reply_is_known_as_such(service: Service):
    await refused(service, 48001)

    await service.deliver("more")

    account = await service.account()
    assert account.can_send is False
    assert "48001" in account.can_send_detail
    assert service.sent == ["hi"]


@pytest.mark.parametrize("code", [40003, 43004, 43019, 48002])
async def test_a_follower_who_cannot_be_written_to_is_known_as_such(service: Service, code: int):
    await refused(service, code)

    message = await service.deliver("more")

    follower = await service.follower()
    assert str(code) in follower.refusal
    assert follower.is_subscribed
    assert service.sent == ["hi"]
    assert message.delivery_state == "failed"


@pytest.mark.parametrize(
    ("code", "lasts"),
    [
        (40013, timedelta(hours=1)),
        (40164, timedelta(hours=1)),
        (48004, timedelta(days=1)),
        (50001, timedelta(days=1)),
        (50002, timedelta(days=1)),
    ],
)
async def test_nothing_more_is_sent_until_the_owner_has_had_time(
    service: Service, code: int, lasts: timedelta
):
    _message, ending = await refused(service, code)
    await read(lambda: Run.objects.all().delete())
    await service.follow("another")
    other = await service.say("more", "another")
    later = await service.deliver_once()

    account = await service.account()
    assert nearly(account.stopped_until - timezone.now(), lasts)
    assert str(code) in account.stopped_detail
    assert service.sent == ["hi"]
    assert nearly(pause(ending), lasts)
    assert nearly(pause(later), lasts)
    assert (await service.fresh(other)).delivery_state == "waiting"


async def test_a_used_up_day_ends_at_midnight_in_shanghai(service: Service):
    _message, ending = await refused(service, 45009)

    stopped = (await service.account()).stopped_until
    assert stopped.astimezone(SHANGHAI).strftime("%H:%M:%S") == "00:00:00"
    assert timedelta() < stopped - timezone.now() <= timedelta(days=1)
    assert nearly(ending.retry_at, stopped)
    assert service.api.count("clear_quota") == 0


@pytest.mark.parametrize(
    ("now", "midnight"),
    [
        ("2026-11-22T15:59:59+00:00", "2026-11-23T00:00:00+08:00"),
        ("2026-11-22T16:00:00+00:00", "2026-11-24T00:00:00+08:00"),
        ("2026-12-31T20:00:00+00:00", "2027-01-02T00:00:00+08:00"),
    ],
)
def test_midnight_is_that_of_shanghai(now: str, midnight: str):
    assert next_midnight(datetime.fromisoformat(now)) == datetime.fromisoformat(midnight)


async def test_a_used_up_minute_ends_with_the_minute(service: Service):
    _message, ending = await refused(service, 45011)

    stopped = (await service.account()).stopped_until
    assert (stopped.second, stopped.microsecond) == (0, 0)
    assert stopped - timezone.now() <= timedelta(minutes=1)
    assert pause(ending) <= timedelta(minutes=1)


async def test_after_the_stop_it_is_sent(service: Service):
    message, _ending = await refused(service, 45011, 0)
    await read(lambda: Account.objects.update(stopped_until=timezone.now()))
    service.forget_account()

    await service.deliver_once()

    assert (await service.fresh(message)).delivery_state == "sent"


# -- no answer -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [
        Answer(drop=True),
        Answer("<html>Welcome to the hotel</html>"),
        Answer(""),
        Answer([]),
        Answer("oops", status=500),
    ],
    ids=["dropped", "html", "empty", "list", "500"],
)
async def test_an_unclear_answer_is_an_unknown_outcome(service: Service, answer: Answer):
    message, ending = await refused(service, answer)

    assert (message.delivery_state, ending.state) == ("unknown", RunState.SUCCEEDED)
    assert message.delivery_error
    assert service.api.count(SEND) == 1
    assert (await service.follower()).message_left == 4


async def test_behind_an_unclear_part_the_others_are_sent(service: Service):
    message, _ending = await refused(service, Answer(drop=True), 0, text=LONG)

    assert "\n\n".join(service.sent) == LONG
    assert message.delivery_state == "unknown"


async def test_behind_two_unclear_parts_the_rest_is_kept(service: Service):
    text = f"{LONG}\n\n{LONG}"

    message, _ending = await refused(service, Answer(drop=True), text=text)

    assert len(service.sent) == 2
    assert message.delivery_state == "held"
    assert 0 < await service.position(message) < len(text)


async def test_behind_an_unclear_part_a_failure_keeps_the_rest(service: Service):
    message, ending = await refused(service, Answer(drop=True), -1, text=LONG)

    assert (message.delivery_state, ending.state) == ("held", RunState.SUCCEEDED)
    assert service.sent[1] == LONG[await service.position(message) :].strip()


async def test_a_wechat_that_cannot_be_reached_is_tried_again(service: Service, settings):
    await service.follow()
    await service.deliver("the token is known from here on")
    url, settings.WECHAT_API_BASE_URL = settings.WECHAT_API_BASE_URL, refusing_address()
    message = await service.say("hi")

    ending = await service.deliver_once()

    assert ending.state == RunState.PENDING
    assert (await service.fresh(message)).delivery_state == "waiting"
    assert (await service.follower()).message_left == 4
    settings.WECHAT_API_BASE_URL = url
    await service.deliver_once()
    assert (await service.fresh(message)).delivery_state == "sent"


async def test_out_of_reach_for_long_it_is_kept_in_the_end(service: Service, settings):
    await service.follow()
    await service.deliver("the token is known from here on")
    settings.WECHAT_API_BASE_URL = refusing_address()
    message = await service.say("hi")

    endings = await service.worker.work()

    assert (await service.fresh(message)).delivery_state == "held"
    assert endings[-1].state == RunState.FAILED
    pauses = [pause(ending) for ending in endings[:-1]]
    assert sum(pauses, timedelta()) > timedelta(minutes=30)
    assert max(pauses) <= timedelta(minutes=5)


async def test_without_an_access_token_it_waits_for_the_next_try(service: Service):
    service.api.script("stable_token", 40125)

    message, ending = await refused(service, 0)

    assert service.api.count(SEND) == 0
    assert (message.delivery_state, ending.state) == ("waiting", RunState.PENDING)
    retry_at = (await service.account()).retry_at
    assert ending.retry_at is not None and ending.retry_at > retry_at
    assert nearly(ending.retry_at - timedelta(seconds=5), retry_at)
    assert (await service.follower()).message_left == 5


async def test_no_error_quotes_what_was_said(service: Service, caplog):
    caplog.set_level("DEBUG")
    words = "the secret garden"

    for code in (-1, 45047, 43004, 47003):
        message, _ending = await refused(service, code, text=words)
        assert words not in message.delivery_error

    assert words not in caplog.text
