"""However often WeChat asks for one message, its answer is made once, and read once."""

from __future__ import annotations

import asyncio
import os

import pytest

from tests.wechat_site.scenarios import LONG, PATIENCE, PICKUP, Person, Told, started, tell
from wechat.simulator import OfficialAccount, Simulator

AGENTS = (1, 4, 7, 12)


async def asks_a_slow_agent(person: Person) -> None:
    await person.asks(LONG)
    await asyncio.sleep(LONG - 3 * PATIENCE + 0.5)


async def fetches_the_answer(person: Person) -> None:
    await asks_a_slow_agent(person)
    await person.says(PICKUP)
    for sent in person.sent:
        await person.repeats(sent)


async def asks_another_question(person: Person) -> None:
    await asks_a_slow_agent(person)
    await person.asks(0)


async def is_asked_for_again(person: Person) -> None:
    sent = person.writes(person.question(1))
    await person.repeats(sent, to_the_end=True)


async def uses_one_signature(person: Person) -> None:
    sent = person.writes(person.question(7))
    signed = person.wechat.simulator.sender.signed(sent.fields)
    for number in (1, 2, 3):
        await person.wechat.post(sent, number=number, signed=signed)


async def asks_while_it_answers(person: Person) -> None:
    first = asyncio.create_task(person.asks(7))
    await asyncio.sleep(1.5)
    await asyncio.gather(first, person.asks(1))


STORIES = {
    **{f"agent of {seconds} s": lambda one, of=seconds: one.asks(of) for seconds in AGENTS},
    "copies": lambda one: one.asks(1, copies=20),
    "late copies": lambda one: one.asks(7, copies=20),
    "fetched": fetches_the_answer,
    "asked again": asks_another_question,
    "repeated": is_asked_for_again,
    "one signature": uses_one_signature,
    "two questions": asks_while_it_answers,
}


async def tell_all() -> dict[str, Told]:
    async def of(mode: str) -> Told:
        async with Simulator(OfficialAccount(mode)) as simulator, started(simulator) as site:
            return await tell(site, simulator, STORIES)

    modes = ("plain", "secure")
    return dict(zip(modes, await asyncio.gather(*map(of, modes)), strict=True))


@pytest.fixture(scope="module")
def by_mode() -> dict[str, Told]:
    return asyncio.run(tell_all())


@pytest.fixture(params=["plain", "secure"])
def told(request: pytest.FixtureRequest, by_mode: dict[str, Told]) -> Told:
    return by_mode[request.param]


@pytest.mark.parametrize(("seconds", "requests"), [(1, {1}), (4, {1, 2}), (7, {2}), (12, {3})])
def test_the_request_that_waits_when_the_answer_is_there_brings_it(
    told: Told, seconds: int, requests: set[int]
) -> None:
    person = told.check(f"agent of {seconds} s", seconds)

    assert person.sent[0].answered_by in requests


def test_an_answer_that_comes_after_all_requests_is_kept_until_it_is_fetched(told: Told) -> None:
    person = told.check("fetched", LONG)

    question, pickup = person.sent
    assert question.answered_by == 3, "The last request says how to get it."
    assert pickup.said == f"end of {person.question(LONG)}"


def test_what_is_repeated_after_its_answer_was_fetched_gets_what_it_got_before(told: Told) -> None:
    person = told.check("fetched", LONG)

    assert all(len(sent.answers) > 1 and len(sent.replies) == 1 for sent in person.sent)


def test_the_next_question_brings_the_answer_that_was_too_late(told: Told) -> None:
    person = told.check("asked again", LONG, 0)

    assert person.question(LONG) in person.sent[1].said


@pytest.mark.parametrize(("name", "seconds"), [("copies", 1), ("late copies", 7)])
def test_twenty_requests_at_once_are_one_turn_and_one_answer(
    told: Told, name: str, seconds: int
) -> None:
    person = told.check(name, seconds)

    answers = [answer for answer in person.sent[0].answers if not answer.problem]
    assert len(answers) == 20 and all(answer.reply for answer in answers)


def test_a_request_after_the_answer_gets_the_same_again(told: Told) -> None:
    person = told.check("repeated", 1)

    assert [bool(answer.reply) for answer in person.sent[0].answers] == [True] * 3


def test_requests_may_have_the_signature_of_the_first(told: Told) -> None:
    told.check("one signature", 7)


def test_a_question_asked_while_another_is_answered_is_answered_too(told: Told) -> None:
    told.check("two questions", 7, 1)


def test_nothing_fails_on_the_way(told: Told) -> None:
    assert "Traceback" not in told.logs


@pytest.mark.skipif(
    os.environ.get("BOTFLOW_TEST_LONG") != "1", reason="It takes a minute: BOTFLOW_TEST_LONG=1."
)
def test_an_agent_of_a_minute_is_asked_once_and_its_answer_fetched() -> None:
    async def story(person: Person) -> None:
        await person.asks(60)
        await person.picks_up("end of", seconds=90)

    async def play() -> Told:
        async with Simulator() as simulator, started(simulator) as site:
            return await tell(site, simulator, {"minute": story})

    asyncio.run(play()).check("minute", 60)
