"""Accounts that may send messages: an answer in time is the reply, a later one a message, once."""

from __future__ import annotations

import asyncio

import pytest

from tests.wechat_site.scenarios import LONG, Person, Story, Told, started, tell
from wechat.simulator import OfficialAccount, Simulator

LATE = (7, 12, LONG)


def asks(seconds: float) -> Story:
    async def story(person: Person) -> None:
        await person.asks(seconds)
        if not person.count("end of"):
            await person.is_pushed("end of", seconds=seconds + 5)

    return story


async def sends_copies(person: Person) -> None:
    await person.asks(7, copies=20)
    await person.is_pushed("end of", seconds=10)


async def is_asked_for_again(person: Person) -> None:
    sent = await person.asks(7)
    await person.is_pushed("end of", seconds=10)
    await person.repeats(sent, to_the_end=True)


async def asks_while_it_answers(person: Person) -> None:
    first = asyncio.create_task(person.asks(6))
    await asyncio.sleep(1.5)
    await asyncio.gather(first, person.asks(3))
    await person.is_pushed(person.question(3), seconds=15)


STORIES = {
    **{f"agent of {seconds:g} s": asks(seconds) for seconds in (1, 4, *LATE)},
    "copies": sends_copies,
    "repeated": is_asked_for_again,
    "two questions": asks_while_it_answers,
}


async def finds_out(person: Person) -> None:
    """Fetch an answer of an account of which it is not known before that it may not send."""
    await person.asks(7)
    await person.picks_up("end of", seconds=20)


async def tell_all() -> dict[str, Told]:
    async def of(mode: str, reply: str, stories: dict[str, Story], *, is_verified: bool) -> Told:
        account = OfficialAccount(mode, is_verified)
        async with Simulator(account) as simulator, started(simulator, WECHAT_REPLY=reply) as site:
            return await tell(site, simulator, stories)

    sites = {
        "customer_service": of("secure", "customer_service", STORIES, is_verified=True),
        "auto": of("plain", "auto", STORIES, is_verified=True),
        "unverified": of("plain", "auto", {"finds out": finds_out}, is_verified=False),
    }
    return dict(zip(sites, await asyncio.gather(*sites.values()), strict=True))


@pytest.fixture(scope="module")
def by_reply() -> dict[str, Told]:
    return asyncio.run(tell_all())


@pytest.fixture(params=["customer_service", "auto"])
def told(request: pytest.FixtureRequest, by_reply: dict[str, Told]) -> Told:
    return by_reply[request.param]


def test_an_answer_in_time_is_the_reply(told: Told) -> None:
    person = told.check("agent of 1 s", 1)

    assert person.sent[0].answered_by == 1
    assert not person.pushed


def test_an_answer_at_the_deadline_goes_one_way_only(told: Told) -> None:
    told.check("agent of 4 s", 4)


@pytest.mark.parametrize("seconds", LATE)
def test_a_later_answer_reaches_its_follower_once(told: Told, seconds: float) -> None:
    person = told.check(f"agent of {seconds:g} s", seconds)

    assert person.sent[0].answered_by != 1


def test_a_later_answer_is_sent_and_wechat_has_no_reason_to_ask_again(told: Told) -> None:
    people = [told.people[f"agent of {seconds:g} s"] for seconds in LATE]

    # Not all of them: on a busy machine one request may be answered after WeChat has hung up.
    assert any(len(person.pushed) == len(person.sent[0].answers) == 1 for person in people)


def test_twenty_requests_at_once_are_one_turn_and_one_message(told: Told) -> None:
    told.check("copies", 7)


def test_requests_after_the_answer_was_sent_bring_it_no_second_time(told: Told) -> None:
    person = told.check("repeated", 7)

    assert len(person.sent[0].answers) == 4
    assert not person.sent[0].said


def test_a_question_asked_while_another_is_answered_is_answered_too(told: Told) -> None:
    told.check("two questions", 6, 3)


def test_an_account_that_turns_out_not_to_be_allowed_keeps_its_answers(
    by_reply: dict[str, Told],
) -> None:
    person = by_reply["unverified"].check("finds out", 7)

    assert not person.pushed


def test_nothing_fails_on_the_way(by_reply: dict[str, Told]) -> None:
    assert not [name for name, told in by_reply.items() if "Traceback" in told.logs]
