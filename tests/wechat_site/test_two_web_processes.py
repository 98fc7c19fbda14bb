"""Two web servers of one site, to which WeChat's requests go in turn, are like one."""

from __future__ import annotations

import asyncio

import pytest

from tests.harness import services
from tests.harness.polling import free_port
from tests.harness.site import Site, migrated_postgres
from tests.wechat_site.scenarios import PICKUP, Person, Told, started, tell
from wechat.simulator import OfficialAccount, Simulator

AGENTS = (1, 4, 7, 12)


async def is_asked_for_again(person: Person) -> None:
    await person.repeats(person.writes(person.question(1)), to_the_end=True)


async def fetches_the_answer(person: Person) -> None:
    await person.asks(17)
    await asyncio.sleep(3)
    pickup = person.writes(PICKUP)
    await person.repeats(pickup, copies=6)


STORIES = {
    **{f"agent of {seconds} s": lambda one, of=seconds: one.asks(of) for seconds in AGENTS},
    "copies": lambda one: one.asks(1, copies=20),
    "late copies": lambda one: one.asks(7, copies=20),
    "repeated": is_asked_for_again,
    "fetched": fetches_the_answer,
}


async def tell_all(databases: list[str]) -> list[Told]:
    async def of(database: str) -> Told:
        account = OfficialAccount("secure" if database else "plain")
        async with (
            Simulator(account) as simulator,
            started(simulator, database_url=database) as site,
        ):
            urls = (site.url, await asyncio.to_thread(start_another_web, site))
            return await tell(site, simulator, STORIES, urls=urls)

    return list(await asyncio.gather(*map(of, databases)))


def start_another_web(site: Site) -> str:
    """Return the URL of a second web server beside the first."""
    site.port = free_port()
    site.start_web()
    site.wait_ready()
    return site.url


@pytest.fixture(scope="module")
def by_database() -> dict[str, Told]:
    urls = {"sqlite": ""}
    if services.missing("postgres") is None:
        urls["postgresql"] = migrated_postgres()
    return dict(zip(urls, asyncio.run(tell_all(list(urls.values()))), strict=True))


@pytest.fixture(params=["sqlite", "postgresql"])
def told(request: pytest.FixtureRequest, by_database: dict[str, Told]) -> Told:
    if request.param == "postgresql":
        services.require("postgres")
    return by_database[request.param]


@pytest.mark.parametrize("seconds", AGENTS)
def test_each_question_is_one_turn_and_one_answer(told: Told, seconds: int) -> None:
    told.check(f"agent of {seconds} s", seconds)


@pytest.mark.parametrize(("name", "seconds"), [("copies", 1), ("late copies", 7)])
def test_twenty_requests_at_once_all_get_the_one_answer(
    told: Told, name: str, seconds: int
) -> None:
    person = told.check(name, seconds)

    answers = [answer for answer in person.sent[0].answers if not answer.problem]
    assert len(answers) == 20 and all(answer.reply for answer in answers)


def test_what_one_has_answered_the_other_answers_the_same(told: Told) -> None:
    person = told.check("repeated", 1)

    assert [bool(answer.reply) for answer in person.sent[0].answers] == [True] * 3


def test_what_was_too_late_is_handed_over_once_to_both(told: Told) -> None:
    person = told.check("fetched", 17)

    assert person.sent[1].said == f"end of {person.question(17)}"


def test_nothing_fails_on_the_way(told: Told) -> None:
    assert "Traceback" not in told.logs
