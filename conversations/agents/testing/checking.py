"""The agent contract as checks: ordinary turns, stops, several turns at once."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from conversations.agents.loading import as_agent, get_agent
from conversations.agents.testing.heard import AgentContractError, Heard
from conversations.agents.testing.turns import Case, cases, make_turn
from conversations.agents.testing.watching import Watch

#: Seconds that an agent has to end once it is stopped.
STOPS_WITHIN = 1.0
#: Seconds after which an agent is stopped, whatever it has said.
BEGINS = 0.02
#: Words that one turn says and no other does.
MARKS = ("quillorn", "vashtari", "brimoelk", "tolvexim", "ondrakel")


class Contract:
    """The checks of one agent."""

    def __init__(self, agent: Any, *, timeout: float, question: str) -> None:
        self.agent = loaded(agent)
        self.timeout = timeout
        self.question = question

    async def check(self, watch: Watch) -> None:
        for case in cases(self.question):
            await self.ask(case)
            # What the first turn sets up, connections and imports, is no habit.
            watch.counts = True
        await self.check_stop("at its beginning", after_first=False)
        await self.check_stop("after its first piece", after_first=True)
        await self.check_closing()
        await self.check_several_at_once()

    # -- one turn --------------------------------------------------------------------------------

    async def ask(self, case: Case) -> Heard:
        """Have one turn answered to its end."""
        before = list(case.turn.history)
        heard = Heard(case)
        task = asyncio.create_task(heard.listen(self.agent))
        await asyncio.wait({task}, timeout=self.timeout)
        if not task.done():
            is_speaking = time.monotonic() - heard.last_at < min(1.0, self.timeout / 2)
            task.cancel()
            await asyncio.wait({task}, timeout=STOPS_WITHIN)
            state = "still spoke" if is_speaking else "was silent but not at its end"
            heard.fail(f"The agent {state} after {self.timeout:g} s; end the reply")
        if task.cancelled():
            heard.fail("The agent raised CancelledError though nobody stopped it")
        task.result()
        heard.check_failure()
        if case.turn.history != before:
            heard.fail("The agent changed turn.history; work on a copy")
        if case.turn.text and not heard.failure and not heard.text.strip():
            heard.fail("The agent said nothing; say something, or raise AgentError with a reason")
        return heard

    # -- stopping --------------------------------------------------------------------------------

    async def check_stop(self, when: str, *, after_first: bool) -> None:
        """Cancel a turn; one that is over by then cannot be stopped."""
        heard = self._heard("a turn that was stopped")
        others = asyncio.all_tasks()
        task = asyncio.create_task(heard.listen(self.agent))
        await (self._begun(task, heard) if after_first else asyncio.wait({task}, timeout=BEGINS))
        if not task.cancel():
            task.result()
            return
        await asyncio.wait({task}, timeout=STOPS_WITHIN)
        if not task.done():
            heard.fail(
                f"The agent did not stop: {STOPS_WITHIN:g} s after it was cancelled {when} it "
                "still ran; let CancelledError through"
            )
        if not task.cancelled():
            task.result()
            did = f"raised {type(heard.failure).__name__}" if heard.failure else "went on"
            heard.fail(
                f"The agent {did} when it was cancelled {when}; let CancelledError through",
                heard.failure,
            )
        await self._check_nothing_left(heard, others | {task})

    async def _check_nothing_left(self, heard: Heard, known: set[asyncio.Task[Any]]) -> None:
        left = asyncio.all_tasks() - known
        if left:
            _, left = await asyncio.wait(left, timeout=STOPS_WITHIN)
        if left:
            heard.fail(
                f"The agent left a task of its own running when it was stopped ({_name(left.pop())}"
                "); cancel it in a `finally`"
            )

    async def check_closing(self) -> None:
        """Close the stream after its first piece, as is done with a reply that is too long."""
        heard = self._heard("a turn that was closed")
        task = asyncio.create_task(heard.listen(self.agent, only_first=True))
        await self._begun(task, heard)
        await asyncio.wait({task}, timeout=STOPS_WITHIN)
        if not task.done():
            task.cancel()
            heard.fail(
                f"The agent's stream was not closed within {STOPS_WITHIN:g} s; "
                "do not wait for long in `finally`"
            )
        task.result()
        if heard.failure:
            heard.fail(
                f"The agent's stream raised {type(heard.failure).__name__} when it was closed; "
                "let GeneratorExit through",
                heard.failure,
            )

    def _heard(self, words: str) -> Heard:
        return Heard(Case(words, make_turn(self.question)))

    async def _begun(self, task: asyncio.Task[None], heard: Heard) -> None:
        """Wait for the first piece, or for the end where there is none."""
        beginning = asyncio.create_task(heard.has_begun.wait())
        wanted = asyncio.FIRST_COMPLETED
        await asyncio.wait({task, beginning}, timeout=self.timeout, return_when=wanted)
        beginning.cancel()

    # -- several turns ---------------------------------------------------------------------------

    async def check_several_at_once(self) -> None:
        """Ask turns with a word of their own at once, then one more: each knows only its own."""
        words = "one of five turns at once"
        own = [Case(words, self._marked(mark), is_plain=True) for mark in MARKS]
        # Each is listened to, so that the first to fail is not left with others that run.
        ended = await asyncio.gather(*(self.ask(case) for case in own), return_exceptions=True)
        after = Case("a turn after others", make_turn(self.question), is_plain=True)
        for mark, heard in zip([*MARKS, ""], [*ended, await self.ask(after)], strict=True):
            if isinstance(heard, BaseException):
                raise heard
            foreign = [other for other in MARKS if other != mark and other in heard.text]
            if foreign:
                heard.fail(
                    f"The agent said {foreign[0]!r}, which only another turn had in it; keep "
                    "nothing of a turn on the agent itself or in a global"
                )

    def _marked(self, mark: str) -> Any:
        history = [("user", f"My word is {mark}."), ("assistant", f"Your word is {mark}.")]
        return make_turn(f"{self.question} {mark}", history)


def loaded(agent: Any) -> Any:
    """Return what BotFlow would make of a value of BOTFLOW_AGENT, or of what that names."""
    try:
        if isinstance(agent, str):
            return get_agent(agent)
        return as_agent(agent, name=getattr(agent, "__qualname__", type(agent).__qualname__))
    except ImproperlyConfigured as error:
        raise AgentContractError(f"The agent cannot be used: {error}") from error


def _name(task: asyncio.Task[Any]) -> str:
    return getattr(task.get_coro(), "__qualname__", task.get_name())
