"""Limits of tokens: over its budget a conversation, or the site, is not answered until tomorrow."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from conversations import budgets
from conversations.agents import Chunk
from conversations.budgets import Asked, BudgetExceeded
from conversations.models import Message
from conversations.steering import Steering, retry_answers
from scheduling.actions import submit
from scheduling.ending import retry as retry_run
from scheduling.group_commit import group_commit
from scheduling.models import Run
from tests.conversations.budgeting import Metered, let_pass, use, used
from tests.conversations.working import fresh, read, receive, reply_to, say

ENGLISH = "This conversation has reached its limit for today. It can go on from "
SITE = "The assistant has reached its limit for today. It can go on from "


@pytest.fixture
def agent(use_agent):
    """An agent that uses sixty tokens each time it is asked."""
    metered = Metered([Chunk("said", input_tokens=40, output_tokens=20)])
    use_agent(metered)
    return metered


@pytest.fixture
def limits(settings):
    settings.BOTFLOW_CONVERSATION_TOKENS_PER_DAY = 100
    settings.BOTFLOW_SITE_TOKENS_PER_DAY = 0
    return settings


async def test_a_conversation_is_answered_until_its_budget_is_used_up(worker, agent, limits, web):
    said = await say("1", "2", "3", "4")

    await worker.work()

    assert agent.asked == ["1", "2"]
    said = [await fresh(message) for message in said]
    assert [message.state for message in said] == ["answered", "answered", "failed", "failed"]
    assert said[2].detail.startswith(ENGLISH)
    assert await reply_to(said[2]) is None
    told = web.frames[-1]
    assert (told["id"], told["state"], told["detail"]) == (
        str(said[3].uuid),
        "failed",
        said[3].detail,
    )
    assert await used() == [(2, 80, 40)]


async def test_the_owner_reads_on_the_run_which_limit_it_was(worker, agent, limits):
    await say("1", "2", "3")

    await worker.work()

    [run] = await read(lambda: list(Run.objects.filter(state="failed")))
    assert run.error == (
        "The conversation used 120 tokens today: BOTFLOW_CONVERSATION_TOKENS_PER_DAY is 100."
    )
    assert run.attempt == 1


async def test_other_conversations_have_budgets_of_their_own(worker, agent, limits):
    [first] = await say("1")
    await read(lambda: use(first.conversation, 100))
    [other] = await say("2", address="b")

    await worker.work()

    assert [(await fresh(message)).state for message in (first, other)] == ["failed", "answered"]


async def test_the_site_s_budget_stops_all_conversations(worker, agent, limits):
    limits.BOTFLOW_SITE_TOKENS_PER_DAY = 60
    [first] = await say("1")
    await worker.work()
    [second] = await say("2", address="b")
    [third] = await say("3", address="c")

    await worker.work()

    said = [await fresh(message) for message in (first, second, third)]
    assert [message.state for message in said] == ["answered", "failed", "failed"]
    assert said[1].detail.startswith(SITE)
    error = await read(lambda: Run.objects.filter(state="failed").first().error)
    assert error == "The site used 60 tokens today: BOTFLOW_SITE_TOKENS_PER_DAY is 60."


async def test_what_other_processes_charge_counts_within_a_second(worker, agent, limits):
    limits.BOTFLOW_SITE_TOKENS_PER_DAY = 1000
    await say("1")
    await worker.work()
    known = budgets._sum
    [message] = await say("2", address="b")
    await read(lambda: use(999, 1000))
    budgets._sum = known
    budgets._sum.taken_at -= budgets.SUM_EVERY

    await worker.work()

    assert (await fresh(message)).state == "failed"


async def test_where_nothing_is_delivered_twice_it_is_said_once(worker, agent, limits, post):
    [message] = await say("hi", channel="post")
    await read(lambda: use(message.conversation, 100))

    await worker.work()

    assert len(post.delivered) == 1
    assert post.delivered[0].startswith(ENGLISH)


@pytest.mark.parametrize(
    ("locale", "zone", "expected"),
    [
        ("en", "UTC", "It can go on from Thursday, 5 March 2026 at 00:00."),
        ("en", "Asia/Shanghai", "It can go on from Thursday, 5 March 2026 at 08:00."),
        ("en", "America/New_York", "It can go on from Wednesday, 4 March 2026 at 19:00."),
        (
            "zh-hans",
            "Asia/Shanghai",
            "这个对话今天的额度已经用完，2026年3月5日 星期四 08:00 之后可以继续。",
        ),
    ],
)
@pytest.mark.django_db
def test_the_sentence_is_in_the_language_and_the_zone_of_who_reads_it(
    limits, monkeypatch, locale, zone, expected
):
    noon = timezone.now().replace(year=2026, month=3, day=4, hour=12)
    monkeypatch.setattr("scheduling.clock.now", lambda: noon)
    limits.TIME_ZONE = "UTC"
    [message] = receive("hi", locale=locale, timezone=zone)
    budgets.charge([budgets.Charge(message.conversation_id, 1, 100, 0, noon)])
    message = Message.objects.select_related("conversation").get()

    [refusal] = budgets.check([Asked(message, noon)])

    assert isinstance(refusal, BudgetExceeded)
    assert refusal.permanent
    assert str(refusal).endswith(expected)


# -- going on --------------------------------------------------------------------------------------


async def exhausted(worker) -> Message:
    """Return a message that was refused."""
    [message] = await say("hi")
    await read(lambda: use(message.conversation, 100))
    await worker.work()
    assert (await fresh(message)).state == "failed"
    return message


async def test_a_retry_is_refused_on_the_same_day_and_answered_on_the_next(worker, agent, limits):
    message = await exhausted(worker)
    again = Steering(message.conversation_id, message.uuid)

    await group_commit()(retry_answers, again)
    await worker.work()
    assert (await fresh(message)).detail.startswith(ENGLISH)
    await read(lambda: let_pass(days=1))
    await group_commit()(retry_answers, again)
    await worker.work()

    message = await fresh(message)
    assert (message.state, message.detail, message.reply.content) == ("answered", "", "said")


async def test_an_owner_s_retry_of_the_run_is_answered_once_the_limit_is_raised(
    worker, agent, limits
):
    message = await exhausted(worker)
    limits.BOTFLOW_CONVERSATION_TOKENS_PER_DAY = 101

    await read(lambda: retry_run(Run.objects.get(), now=timezone.now()))
    await worker.work()

    assert (await fresh(message)).state == "answered"


async def test_an_attempt_after_a_worker_died_is_decided_the_same(worker, agent, limits):
    [message] = await say("hi")
    await read(lambda: use(message.conversation, 100))
    run = await worker.start()
    await worker.perform(run)  # and died before the end was written

    await read(lambda: Run.objects.update(state="pending", lease_expires_at=None, losses=1))
    await worker.work()

    message = await fresh(message)
    assert (message.state, agent.asked) == ("failed", [])
    assert message.detail.startswith(ENGLISH)


async def test_an_attempt_over_budget_keeps_what_the_one_before_said(worker, use_agent, limits):
    begun = asyncio.Event()
    use_agent(Metered([Chunk("half", input_tokens=100), begun]))
    [message] = await say("hi")
    run = await worker.start()
    performing = asyncio.create_task(worker.perform(run))
    await begun.wait()
    await worker.interrupt(performing, run, "lost")
    assert performing.exception()

    await read(lambda: Run.objects.update(state="pending", lease_expires_at=None, losses=1))
    await worker.work()

    reply = await reply_to(message)
    assert (reply.content, reply.state) == ("half", "failed")


# -- what is never refused -------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["/tasks", "/help", "/remind in 5m stretch", "/任务", "/taks"])
async def test_commands_are_never_refused(worker, agent, limits, command):
    limits.BOTFLOW_SITE_TOKENS_PER_DAY = 1
    limits.BOTFLOW_CONVERSATION_TURNS_PER_MINUTE = limits.BOTFLOW_SITE_TURNS_PER_MINUTE = 1
    [first, message] = await say("hi", command)
    await read(lambda: use(first.conversation, 100))

    await worker.work(most=2)

    assert (await fresh(first)).state == "failed"
    assert (await fresh(message)).state == "answered"


async def test_reminders_are_never_refused(worker, agent, limits, post):
    limits.BOTFLOW_SITE_TOKENS_PER_DAY = 1
    limits.BOTFLOW_CONVERSATION_TURNS_PER_MINUTE = limits.BOTFLOW_SITE_TURNS_PER_MINUTE = 1
    [message] = await say("/help", channel="post")
    await read(lambda: use(message.conversation, 100))
    args = {"conversation": str(message.conversation.uuid), "text": "Stretch!"}

    await read(lambda: submit("conversations.send_text", args))
    await worker.work()

    assert post.delivered[-1] == "Stretch!"


# -- what it costs ---------------------------------------------------------------------------------


def asked(number: int) -> list[Asked]:
    for place in range(number):
        receive("hi", address=f"a-{place}")
    now = timezone.now()
    return [Asked(row, now) for row in Message.objects.select_related("conversation")]


@pytest.mark.django_db
def test_a_batch_of_turns_asks_once_for_their_tokens_and_once_a_second_for_the_sites(limits):
    limits.BOTFLOW_SITE_TOKENS_PER_DAY = 1000
    turns = asked(20)
    use(turns[0].message.conversation, 100)

    with CaptureQueriesContext(connection) as first:
        refusals = budgets.check(turns)
    with CaptureQueriesContext(connection) as second:
        budgets.check(turns)

    assert [bool(refusal) for refusal in refusals] == [True] + [False] * 19
    assert (len(first), len(second)) == (2, 1)


@pytest.mark.django_db
def test_on_a_day_without_tokens_no_conversation_is_looked_up(limits):
    turns = asked(3)

    with CaptureQueriesContext(connection) as queries:
        budgets.check(turns)
        budgets.check(turns)

    assert len(queries) == 1
    assert not budgets.may_refuse(now=timezone.now())


@pytest.mark.django_db
def test_a_site_without_limits_asks_nothing(limits, django_assert_num_queries):
    limits.BOTFLOW_CONVERSATION_TOKENS_PER_DAY = 0
    use(1, 10**9)

    with django_assert_num_queries(0):
        assert not budgets.may_refuse(now=timezone.now())


@pytest.mark.django_db
def test_a_check_is_due_where_the_last_look_was_of_yesterday(limits):
    budgets.check(asked(1))
    now = timezone.now()

    assert not budgets.may_refuse(now=now)
    assert budgets.may_refuse(now=now + timedelta(days=1))
