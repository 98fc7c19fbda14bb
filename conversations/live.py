"""A reply while it streams: deltas go out at a readable pace, the text is saved now and then."""

from __future__ import annotations

import asyncio
import logging
from types import TracebackType
from typing import Self

from django.conf import settings
from django.utils import timezone, translation
from django.utils.translation import gettext as _

from conversations import replies, texts
from conversations.agents import Chunk
from conversations.budgets import Charge, Used
from conversations.channels import get_channel
from conversations.frames import Frame, delta_frame, message_frame, status_frame
from conversations.models import Message
from conversations.replies import ReplyText
from scheduling.attempts import LostLease
from scheduling.claiming import Claim
from scheduling.group_commit import group_commit
from scheduling.models import Run

logger = logging.getLogger(__name__)

# Seconds between two deltas of one reply: faster than one reads.
DELTA_EVERY = 0.04
# Characters of Markdown that take too long to render in the event loop.
RENDER_AT_ONCE = 500
# Seconds until a reply is first saved, and between later saves: what a reload may be behind by.
FIRST_SAVE, SAVE_EVERY = 0.25, 1.0
# What this process shows and saves in a second, all its replies together: of more than 100 each is
# shown less often, of more than 200 saved less often. Of 500 it is every 200 ms and every 2.5 s.
DELTAS_PER_SECOND, SAVES_PER_SECOND = 2500, 200

# The replies that are being written in this process; it is for pacing alone.
_live: set[LiveReply] = set()


def paced(seconds: float, most_per_second: float) -> float:
    """Return the pause, or a longer one where so many replies live would exceed the most."""
    return max(seconds, len(_live) / most_per_second)


