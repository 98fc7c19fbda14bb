"""Whatever part of a site ends while WeChat asks, each answer is made, and read once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from tests.faults import rows
from tests.harness.polling import eventually
from tests.harness.site import Site
from tests.wechat_site.scenarios import (
    PATIENCE,
    Person,
    Story,
    Told,
    started,
    tell,
)
from wechat.simulator import OfficialAccount, Simulator
from wechat.simulator.faults import Fault

AGENTS = (1, 4, 7, 12)
# Seconds after the first request.
MOMENT = 2.0


def asks(seconds: float) -> Story:
    async def story(person: Person) -> None:
        await person.asks(seconds)
        if not person.count("end of"):
            await person.picks_up("end of", seconds=30)

    return story


async def is_asked_for_again(person: Person) -> None:
    """Be answered before the moment; WeChat asks again after it, as if it had seen no answer."""
    sent = await person.asks(0.5)
    await asyncio.sleep(PATIENCE)
    async with asyncio.timeout(40):
        while len(sent.answers) == 1 or sent.answers[-1].problem:
            await person.wechat.post(sent, number=2)
            await asyncio.sleep(0.2)


STORIES = {
    **{f"agent of {seconds} s": asks(seconds) for seconds in AGENTS},
    "repeated": is_asked_for_again,
}


def restart_cluster(site: Site) -> None:
    site.cluster.terminate()
    site.start_cluster()


def kill_cluster(site: Site) -> None:
    site.cluster.kill_all()
    site.start_cluster()


def kill_worker(site: Site) -> None:
    site.cluster.kill("worker")


def restart_web(site: Site) -> None:
    site.web.terminate()
    site.start_web()


def kill_web(site: Site) -> None:
    site.web.kill_all()
    site.start_web()


HAPPENS: dict[str, Callable[[Site], None]] = {
    "the cluster is restarted": restart_cluster,
    "the cluster is killed": kill_cluster,
    "the worker is killed": kill_worker,
    "the web server is restarted": restart_web,
    "the web server is killed": kill_web,
}


async def tell_all() -> dict[str, Told]:
    ready = asyncio.Barrier(len(HAPPENS))

    async def of(happens: Callable[[Site], None]) -> Told:
        account = OfficialAccount("plain")
        async with Simulator(account) as simulator, started(simulator) as site:
            await ready.wait()  # that no site tells its stories while another is still starting
            stories = asyncio.create_task(tell(site, simulator, STORIES))
            await asyncio.sleep(MOMENT)
            await asyncio.to_thread(happens, site)
            return await stories

    told = await asyncio.gather(*map(of, HAPPENS.values()))
    return dict(zip(HAPPENS, told, strict=True))


@pytest.fixture(scope="module")
def by_event() -> dict[str, Told]:
    return asyncio.run(tell_all())


@pytest.mark.parametrize("seconds", AGENTS)
@pytest.mark.parametrize("event", [event for event in HAPPENS if "web" in event])
def test_no_end_of_a_web_server_costs_a_second_turn_or_an_answer(
    by_event: dict[str, Told], event: str, seconds: int
) -> None:
    person = by_event[event].check(f"agent of {seconds} s", seconds)

    was_cut_off = person.sent[0].answers[0].problem not in ("", "hung up")
    assert was_cut_off == (seconds > MOMENT)


@pytest.mark.parametrize("seconds", AGENTS)
@pytest.mark.parametrize("event", [event for event in HAPPENS if "web" not in event])
def test_no_end_of_a_worker_loses_or_doubles_an_answer(
    by_event: dict[str, Told], event: str, seconds: int
) -> None:
    was_killed = "killed" in event and seconds > MOMENT
    by_event[event].check(f"agent of {seconds} s", seconds, turns=2 if was_killed else 0)


@pytest.mark.parametrize("event", HAPPENS)
def test_a_request_after_it_gets_the_same_as_one_before(
    by_event: dict[str, Told], event: str
) -> None:
    person = by_event[event].check("repeated", 0.5)

    answers = person.sent[0].answers
    assert answers[0].reply and answers[-1].reply


async def test_a_message_on_its_way_when_the_worker_is_killed_is_not_sent_again() -> None:
    """It may have arrived, as it has here."""

    async def story(person: Person) -> None:
        await person.asks(1)
        await eventually(lambda: slow.times == 0, "the message to be sent")
        await asyncio.to_thread(site.cluster.kill, "worker")
        await eventually(lambda: delivery_states(site) == ["unknown"], "the delivery to end")

    settings = {"WECHAT_REPLY": "customer_service", "WECHAT_REPLY_DEADLINE": 0.5}
    async with Simulator() as simulator, started(simulator, **settings) as site:
        slow = Fault("message/custom/send", delay_seconds=1.5)
        simulator.platform.script.add(slow)
        told = await tell(site, simulator, {"one": story})

    assert told.people["one"].pushed == ["end of one sleep 1 s"]


def delivery_states(site: Site) -> list[str]:
    sql = "SELECT delivery_state FROM conversations_message WHERE role = 'assistant'"
    return [state for (state,) in rows.query(site, sql)]
