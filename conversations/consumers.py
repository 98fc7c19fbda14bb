"""The WebSocket of the web chat: translates frames in and out, and calls inward once for each."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any

import structlog
from channels.consumer import AsyncConsumer
from channels.exceptions import StopConsumer
from channels.layers import get_channel_layer
from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.utils.translation import gettext as _
from redis.exceptions import RedisError

from conversations import inbound, reading
from conversations.admission import Refused, admit, language
from conversations.arriving import arrive
from conversations.branching import MessageNotFound, choose_versions
from conversations.channels.web import NOT_FOUND, group_name, send_frames
from conversations.commands.tasks import TaskWish
from conversations.deleting import delete_messages
from conversations.following import Following
from conversations.frames import Frame, conversation_frame, encode, error_frame, message_frame
from conversations.growing import Growing
from conversations.identity import Identity
from conversations.inbound import FrameError
from conversations.limits import Flood, TokenBucket
from conversations.reading import ConversationNotFound, Place
from conversations.receiving import Incoming, Received
from conversations.socket_queries import SocketQuery, read_query
from conversations.steering import Steering, retry_answers
from conversations.uploads import FilesNotFound
from conversations.watching import watcher
from scheduling.group_commit import group_commit

#: What follows a frame about one message.
CHANGES: dict[type[inbound.Command], Callable[..., Any]] = {
    inbound.Retry: retry_answers,
    inbound.Choose: choose_versions,
    inbound.Delete: delete_messages,
}

logger = structlog.stdlib.get_logger(__name__)

# Close codes: daphne lets an application send none below 3000 but 1000.
LOGIN_NEEDED, TRY_LATER, FLOODED = 4401, 4503, 4429
# Seconds between the pages of a long catch-up: time for the client to read one.
PAGE_PAUSE = 0.05


class ChatConsumer(Following, AsyncConsumer):
    """One socket of one reader in one conversation."""

    place: Place
    token: str
    locale: str
    #: The change up to which this socket was told of every one.
    seq = 0
    #: Whether `welcome` was sent, and what came before it: from then on frames go out at once.
    is_welcome = False

    def __init__(self) -> None:
        self.is_open = False
        # What was shown to the conversation while this socket was being opened.
        self.early: list[dict[str, Any]] = []
        self.bucket = TokenBucket(settings.BOTFLOW_FRAME_RATE, settings.BOTFLOW_FRAME_BURST)
        # Client ids or message ids of what this socket said and nobody answered yet.
        self.waiting: set[str] = set()
        # Messages whose end was shown before this socket knew that they were stored.
        self.overtaken: set[str] = set()
        # Changes it was told of beyond `seq`, while one between is missing.
        self.ahead: set[int] = set()
        self.storing = 0
        self.group = ""
        self.tasks: set[asyncio.Task[None]] = set()
        # Where the socket asked for the HTML of growing replies.
        self.growing: Growing | None = None
        self.catching_up = asyncio.Lock()

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        """Serve the socket until it closes: its events in one loop, the layer's in another.

        Channels' own loop makes a task for each event, and crosses into a thread before each to
        close connections that this consumer never uses: a sixth of what a message costs here.
        """
        self.scope, self.base_send = scope, send
        self.channel_layer = get_channel_layer(self.channel_layer_alias)
        self.channel_name = await self.channel_layer.new_channel()
        listening = asyncio.create_task(self._listen())
        listening.add_done_callback(self._reap)
        handlers = {
            "websocket.connect": self.websocket_connect,
            "websocket.receive": self.websocket_receive,
            "websocket.disconnect": self.websocket_disconnect,
        }
        try:
            while True:
                event = await receive()
                await handlers[event["type"]](event)
        except StopConsumer:
            return
        finally:
            listening.cancel()
            await self._leave()

    async def _listen(self) -> None:
        while True:
            await self.chat_frames(await self.channel_layer.receive(self.channel_name))

    # -- opening and closing -----------------------------------------------------------------------

    async def websocket_connect(self, message: dict[str, Any]) -> None:
        query = read_query(self.scope["query_string"])
        try:
            identity = await group_commit().read(admit, self.scope, query.token, query.is_embedded)
            if identity is None:
                await self._refuse("login_required", _("Please sign in."), LOGIN_NEEDED)
                return
            self.token = identity.token
            self.locale = query.language or language(self.scope)
            self.place = await group_commit().read(reading.find_place, identity, query.wanted)
            await self._remember_zone(query.timezone)
        except Refused:
            await self.send({"type": "websocket.close", "code": 4403})
            raise StopConsumer from None
        except (ConversationNotFound, ValueError):
            detail = _("There is no such conversation.")
            await self._refuse("not_found", detail, NOT_FOUND)
            return
        except (DatabaseError, InterfaceError):
            logger.exception("A socket could not be opened.")
            await self._refuse("unavailable", _("Please try again in a moment."), TRY_LATER)
            return
        await self.send({"type": "websocket.accept"})
        await self._join(query)

    async def _remember_zone(self, zone: str) -> None:
        """Store the reader's zone where it has changed; a first message takes it along."""
        if zone and zone != self.place.timezone:
            self.place.timezone = zone
            if self.place.pk:
                await group_commit()(reading.remember_zones, self.place)

    async def _join(self, query: SocketQuery) -> None:
        """Join the group before reading, so that nothing falls between the two."""
        structlog.contextvars.bind_contextvars(conversation=str(self.place.uuid))
        self.group = group_name(self.place.uuid)
        await self.channel_layer.group_add(self.group, self.channel_name)
        if self.place.pk:
            seqs = await group_commit().read(reading.latest_seqs, [self.place.pk])
            self.place.seq = seqs.get(self.place.pk, 0)
        self.seq = self.place.seq
        self.growing = Growing(self._send) if query.renders else None
        await self._send(
            encode(
                type="welcome",
                conversation=str(self.place.uuid),
                seq=self.place.seq,
                token=self.token,
                read=self.place.read_seq,
            )
        )
        while self.early:
            await self._pass_on(self.early.pop(0))
        self.is_open = self.is_welcome = True
        watcher().add(self)
        if query.after is not None:
            self._spawn(self.catch_up(query.after))

    async def _refuse(self, code: str, detail: str, close_code: int) -> None:
        """Accept, say why, close: a refused handshake would tell a browser nothing."""
        await self.send({"type": "websocket.accept"})
        await self._send(error_frame(code, detail).text)
        await self.send({"type": "websocket.close", "code": close_code})

    async def websocket_disconnect(self, message: dict[str, Any]) -> None:
        # What was received is stored all the same; only reading ends with the socket.
        raise StopConsumer

    async def _leave(self) -> None:
        self.is_open = False
        watcher().discard(self)
        if self.growing:
            self.growing.close()
        if self.group:
            with contextlib.suppress(OSError, RedisError):
                await self.channel_layer.group_discard(self.group, self.channel_name)

    async def close(self, code: int) -> None:
        self.is_open = False
        await self.send({"type": "websocket.close", "code": code})

    # -- from the client ---------------------------------------------------------------------------

    async def websocket_receive(self, message: dict[str, Any]) -> None:
        if not self.is_open:
            return
        try:
            self.bucket.take()
            text = message.get("text")
            if text is None:
                raise FrameError("bad_frame", _("Frames must be text, not binary."))
            await self._follow(inbound.parse(text))
        except FrameError as error:
            await self._send_error(error.code, error.detail, error.client_id)
        except Flood:
            logger.warning("A socket sent too many frames and was closed.")
            await self.close(FLOODED)

    async def _follow(self, command: inbound.Command) -> None:
        """Answer at once, or start what must wait: one slow command holds up no other frame."""
        match command:
            case inbound.Ping():
                self._spawn(self._pong())
            case inbound.Say():
                self._say(command)
            case inbound.Stop():
                if self.place.pk:
                    self._spawn(self._stop(Steering(self.place.pk)))
            case inbound.Retry() | inbound.Choose() | inbound.Delete():
                if self.place.pk is None:
                    raise FrameError("not_found", _("There is no such message."))
                steering = Steering(self.place.pk, command.id)
                self._spawn(self._change(CHANGES[type(command)], steering))
            case inbound.Resume():
                self._spawn(self.catch_up(command.after))
            case inbound.History():
                self._spawn(self._show_history(command))
            case inbound.Read():
                self._note_read(command.seq)
            case inbound.ListTasks():
                self._spawn(self._show_tasks())
            case inbound.SteerTask():
                if self.place.pk is None:
                    raise FrameError("not_found", _("There is no such task."))
                wish = TaskWish(self.place.pk, command.number, command.do)
                self._spawn(self._steer_task(wish))

    async def _pong(self) -> None:
        """Answer after a `resume` that came before: the pong says that nothing is missing."""
        async with self.catching_up:
            await self._send('{"type":"pong"}')

    def _say(self, command: inbound.Say) -> None:
        if len(self.waiting) + self.storing >= settings.BOTFLOW_MAX_WAITING:
            detail = _("Too many messages wait for their answer; please wait a moment.")
            raise FrameError("rate_limited", detail, client_id=command.client_id)
        self.storing += 1
        self._spawn(self._store(command))

    async def _store(self, command: inbound.Say) -> None:
        incoming = Incoming(
            channel=reading.WEB,
            address=str(self.place.uuid),
            content=command.content,
            content_type=command.content_type,
            attachment=command.attachment,
            files=command.files,
            replaces=command.replaces,
            external_id=command.client_id,
            participant=self.place.participant,
            conversation_uuid=self.place.uuid,
            locale=self.locale,
            timezone=self.place.timezone,
        )
        try:
            received = await arrive(incoming)
        except MessageNotFound:
            detail = _("There is no such message.")
            await self._send_error("not_found", detail, command.client_id)
            return
        except FilesNotFound:
            await self._send_error("not_found", _("There is no such file."), command.client_id)
            return
        except (DatabaseError, InterfaceError):
            logger.exception("A message could not be stored.")
            detail = _("Your message could not be stored. Please send it again.")
            await self._send_error("unavailable", detail, command.client_id)
            return
        finally:
            self.storing -= 1
        self.place.pk = received.message.conversation_id
        await self._acknowledge(received)

    async def _acknowledge(self, received: Received) -> None:
        message = received.message
        frame = message_frame(message)
        is_overtaken = str(message.uuid) in self.overtaken
        if not self.storing:
            self.overtaken.clear()
        if received.is_new:
            if is_overtaken:
                self._spawn(self.catch_up(message.seq))  # shows it as it is by now
            else:
                self.waiting.add(str(message.uuid))
            logger.info("Received a message.", message=message.pk)
            # Straight to the own socket: through the layer the answer might overtake it.
            await self._send_frame(frame)
            await send_frames(self.place.uuid, [frame], sender=self.channel_name)
            return
        # Sent before: the reader may have missed what came of it.
        await self._send(frame.text)
        reply = await group_commit().read(reading.reply_of, message)
        if reply:
            await self._send(message_frame(reply, reply_to=message.uuid).text)

    async def _show_history(self, command: inbound.History) -> None:
        page = await group_commit().read(
            reading.history, self.place.pk, command.before, command.limit
        )
        await self._send(page)

    async def catch_up(self, after: int) -> None:
        """Send every message changed after `after`, whole, in pages the client can keep up with."""
        async with self.catching_up:
            while self.is_open and self.place.pk:
                page = await group_commit().read(reading.changes, self.place.pk, after)
                for frame in page.frames:
                    await self._send_frame(frame)
                self.waiting.difference_update(page.settled)
                if not page.has_more:
                    self.seq = max(self.seq, page.seq)
                    self.ahead = {seq for seq in self.ahead if seq > self.seq}
                    return
                after = page.frames[-1].seq
                await asyncio.sleep(PAGE_PAUSE)

    # -- to the client -----------------------------------------------------------------------------

    async def chat_frames(self, event: dict[str, Any]) -> None:
        """Pass on what a worker or another socket of this conversation shows, after `welcome`."""
        if self.is_welcome:
            await self._pass_on(event)
        else:
            self.early.append(event)

    async def _pass_on(self, event: dict[str, Any]) -> None:
        if self.place.pk is None:
            self._spawn(self._learn_pk())
        if event["sender"] == self.channel_name:
            return
        for text, seq, settles in event["frames"]:
            if settles and self.storing and settles not in self.waiting:
                self.overtaken.add(settles)
            self.waiting.discard(settles)
            await self._send_frame(Frame(text, seq))
        if code := event.get("close"):
            await self.close(code)

    async def end_erased(self) -> None:
        """Tell the reader that the conversation is gone, and close."""
        await self._send(conversation_frame(self.place.uuid, is_deleted=True).text)
        await self.close(NOT_FOUND)

    async def _learn_pk(self) -> None:
        """Find the row that another socket of this reader has made by now."""
        with contextlib.suppress(ConversationNotFound):
            identity = Identity(self.place.participant)
            found = await group_commit().read(reading.find_place, identity, self.place.uuid)
            self.place.pk = found.pk

    async def _send_frame(self, frame: Frame) -> None:
        self._note(frame)
        if frame.text:
            await self._send(frame.text)

    def _note(self, frame: Frame) -> None:
        """Note what a frame told of; one that was lost must not be hidden by the next."""
        # A frame without text stands for a saved part: of the reply, and of what it answers.
        told = (frame.seq,) if frame.text else (frame.seq - 1, frame.seq)
        self.ahead.update(seq for seq in told if seq > self.seq)
        while self.seq + 1 in self.ahead:
            self.seq += 1
            self.ahead.discard(self.seq)

    async def _send_error(self, code: str, detail: str, client_id: str = "") -> None:
        await self._send(error_frame(code, detail, client_id=client_id).text)

    async def _send(self, text: str) -> None:
        await self.send({"type": "websocket.send", "text": text})
        if self.growing:
            self.growing.note(text)

    def _spawn(self, work: Any) -> None:
        """Run beside the socket's own loop, which is free for the next frame."""
        task = asyncio.create_task(work)
        self.tasks.add(task)
        task.add_done_callback(self._reap)

    def _reap(self, task: asyncio.Task[None]) -> None:
        self.tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            logger.error("A frame could not be followed.", exc_info=error)