class LiveReply:
    """Collects chunks; as a context manager it shows and saves them beside the agent's work.

    A quick reply is over before its first save and costs no write but the last. A second attempt
    has readers forget the text of the first before its own begins.
    """

    def __init__(self, message: Message, run: Run, merged: tuple[Message, ...] = ()) -> None:
        self.message = message
        self.merged = merged
        self.claim = Claim(run.pk, run.attempt)
        self.channel = get_channel(message.conversation.channel)
        self.is_again = run.attempt > 1
        self.content = ""
        self.detail = ""
        self.is_cut = False
        self.input_tokens: int | None = None
        self.output_tokens: int | None = None
        self.created_at = timezone.now()
        self._open_pair = ""
        self._shown, self._saved = 0, -1
        self._has_more = asyncio.Event()
        self._keepers: list[asyncio.Task[None]] = []
        self._saving: asyncio.Task[None] | None = None
        # Goes out with the first delta if that is there at once, else alone.
        said = (message, *merged)
        self._announcement = [status_frame(one.uuid, Message.State.ANSWERING) for one in said]
        if message.is_prompt:
            # Nobody has been shown it: its own run has made it.
            self._announcement.insert(0, message_frame(message))

    async def __aenter__(self) -> Self:
        if self.is_again:
            stored = await group_commit()(replies.save_parts, self.text())
            if stored:
                await self._show([message_frame(stored, reply_to=self.message.uuid)])
        _live.add(self)
        # Not yet tasks: many a reply is over before the event loop turns.
        self._starting = asyncio.get_running_loop().call_soon(self._start_keeping)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        _live.discard(self)
        self._starting.cancel()
        for keeper in self._keepers:
            keeper.cancel()
        if self._saving and not self._saving.done():
            # Or this part might be written after the end of the reply.
            await asyncio.wait([self._saving])

    def _start_keeping(self) -> None:
        self._keepers = [
            asyncio.create_task(self._keep_showing()),
            asyncio.create_task(self._keep_saving()),
        ]

    async def add(self, chunk: Chunk) -> bool:
        """Append a chunk; return False once the reply has reached its longest."""
        if chunk.input_tokens is not None:
            self.input_tokens = chunk.input_tokens
        if chunk.output_tokens is not None:
            self.output_tokens = chunk.output_tokens
        text, self._open_pair = texts.split_open_pair(self._open_pair + chunk.text)
        self.content += texts.clean(text)
        if len(self.content) > settings.BOTFLOW_MAX_REPLY_LENGTH:
            self.content = self.content[: settings.BOTFLOW_MAX_REPLY_LENGTH]
            self.is_cut = True
            with translation.override(self.message.conversation.locale):
                self.detail = _("The reply was cut at its longest.")
            return False
        if self._shown == 0 and self.content:
            await self._show(self._delta())
        elif text:
            self._has_more.set()
        return True

    def used(self, *, is_cut: bool = False, failed: bool = False) -> Used:
        """Return what the agent said and reported so far, and how it came to an end."""
        return Used(
            self.content,
            self.input_tokens,
            self.output_tokens,
            is_cut=is_cut or self.is_cut,
            failed=failed,
        )

    def text(self, process_time_ms: int | None = None, charge: Charge | None = None) -> ReplyText:
        return ReplyText(
            to=self.message,
            content=self.content,
            created_at=self.created_at,
            input_tokens=self.input_tokens,
            output_tokens=self.output_tokens,
            process_time_ms=process_time_ms,
            detail=self.detail,
            merged=self.merged,
            is_cut=self.is_cut,
            is_again=self.is_again,
            claim=self.claim,
            charge=charge,
        )

    async def save(self) -> None:
        """Store the text so far and that the message is being answered; raises LostLease."""
        self._saved = len(self.content)
        await group_commit()(replies.save_parts, self.text())
        # No frame says so, but readers need not ask for a change that the deltas have told.
        await self._show([Frame("", seq=self.message.seq)])

    async def show_end(self, reply: Message) -> None:
        """Show the stored reply whole, and that its message is answered."""
        if len(reply.content) > RENDER_AT_ONCE:
            whole = await asyncio.to_thread(message_frame, reply, reply_to=self.message.uuid)
        else:
            whole = message_frame(reply, reply_to=self.message.uuid)
        statuses = [
            status_frame(one.uuid, one.state, seq=one.seq, detail=one.detail)
            for one in (self.message, *self.merged)
        ]
        await self._show([*self._delta(), whole, *statuses])
        logger.info("Answered a message in %d ms.", reply.process_time_ms or 0)

    async def _keep_showing(self) -> None:
        """Show what was said as soon as the last delta is old enough."""
        await self._show([])
        while True:
            await asyncio.sleep(paced(DELTA_EVERY, DELTAS_PER_SECOND))
            await self._has_more.wait()
            self._has_more.clear()
            await self._show(self._delta())

    async def _keep_saving(self) -> None:
        """Save first that the message is being answered, then what was said since."""
        pause = FIRST_SAVE
        while True:
            await asyncio.sleep(paced(pause, SAVES_PER_SECOND))
            pause = SAVE_EVERY
            if len(self.content) > self._saved:
                self._saving = asyncio.create_task(self.try_to_save())
                await asyncio.shield(self._saving)

    async def try_to_save(self) -> None:
        """Store the text so far if that can be done; the reply goes on, or ends, either way."""
        try:
            await self.save()
        except LostLease:
            logger.warning("Message %s is answered elsewhere by now.", self.message.pk)
        except Exception:  # Boundary: a part that was not saved is in the next one, or in the end.
            logger.exception("A part of a reply could not be saved.")

    def _delta(self) -> list[Frame]:
        if self._shown == len(self.content):
            return []
        offset, self._shown = self._shown, len(self.content)
        return [delta_frame(self.message.reply_uuid, offset, self.content[offset:])]

    async def _show(self, frames: list[Frame]) -> None:
        frames, self._announcement = [*self._announcement, *frames], []
        if not (frames and self.channel.streams):
            return
        try:
            await self.channel.show(self.message.conversation.uuid, frames)
        except (
            Exception
        ):  # Boundary: frames may be lost; what the agent says is stored all the same.
            logger.exception("Live frames could not be shown.")
