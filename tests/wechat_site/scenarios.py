"""Followers who ask a real site, each request sent when WeChat would send it; what they read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx

from tests.harness.site import Site
from wechat.simulator import Simulator, payloads
from wechat.simulator.payloads import Fields
from wechat.simulator.replies import Reply, ServiceFault, read_reply
from wechat.simulator.secrecy import letters
from wechat.simulator.windows import Opening

#: Seconds until WeChat hangs up and sends the next of its requests.
PATIENCE, REQUESTS = 5.0, 3
#: Seconds that a very slow agent takes beyond the end of the last request.
LONG = PATIENCE * REQUESTS + 15
PICKUP = "继续"

STORED = """
from conversations.models import Message
replies = Message.objects.filter(role="assistant", conversation__channel="wechat")
rows = replies.order_by("pk").values_list(
    "conversation__address", "reply_to__external_id", "content", "delivery_state"
)
print(json.dumps(list(rows)))
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one request; `reply` is None for `success` and where nobody answered."""

    number: int
    seconds: float
    status: int = 0
    reply: Reply | None = None
    #: "hung up", or the name of the connection's error.
    problem: str = ""
    #: Why WeChat does not take it.
    fault: str = ""


@dataclass(slots=True)
class Sent:
    """One message of a follower, and the answers to the requests that brought it."""

    fields: Fields
    requests: int = 0
    answers: list[Answer] = field(default_factory=list)

    @property
    def replies(self) -> set[Reply]:
        """The different replies that its requests were given: never more than one."""
        return {answer.reply for answer in self.answers if answer.reply}

    @property
    def said(self) -> str:
        """The text of its one reply, "" for none; fails on two."""
        assert len(self.replies) <= 1, f"Different replies: {self.answers}"
        return next((reply.text for reply in self.replies), "")

    @property
    def faults(self) -> set[str]:
        return {answer.fault for answer in self.answers} - {""}

    @property
    def answered_by(self) -> int:
        """The number of the request that brought the reply, 0 for none."""
        return next((answer.number for answer in self.answers if answer.reply), 0)


class WeChat:
    """Sends each message to the webhooks of a site in turn, one for each of its web servers."""

    def __init__(self, simulator: Simulator, *sites: str) -> None:
        self.simulator = simulator
        self.webhooks = [f"{url}/wechat" for url in sites]
        self._http = httpx.AsyncClient(
            headers={"Content-Type": "text/xml"},
            timeout=None,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            trust_env=False,
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def post(
        self, sent: Sent, *, number: int = 1, signed: tuple[dict[str, str], bytes] | None = None
    ) -> None:
        """Send one request of a message and note its answer; `signed` is that of an earlier one."""
        query, body = signed or self.simulator.sender.signed(sent.fields)
        webhook = self.webhooks[sent.requests % len(self.webhooks)]
        sent.requests += 1
        began = time.monotonic()
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self._http.post(webhook, params=query, content=body)
        except TimeoutError:
            problem = "hung up"
        except httpx.TransportError as error:
            problem = type(error).__name__
        else:
            sent.answers.append(self._read(sent, number, began, found))
            return
        sent.answers.append(Answer(number, time.monotonic() - began, problem=problem))

    def _read(self, sent: Sent, number: int, began: float, found: httpx.Response) -> Answer:
        """Look at an answer as WeChat does."""
        seconds, openid = time.monotonic() - began, str(sent.fields["FromUserName"])
        account, body = self.simulator.account, found.content
        try:
            reply = read_reply(found.status_code, body, account=account, openid=openid)
        except ServiceFault as fault:
            return Answer(number, seconds, found.status_code, fault=str(fault))
        return Answer(number, seconds, found.status_code, reply)


class Person:
    """A follower of the account, who remembers what they sent."""

    def __init__(self, wechat: WeChat, name: str) -> None:
        self.wechat = wechat
        self.name = name
        self.sent: list[Sent] = []
        self._follower = wechat.simulator.follower(f"o{letters(27)}")

    @property
    def openid(self) -> str:
        return self._follower.openid

    def question(self, seconds: float) -> str:
        """Return what the agent takes so long to answer, unlike all that others ask."""
        return f"{self.name} sleep {seconds:g} s"

    async def asks(self, seconds: float, *, copies: int = 1) -> Sent:
        return await self.says(self.question(seconds), copies=copies)

    def writes(self, text: str) -> Sent:
        """Begin a message, which nobody has sent yet."""
        simulator = self.wechat.simulator
        sent = Sent(simulator.sender.complete(payloads.text(text), self.openid))
        self.sent.append(sent)
        with simulator.platform.lock:
            standing = simulator.platform.standings[self.openid]
            standing.open(Opening.MESSAGE, simulator.platform.clock.now())
        return sent

    async def says(self, text: str, *, copies: int = 1) -> Sent:
        """Say something; each request for it is sent in so many copies at once."""
        sent = self.writes(text)
        await self.repeats(sent, copies=copies)
        return sent

    async def repeats(self, sent: Sent, *, copies: int = 1, to_the_end: bool = False) -> None:
        """Send requests at 0, 5 and 10 s until one is answered, `to_the_end` even then.

        One that is cut off earlier is followed by the next at its time.
        """
        began = time.monotonic()
        for number in range(1, REQUESTS + 1):
            posts = (self.wechat.post(sent, number=number) for _ in range(copies))
            await asyncio.gather(*posts)
            was_answered = not all(one.problem for one in sent.answers[-copies:])
            if number == REQUESTS or (was_answered and not to_the_end):
                return
            await asyncio.sleep(max(began + number * PATIENCE - time.monotonic(), 0))

    async def picks_up(self, text: str, *, seconds: float) -> Sent:
        """Say the word again and again until this text was read; return the last message."""
        deadline = time.monotonic() + seconds
        while True:
            sent = await self.says(PICKUP)
            if self.count(text) or time.monotonic() > deadline:
                return sent

    # -- what they read --------------------------------------------------------------------------

    @property
    def pushed(self) -> list[str]:
        """The customer-service messages."""
        return [shown.text for shown in self._follower.shown if shown.how == "message"]

    @property
    def read(self) -> list[str]:
        """All texts: the reply to each message, then what was sent besides."""
        return [*filter(None, (sent.said for sent in self.sent)), *self.pushed]

    def count(self, text: str) -> int:
        return sum(shown.count(text) for shown in self.read)

    async def is_pushed(self, text: str, *, seconds: float) -> None:
        await self._follower.sees(text, seconds=seconds)


Story = Callable[[Person], Awaitable[object]]


@dataclass(frozen=True)
class Told:
    """What came of a site's stories, looked at after the last of them has ended."""

    people: dict[str, Person] = field(repr=False)
    calls: list[str] = field(repr=False)
    #: Of each stored reply: the OpenID, what it answers, its text and delivery state.
    replies: list[list[str]] = field(repr=False)
    logs: str = field(repr=False)

    def check(self, name: str, *seconds: float, turns: int = 1) -> Person:
        """Fail unless the agent was asked each question so often, and each answer read once.

        With `turns=0` the agent may have been asked again: it was killed meanwhile.
        """
        person = self.people[name]
        for question in map(person.question, seconds):
            answer = f"end of {question}"
            asked = sum(line.endswith(f" {question}") for line in self.calls)
            assert asked == turns or (asked and not turns), f"{question}: {asked} turns"
            assert person.count(answer) == 1, f"{question}: {person.read}"
            states = [state for *_of, content, state in self.replies if content == answer]
            assert states == ["sent"], f"{question}: {states}"
        assert not [fault for sent in person.sent for fault in sent.faults]
        assert all(len(sent.replies) <= 1 for sent in person.sent)
        return person


@asynccontextmanager
async def started(simulator: Simulator, **settings: object) -> AsyncIterator[Site]:
    """Yield a running site of the simulated account, which may only reply unless told otherwise."""
    own = simulator.settings() | {"WECHAT_REPLY": "passive"}
    with Site(agent="tests.agents.waits", **(own | settings)) as site:  # type: ignore[arg-type]
        site.start_web()
        site.start_cluster()
        await asyncio.to_thread(site.wait_ready)
        yield site


async def tell(
    site: Site, simulator: Simulator, stories: Mapping[str, Story], *, urls: tuple[str, ...] = ()
) -> Told:
    """Have all stories happen at the same time; each has a follower of its name."""
    wechat = WeChat(simulator, *(urls or (site.url,)))
    people = {name: Person(wechat, name) for name in stories}
    try:
        await asyncio.gather(*(story(people[name]) for name, story in stories.items()))
    finally:
        await wechat.close()
    replies = await asyncio.to_thread(site.run, STORED)
    return Told(people, site.calls(), replies, site.logs())
