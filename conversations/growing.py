"""Shows a socket the HTML of replies as they grow, made of the frames that pass through it."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any
from weakref import WeakKeyDictionary

from conversations.frames import render_frame
from conversations.rendering import TEXT_MAX_CHARS, is_plain
from conversations.rendering.blocks import Blocks, References, render_blocks

logger = logging.getLogger(__name__)

# Seconds between two renders of one reply, or so many times what the last one cost; and at most.
RENDER_EVERY, TIMES_ITS_COST, LONGEST_PAUSE = 0.12, 8, 3.0
# Characters of HTML that one reply sends again and again in a second, all sockets for themselves.
TAIL_CHARS_PER_SECOND = 200_000
# After each render the process rests so many times what it cost: a fifth of one core goes into it
# at most, and every other socket is served in between.
REST = 4
# Pieces that came before what is in front of them; more are not kept.
MOST_WAITING = 2_000

Send = Callable[[str], Awaitable[None]]


class GrowingText:
    """One reply as one socket knows it."""

    def __init__(self, uuid: str, send: Send) -> None:
        self.uuid = uuid
        self.send = send
        self.is_over = False
        self.due_at = 0.0
        self.timer: asyncio.TimerHandle | None = None
        self._content = ""
        self._waiting: dict[int, str] = {}
        self._references: References = {}
        self._restart("")

    def replace(self, content: str) -> None:
        """Take the stored text; one that lags behind what the deltas told changes nothing."""
        if not self._content.startswith(content):
            if content.startswith(self._content):
                self._content = content
            else:
                self._restart(content)
        self._join_waiting()

    def append(self, offset: int, text: str) -> None:
        """Take a delta; one behind a gap waits for what is missing."""
        if len(self._waiting) < MOST_WAITING:
            self._waiting[offset] = text
        self._join_waiting()

    @property
    def is_worth_it(self) -> bool:
        """Whether there is news that plain text would not show as well."""
        if len(self._content) == self._rendered or len(self._content) > TEXT_MAX_CHARS:
            return False
        return self._is_shown or not is_plain(self._content.strip())

    async def render(self) -> float:
        """Render what is new in a thread, and send it unless the reply was over meanwhile.

        Return the processor seconds that it cost.
        """
        epoch, text = self._epoch, self._content
        blocks, cost = await asyncio.to_thread(_render, text[self._closed :], self._references)
        pause = max(RENDER_EVERY, cost * TIMES_ITS_COST, len(blocks.tail) / TAIL_CHARS_PER_SECOND)
        self.due_at = time.monotonic() + min(pause, LONGEST_PAUSE)
        if self.is_over or self._epoch != epoch:
            return cost
        chunks, self._is_shown = self._chunks, True
        self._take(blocks, len(text))
        frame = render_frame(self.uuid, chunks, len(text), blocks.closed, blocks.tail)
        await self.send(frame.text)
        return cost

    def _take(self, blocks: Blocks, length: int) -> None:
        self._rendered = length
        self._closed += blocks.length
        self._references = blocks.references
        if blocks.closed:
            self._chunks += 1

    def _join_waiting(self) -> None:
        for offset in sorted(self._waiting):
            if offset > len(self._content):
                return
            self._join(offset, self._waiting.pop(offset))

    def _join(self, offset: int, text: str) -> None:
        end = self._content[offset:]
        if text.startswith(end):
            self._content += text[len(end) :]
        elif not end.startswith(text):
            # An answer that began anew after a worker was lost, and went another way.
            self._restart(self._content[:offset] + text)

    def _restart(self, content: str) -> None:
        self._content = content
        self._epoch = object()
        self._closed = self._chunks = self._rendered = 0
        self._references = {}
        self._is_shown = False


def _render(text: str, references: References) -> tuple[Blocks, float]:
    # Not the clock: on a busy machine the others' work would count as well.
    began = time.thread_time()
    return render_blocks(text, references), time.thread_time() - began


class Growing:
    """The replies that grow in front of one socket."""

    def __init__(self, send: Send) -> None:
        self._send = send
        self._texts: dict[str, GrowingText] = {}

    def note(self, frame: str) -> None:
        """Note what passes through the socket: most frames by a look at how they begin."""
        if frame.startswith('{"type":"delta"'):
            fields = json.loads(frame)
            self._text(fields["id"]).append(fields["offset"], fields["text"])
            self._want(fields["id"])
        elif frame.startswith(('{"type":"message"', '{"type":"history"')):
            is_streaming = '"state":"streaming"' in frame
            if is_streaming or self._texts:
                self._note_messages(json.loads(frame))

    def close(self) -> None:
        for uuid in list(self._texts):
            self._forget(uuid)

    def _note_messages(self, frame: dict[str, Any]) -> None:
        for fields in frame.get("messages", [frame]):
            if fields["role"] == "assistant" and fields["state"] == "streaming":
                self._text(fields["id"]).replace(fields["content"])
                self._want(fields["id"])
            else:
                self._forget(fields["id"])

    def _text(self, uuid: str) -> GrowingText:
        if uuid not in self._texts:
            self._texts[uuid] = GrowingText(uuid, self._send)
        return self._texts[uuid]

    def _want(self, uuid: str) -> None:
        painter().want(self._texts[uuid])

    def _forget(self, uuid: str) -> None:
        text = self._texts.pop(uuid, None)
        if text:
            text.is_over = True
            if text.timer:
                text.timer.cancel()


class Painter:
    """Renders for all sockets of an event loop, one text after the other, with rests between."""

    def __init__(self) -> None:
        self._ready: deque[GrowingText] = deque()
        self._task: asyncio.Task[None] | None = None

    def want(self, text: GrowingText) -> None:
        """Render `text` when it is due; asked again before that, it is rendered once."""
        if text.timer is None and not text.is_over and text.is_worth_it:
            pause = max(0.0, text.due_at - time.monotonic())
            text.timer = asyncio.get_running_loop().call_later(pause, self._add, text)

    def _add(self, text: GrowingText) -> None:
        self._ready.append(text)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._work())

    async def _work(self) -> None:
        while self._ready:
            text = self._ready.popleft()
            cost = 0.0 if text.is_over else await self._render(text)
            text.timer = None
            await asyncio.sleep(min(cost * REST, LONGEST_PAUSE))
            self.want(text)

    async def _render(self, text: GrowingText) -> float:
        try:
            return await text.render()
        except Exception:  # Boundary: the whole message is rendered in the end; others do not wait.
            logger.exception("A growing reply could not be rendered.")
            text.is_over = True
            return 0.0


_of_loop: WeakKeyDictionary[asyncio.AbstractEventLoop, Painter] = WeakKeyDictionary()


def painter() -> Painter:
    """Return the running event loop's own."""
    loop = asyncio.get_running_loop()
    if loop not in _of_loop:
        _of_loop[loop] = Painter()
    return _of_loop[loop]
