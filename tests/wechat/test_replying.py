"""Replying: each message gets its answer once, in time, later, or with the next message."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.http import HttpResponse
from django.utils import translation

from conversations.agents import Turn
from conversations.models import Message
from conversations.receiving import ANSWER
from scheduling.models import Run
from tests.conversations import agents
from tests.conversations.working import MiniWorker, read
from tests.wechat.posting import body, event, post, said, signed, text
from wechat import views
from wechat.models import Follower, Inbound
from wechat.texts import holding_text, more_hint

pytestmark = pytest.mark.usefixtures("wechat_on", "hasty")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have WeChat hang up after 0.4 s and send its last request 0.6 s after the first."""
    monkeypatch.setattr(views, "HANGS_UP_AFTER", 0.4)
    monkeypatch.setattr(views, "LAST_AFTER", timedelta(seconds=0.6))


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch, settings: Any) -> list[str]:
    """Answer "re: <text>"; the list has the text of every turn."""
    asked: list[str] = []

    async def reply(turn: Turn) -> str:
        asked.append(turn.text)
        return f"re: {turn.text}"

    monkeypatch.setattr(agents, "current", reply, raising=False)
    settings.BOTFLOW_AGENT = "tests.conversations.agents.current"
    return asked


def chinese(sentence: Callable[[], str]) -> str:
    """Return one of the channel's sentences in the language in which it says them here."""
    with translation.override("zh-hans"):
        return sentence()


async def until(look: Callable[[], Any]) -> None:
    async with asyncio.timeout(10):
        while not await read(look):
            await asyncio.sleep(0.01)


def is_waiting() -> bool:
    return Run.objects.filter(action=ANSWER, state="pending").exists()


async def chat(worker: MiniWorker, xml: str) -> str:
    """Post a message that is answered in time; return what the follower reads."""
    request = asyncio.create_task(post(xml))
    await until(is_waiting)
    await worker.work()
    return said(await request)


async def delivery_states() -> list[str]:
    replies = Message.objects.filter(role="assistant").order_by("pk")
    return await read(lambda: list(replies.values_list("delivery_state", flat=True)))


async def test_an_answer_that_is_ready_in_time_is_the_reply(worker, turns):
    assert await chat(worker, text("hi")) == "re: hi"
    assert await delivery_states() == ["sent"]


async def test_a_request_that_comes_again_gets_the_same_bytes_and_no_second_turn(worker, turns):
    xml = text("hi")
    first = asyncio.create_task(post(xml))
    await until(is_waiting)
    await worker.work()
    again = [await post(xml) for _ in range(3)]

    assert {(await first).content, *(one.content for one in again)} == {(await first).content}
    assert turns == ["hi"]
    assert (await read(Inbound.objects.get)).attempts == 4


async def test_twenty_copies_at_once_are_one_turn_and_one_answer(worker, turns):
    xml = text("hi")
    copies = [asyncio.create_task(post(xml)) for _ in range(20)]
    await until(is_waiting)
    await worker.work()

    contents = {(await copy).content for copy in copies}
    assert len(contents) == 1
    assert turns == ["hi"]


async def test_an_answer_that_comes_between_two_requests_is_the_reply_to_the_second(worker, turns):
    xml = text("hi")
    assert said(await post(xml)) == ""
    await worker.work()

    assert said(await post(xml)) == "re: hi"
    assert await delivery_states() == ["sent"]


async def test_the_last_request_is_told_to_come_back_and_the_answer_is_kept(worker, turns):
    xml = text("hi")
    assert said(await post(xml)) == ""
    await asyncio.sleep(0.3)
    assert said(await post(xml)) == chinese(holding_text)
    assert said(await post(xml)) == chinese(holding_text), "A copy of it gets the same."
    await worker.work()
    assert await delivery_states() == ["held"]

    assert said(await post(text("继续"))) == "re: hi"

    assert await delivery_states() == ["sent"]
    assert turns == ["hi"], "Fetching an answer is no question."


async def test_fetching_waits_for_the_answer_that_is_being_made(worker, turns):
    await post(text("hi"))
    fetching = asyncio.create_task(post(text("继续")))
    await until(lambda: Inbound.objects.count() == 2)
    await worker.work()

    assert said(await fetching) == "re: hi"


async def test_the_word_is_an_ordinary_question_when_nothing_waits(worker, turns):
    assert await chat(worker, text("继续")) == "re: 继续"


async def test_a_new_question_brings_the_old_answer_and_is_not_lost(worker, turns):
    await post(text("one"))
    await worker.work()

    reply = said(await post(text("two")))

    assert reply.startswith("re: one\n\n"), "and says that the other answer follows"
    await worker.work()
    assert turns == ["one", "two"]
    assert said(await post(text("继续"))) == "re: two"


async def test_an_old_and_a_new_answer_go_together_when_both_are_there(worker, turns):
    await post(text("one"))
    await worker.work()

    assert await chat(worker, text("two")) == "re: one\n\nre: two"
    assert await delivery_states() == ["sent", "sent"]


async def test_a_long_answer_goes_in_parts_each_once(worker, turns, settings):
    settings.WECHAT_MAX_TEXT_BYTES = 300
    long = " ".join(f"word{number}" for number in range(100))
    first = await chat(worker, text(long))
    assert first.endswith(chinese(more_hint))
    parts = [first]
    while parts[-1].endswith(chinese(more_hint)):
        assert await delivery_states() == ["held"]
        parts.append(said(await post(text("继续"))))

    bare = "".join(part.removesuffix(chinese(more_hint)) for part in parts)
    assert "".join(bare.split()) == "".join(f"re: {long}".split())
    assert await delivery_states() == ["sent"]
    assert all(len(part.encode()) <= 300 for part in parts)


