"""What a socket asks to be done with its conversation, done: each frame calls inward once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, cast

import structlog
from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext as _

from conversations.channels.web import send_frames
from conversations.commands.tasks import TaskNotFound, TaskWish, show_tasks, steer_tasks
from conversations.frames import Frame
from conversations.listing import Mark, mark_read
from conversations.reading import Place
from conversations.steering import MessageNotFound, Steering, stop_answers
from scheduling.group_commit import group_commit
from scheduling.triggers import InvalidTrigger
from scheduling.validating import sentence

# Seconds for which what is read is gathered before it is stored.
READ_PAUSE = 1.0

logger = structlog.stdlib.get_logger(__name__)


class Following:
    """The part of a socket that follows wishes; what it knows and sends is the consumer's."""

    place: Place
    channel_name: str
    #: How far the reader says to have read, while that waits to be stored.
    read_seq = 0

    async def _send(self, text: str) -> None:
        raise NotImplementedError

    async def _send_error(self, code: str, detail: str, client_id: str = "") -> None:
        raise NotImplementedError

    def _spawn(self, work: Any) -> None:
        raise NotImplementedError

    def _note_read(self, seq: int) -> None:
        """Store how far it is read, once the reader rests: scrolling tells of every message."""
        if not (self.place.pk and seq):
            return  # Nothing was said yet.
        is_waiting = self.read_seq > 0
        self.read_seq = max(self.read_seq, seq)
        if not is_waiting:
            self._spawn(self._store_read(self.place.pk))

    async def _store_read(self, pk: int) -> None:
        await asyncio.sleep(READ_PAUSE)
        mark, self.read_seq = Mark(pk, self.read_seq), 0
        await group_commit()(mark_read, mark)

    async def _stop(self, wish: Steering) -> None:
        await group_commit()(stop_answers, wish)

    async def _change(self, write: Callable[..., Any], wish: Steering) -> None:
        """Have a message tried again, chosen or deleted, and show every reader what it is now."""
        try:
            frames = cast(list[Frame], await group_commit()(write, wish))
        except MessageNotFound:
            await self._send_error("not_found", _("There is no such message."))
        except (DatabaseError, InterfaceError):
            logger.exception("A message could not be changed.")
            await self._send_error("unavailable", _("Please try again in a moment."))
        else:
            if frames:
                await send_frames(self.place.uuid, frames)

    async def _show_tasks(self) -> None:
        frame = await group_commit().read(show_tasks, self.place.pk)
        await self._send(frame.text)

    async def _steer_task(self, wish: TaskWish) -> None:
        """Do it, and show every reader of the conversation its tasks as they are now."""
        try:
            await group_commit()(steer_tasks, wish)
            frame = await group_commit().read(show_tasks, wish.conversation)
        except TaskNotFound:
            await self._send_error("not_found", _("There is no such task."))
        except InvalidTrigger as error:
            await self._send_error("bad_frame", sentence(error))
        except (DatabaseError, InterfaceError):
            logger.exception("A task could not be steered.")
            await self._send_error("unavailable", _("Please try again in a moment."))
        else:
            await self._send(frame.text)
            await send_frames(self.place.uuid, [frame], sender=self.channel_name)
