"""Messages that follow one another quickly are one turn in WeChat too, answered once."""

from __future__ import annotations

import asyncio

import pytest

from tests.wechat_site.scenarios import Person, Told, started, tell
from wechat.simulator import OfficialAccount, Simulator


async def asks_in_two_messages(person: Person) -> None:
    first = asyncio.create_task(person.says("Tell me this: sleep 1 s"))
    await asyncio.sleep(0.4)
    await person.says("and that")
    await first


async def asks_in_one(person: Person) -> None:
    await person.asks(1)


STORIES = {"two messages": asks_in_two_messages, "one message": asks_in_one}


@pytest.fixture(scope="module")
def told() -> Told:
    async def story() -> Told:
        async with (
            Simulator(OfficialAccount("plain")) as simulator,
            started(simulator, BOTFLOW_MERGE_PAUSE=1) as site,
        ):
            return await tell(site, simulator, STORIES)

    return asyncio.run(story())


def test_two_quick_messages_are_one_turn_with_one_answer(told: Told) -> None:
    person = told.people["two messages"]
    asked = [line for line in told.calls if "Tell me this" in line]

    assert [line.split("Tell me ")[1] for line in asked] == ["this: sleep 1 s\\nand that"]
    assert person.read == ["end of Tell me this: sleep 1 s\nand that"]
    assert not [fault for sent in person.sent for fault in sent.faults]
    # WeChat asks no second time for either: each request was answered, if with nothing.
    assert [len(sent.answers) for sent in person.sent] == [1, 1]


def test_a_message_alone_is_answered_in_its_first_request(told: Told) -> None:
    assert told.check("one message", 1).sent[0].answered_by == 1