async def test_a_command_is_carried_out_without_any_agent(worker, turns):
    assert "任务" in await chat(worker, text("/帮助"))
    assert turns == []


async def test_a_menu_button_with_a_command_carries_it_out(worker, turns):
    assert "任务" in await chat(worker, event("CLICK", EventKey="/帮助"))


async def test_a_new_follower_is_welcomed(worker, turns, settings):
    settings.WECHAT_WELCOME = "你好"
    assert said(await post(event("subscribe", EventKey=""))) == "你好"
    follower = await read(Follower.objects.get)
    assert follower.is_subscribed and follower.action_left == 3


async def test_an_event_that_asks_nothing_is_stored_and_gets_no_reply(worker, turns):
    assert said(await post(event("LOCATION", Latitude="1", Longitude="2"))) == ""
    message = await read(Message.objects.get)
    assert (message.role, message.content_type, message.state) == ("user", "event", "done")
    assert await read(Run.objects.count) == 0


async def test_a_voice_without_words_is_told_so(worker, turns):
    reply = said(await post(body("voice", MediaId="m", Format="amr", MsgId=7)))
    assert reply
    assert turns == []


async def test_a_failed_answer_is_told(worker, settings, monkeypatch):
    async def fail(turn: Turn) -> str:
        raise RuntimeError("inner")

    monkeypatch.setattr(agents, "current", fail, raising=False)
    settings.BOTFLOW_AGENT = "tests.conversations.agents.current"
    settings.LANGUAGE_CODE = "en"
    reply = await chat(worker, text("hi"))
    assert reply and "inner" not in reply


async def test_a_follower_who_floods_is_told_and_costs_nothing(worker, turns, settings):
    settings.WECHAT_RATE = 3
    for number in range(3):
        await post(text(f"{number}"))

    assert said(await post(text("more of it")))
    await worker.work()
    assert turns == ["0", "1", "2"]


async def test_events_that_ask_nothing_are_no_flood(worker, turns, settings):
    settings.WECHAT_RATE = 3
    for number in range(4):
        at = 1_795_000_000 + number  # two of one second are one event that came twice
        await post(event("LOCATION", Latitude=1, Longitude=2, CreateTime=at))

    assert await chat(worker, text("hi")) == "re: hi"


async def test_a_reply_that_wechat_gave_up_at_last_is_put_back(worker, turns, monkeypatch):
    xml = text("hi")
    await post(xml)
    await asyncio.sleep(0.3)
    await worker.work()
    stuck = asyncio.Event()
    real = views.take

    def slow_take(wishes: Any) -> Any:
        replies = real(wishes)
        loop.call_soon_threadsafe(stuck.set)
        return replies

    loop = asyncio.get_running_loop()
    monkeypatch.setattr(views, "take", slow_take)
    request = asyncio.create_task(post(xml))
    await stuck.wait()
    request.cancel()
    await asyncio.wait([request])
    monkeypatch.setattr(views, "take", real)

    await until(lambda: Message.objects.filter(delivery_state="held").exists())
    assert said(await post(text("继续"))) == "re: hi"


class TestCustomerService:
    """An account that may send: what is late goes out by itself."""

    @pytest.fixture(autouse=True)
    def service(self, settings: Any) -> None:
        settings.WECHAT_REPLY = "customer_service"
        settings.WECHAT_APP_SECRET = "secretOfTheTests"
        settings.WECHAT_TYPING = False

    async def test_what_is_late_is_left_to_its_delivery_at_once(self, worker, turns):
        assert said(await post(text("hi"))) == ""
        states = await read(lambda: list(Run.objects.values_list("action", flat=True)))
        assert states == [ANSWER]

    async def test_the_delivery_begins_after_the_request_was_answered(self, worker, turns):
        request = asyncio.create_task(post(text("hi")))
        await until(is_waiting)
        run = await worker.start()
        await worker.carry(run)
        delivery = await read(lambda: Run.objects.get(action="conversations.deliver"))
        inbound = await read(Inbound.objects.get)
        assert delivery.fire_at == inbound.held_until
        assert said(await request) == "re: hi"
        await worker.work()
        assert await delivery_states() == ["sent"]


async def test_the_same_signature_with_another_message_is_refused(worker, turns):
    query = signed()
    await post(text("one"), query)
    answer: HttpResponse = await post(text("two"), query)
    assert answer.status_code == 403
    await worker.work()
    assert turns == ["one"]


async def test_a_fault_behind_the_signature_is_still_a_success(worker, turns, monkeypatch):
    def broken(*items: Any) -> Any:
        raise RuntimeError("broken")

    monkeypatch.setattr(views, "note", broken)
    assert said(await post(text("hi"))) == ""


async def test_a_body_larger_than_any_message_is_refused(worker, turns):
    answer = await post(text("a" * 300_000))
    assert answer.status_code == 413


async def test_without_a_token_there_is_no_such_address(worker, settings):
    query = signed()
    settings.WECHAT_TOKEN = ""
    assert (await post(text("hi"), query)).status_code == 404


async def test_whoever_writes_follows_again_though_their_return_was_never_told(worker, turns):
    await post(event("subscribe", EventKey=""))
    await post(event("unsubscribe", EventKey=""))
    assert not (await read(Follower.objects.get)).is_subscribed

    assert await chat(worker, text("hi")) == "re: hi"

    assert (await read(Follower.objects.get)).is_subscribed
