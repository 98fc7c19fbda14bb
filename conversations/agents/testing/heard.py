"""What is heard of an agent in one turn, checked piece by piece."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import Any

from django.conf import settings

from conversations.agents.contract import AgentError, Chunk, current_turn
from conversations.agents.loading import pieces_of
from conversations.agents.testing.turns import Case


class AgentContractError(AssertionError):
    """One sentence about an agent: what it did, and what it should do."""


class Heard:
    """Listens to an agent's reply to one turn; raises AgentContractError at a wrong piece."""

    def __init__(self, case: Case) -> None:
        self.case = case
        self.text = ""
        #: What the agent raised.
        self.failure: BaseException | None = None
        self.has_begun = asyncio.Event()
        self.last_at = time.monotonic()
        self._tokens = {"input_tokens": 0, "output_tokens": 0}

    async def listen(self, agent: Any, *, only_first: bool = False) -> None:
        """Take the pieces until the end, or close the agent's stream after the first one."""
        turn = self.case.turn
        current_turn.set(turn)
        try:
            async with contextlib.aclosing(pieces_of(agent, turn)) as pieces:
                async for piece in pieces:
                    self.take(piece)
                    if only_first:
                        break
                    # An agent that never waits must not keep the loop from the limits of time.
                    await asyncio.sleep(0)
        except (AgentContractError, asyncio.CancelledError):
            raise
        except BaseException as error:  # noqa: BLE001  Boundary: an agent may raise anything.
            self.failure = error
        finally:
            turn.stopped.set()

    def take(self, piece: Any) -> None:
        self.has_begun.set()
        self.last_at = time.monotonic()
        text = piece.text if isinstance(piece, Chunk) else piece
        if not isinstance(text, str):
            self.fail(
                f"The agent gave {type(text).__name__} where text was expected; "
                "return or yield str or Chunk"
            )
        self.text += text
        most = settings.BOTFLOW_MAX_REPLY_LENGTH
        if len(self.text) > most:
            self.fail(
                f"The agent's reply has more than {most} characters and would be cut there; "
                "say less, or raise BOTFLOW_MAX_REPLY_LENGTH"
            )
        if isinstance(piece, Chunk):
            for name in self._tokens:
                self._take_tokens(name, getattr(piece, name))

    def _take_tokens(self, name: str, count: Any) -> None:
        if count is None:
            return
        if not isinstance(count, int) or isinstance(count, bool):
            self.fail(f"The agent reported {name} of type {type(count).__name__}; report an int")
        if count < 0:
            self.fail(f"The agent reported {count} {name}; report a number of tokens, or None")
        if count < self._tokens[name]:
            self.fail(
                f"The agent reported {count} {name} after {self._tokens[name]}; "
                "report the total of the whole turn so far"
            )
        self._tokens[name] = count

    def fail(self, sentence: str, because: BaseException | None = None) -> None:
        """Raise the sentence with the turn it was about."""
        raise AgentContractError(f"{sentence} (asked: {self.case.words}).") from because

    def check_failure(self) -> None:
        """Let pass only an AgentError with a sentence, and none to a plain question."""
        error = self.failure
        if error is None:
            return
        if not isinstance(error, AgentError):
            self.fail(
                f"The agent raised {type(error).__name__}: {error}; answer, or raise AgentError "
                "with a sentence for the user",
                error,
            )
        if not str(error).strip():
            self.fail("The agent raised AgentError without a sentence for the user", error)
        if self.case.is_plain:
            self.fail(f"The agent refused with AgentError: {error}", error)
