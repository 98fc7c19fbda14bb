"""Template messages: what was not asked for is told of when the follower's window is closed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from scheduling.states import RunState
from tests.conversations.working import read
from tests.wechat.fake_api import Answer
from tests.wechat.fake_api import api as api
from tests.wechat.service import OPENID, SEND, TEMPLATE, Service
from tests.wechat.service import service as service
from wechat.templates import fill, is_configured, note_result

ID = "TEMPLATE_ID-of-the-tests"
LONG = "Remember to water all of the plants in the living room, please."
MORNING = datetime(2026, 11, 22, 1, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def template(settings) -> None:
    settings.WECHAT_TEMPLATE_ID = ID
    settings.WECHAT_TEMPLATE_FIELDS = {"thing1": "text", "time2": "time"}


async def away(service: Service) -> None:
    """Have a follower who wrote three days ago."""
    service.api.script(TEMPLATE, {"errcode": 0, "errmsg": "ok", "msgid": 1234567})
    long_ago = timezone.now() - timedelta(days=3)
    await service.follow(last_inbound_at=long_ago, message_until=long_ago + timedelta(days=2))


# -- what goes into the fields ---------------------------------------------------------------------


def test_the_fields_get_the_text_and_its_time(settings):
    settings.WECHAT_TEMPLATE_FIELDS |= {"date3": "date", "const4": "Reminder"}

    filled = fill("Drink\nwater", at=MORNING, zone="Asia/Shanghai")

    assert filled.fields == {
        "thing1": "Drink water",
        "time2": "2026年11月22日 09:05",
        "date3": "2026年11月22日",
        "const4": "Reminder",
    }
    assert filled.is_whole


@pytest.mark.parametrize(
    ("field", "most"),
    [
        ("thing1", 20),
        ("character_string2", 32),
        ("phrase3", 5),
        ("name4", 10),
        ("symbol5", 5),
        ("keyword1", 200),
    ],
)
def test_each_field_is_cut_to_what_it_takes(settings, field, most):
    settings.WECHAT_TEMPLATE_FIELDS = {field: "text"}
    fits, exceeds = "好" * most, "好" * (most + 1)

    assert fill(fits, at=MORNING, zone="UTC") == ({field: fits}, True)
    assert fill(exceeds, at=MORNING, zone="UTC") == ({field: "好" * (most - 1) + "…"}, False)


def test_without_fields_there_is_no_template(settings):
    assert is_configured()

    settings.WECHAT_TEMPLATE_FIELDS = {}

    assert not is_configured()


# -- when one is sent ------------------------------------------------------------------------------


async def test_a_reminder_outside_the_window_comes_as_a_template_message(service: Service):
    await away(service)

    message = await service.deliver("Drink water")

    (call,) = service.api.of(TEMPLATE)
    assert call.json["touser"] == OPENID
    assert call.json["template_id"] == ID
    assert call.json["data"]["thing1"] == {"value": "Drink water"}
    assert service.sent == []
    assert (message.delivery_state, message.provider_id) == ("sent", "1234567")


async def test_one_that_does_not_fit_is_kept_as_well(service: Service):
    await away(service)

    message = await service.deliver(LONG)

    (call,) = service.api.of(TEMPLATE)
    assert call.json["data"]["thing1"]["value"] == LONG[:19] + "…"
    assert (message.delivery_state, message.provider_id) == ("held", "1234567")
    assert await service.position(message) == 0


async def test_inside_the_window_no_template_is_used(service: Service):
    await service.follow()

    message = await service.deliver("Drink water")

    assert service.api.count(TEMPLATE) == 0
    assert message.delivery_state == "sent"


async def test_an_answer_is_no_template_message(service: Service):
    await away(service)

    message = await service.deliver_reply("an answer")

    assert service.api.calls == []
    assert message.delivery_state == "held"


@pytest.mark.parametrize("code", [45015, 45047])
async def test_a_window_that_only_wechat_knows_to_be_closed(service: Service, code: int):
    service.api.script(SEND, code)
    await service.follow()

    message = await service.deliver("Drink water")

    assert service.sent == ["Drink water"]
    assert service.api.count(TEMPLATE) == 1
    assert message.delivery_state == "sent"
    assert (await service.follower()).message_left == 0


async def test_what_was_sent_in_part_is_no_template_message(service: Service):
    service.api.script(SEND, 0, 45047)
    await service.follow()

    message = await service.deliver("\n\n".join(["一二三四五六七八九十" * 6 + "。"] * 20))

    assert service.api.count(TEMPLATE) == 0
    assert message.delivery_state == "held"


async def test_an_account_that_may_only_reply_sends_none(service: Service, settings):
    settings.WECHAT_REPLY = "passive"
    await away(service)

    message = await service.deliver("Drink water")

    assert service.api.calls == []
    assert message.delivery_state == "held"


async def test_who_left_gets_none(service: Service):
    await service.follow(is_subscribed=False)

    message = await service.deliver("Drink water")

    assert service.api.calls == []
    assert message.delivery_state == "failed"


# -- when it fails ---------------------------------------------------------------------------------


@pytest.mark.parametrize("code", [43101, 40037, 47003, 48001, 45009, 45011, 50001])
async def test_one_that_is_refused_is_kept_and_nothing_else_changes(service: Service, code: int):
    await away(service)
    service.api.script(TEMPLATE, code)

    message = await service.deliver("Drink water")

    account, follower = await service.account(), await service.follower()
    assert message.delivery_state == "held"
    assert str(code) in message.delivery_error
    assert service.api.count(TEMPLATE) == 1
    assert (account.can_send, account.stopped_until, follower.refusal) == (None, None, "")


@pytest.mark.parametrize("code", [43004, 40003])
async def test_one_that_cannot_be_received_by_this_follower_has_failed(service: Service, code: int):
    await away(service)
    service.api.script(TEMPLATE, code)

    message = await service.deliver("Drink water")

    assert message.delivery_state == "failed"
    assert str(code) in (await service.follower()).refusal


async def test_a_busy_wechat_is_asked_again(service: Service):
    await away(service)
    service.api.script(TEMPLATE, -1, {"errcode": 0, "msgid": 9})
    message = await service.say("Drink water")

    ending = await service.deliver_once()
    assert ending.state == RunState.PENDING
    await service.deliver_once()

    message = await service.fresh(message)
    assert (message.delivery_state, message.provider_id) == ("sent", "9")


async def test_an_unclear_answer_is_an_unknown_outcome(service: Service):
    await away(service)
    service.api.script(TEMPLATE, Answer(drop=True))

    message = await service.deliver("Drink water")

    assert service.api.count(TEMPLATE) == 1
    assert message.delivery_state == "unknown"


async def test_a_template_whose_sender_was_killed_is_not_sent_again(service: Service):
    await away(service)
    message = await service.say("Drink water")
    await service.change(message, delivery_state="sending")

    await service.deliver_once()

    assert service.api.calls == []
    assert (await service.fresh(message)).delivery_state == "held"


# -- what WeChat reports ---------------------------------------------------------------------------


async def report(number: str, status: str, *, conversation: int) -> None:
    now = timezone.now()
    await read(lambda: note_result(number, status, conversation=conversation, now=now))


async def test_one_that_did_not_arrive_is_kept(service: Service):
    await away(service)
    message = await service.deliver("Drink water")

    await report("1234567", "failed:user block", conversation=message.conversation_id)

    message = await service.fresh(message)
    assert message.delivery_state == "held"
    assert "user block" in message.delivery_error


async def test_one_that_arrived_stays_sent(service: Service):
    await away(service)
    message = await service.deliver("Drink water")

    await report("1234567", "success", conversation=message.conversation_id)

    assert (await service.fresh(message)).delivery_state == "sent"


@pytest.mark.parametrize("number", ["7654321", ""])
async def test_a_report_on_another_one_changes_nothing(service: Service, number: str):
    await away(service)
    message = await service.deliver("Drink water")

    await report(number, "failed: system failed", conversation=message.conversation_id)

    assert (await service.fresh(message)).delivery_state == "sent"


async def test_a_report_from_another_conversation_changes_nothing(service: Service):
    await away(service)
    message = await service.deliver("Drink water")
    other = await service.follow("another")

    await report("1234567", "failed:user block", conversation=other.conversation_id)

    assert (await service.fresh(message)).delivery_state == "sent"
