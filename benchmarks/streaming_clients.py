"""The clients of streaming.py: in a process of its own, each says one message and reads the reply.

Prints `ready` once all sockets are open, waits for a line, and prints what came of it as JSON. The
pieces of a reply carry their number and when they were sent; see `tests/harness/model.py`.
"""

from __future__ import annotations

import asyncio
import gc
import json
import re
import sys
import time
import uuid
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import WebSocketException

PIECE = re.compile(r"(\d+):(\d+\.\d{6}) ")
# Sockets that are being opened at once.
OPENING = 20
# Seconds between two questions for what is missing, as the page asks.
RESUME_EVERY = 0.5


@dataclass
class Outcome:
    """What all clients of a process saw."""

    #: How many pieces were this many milliseconds on their way.
    late: Counter[int] = field(default_factory=Counter)
    #: Milliseconds from the message to the first piece, one for each conversation.
    first: list[int] = field(default_factory=list)
    #: Conversations whose text was exactly what the server sent.
    whole: int = 0
    frames: int = 0
    #: Deltas that did not follow the one before.
    gaps: int = 0
    problems: list[str] = field(default_factory=list)


class Reader:
    """Puts one reply together and notes how late each piece of it comes."""

    def __init__(self, pieces: int, outcome: Outcome) -> None:
        self.pieces, self.outcome = pieces, outcome
        self.text = ""
        self.waiting: list[tuple[int, str]] = []
        self.count = self.read_to = 0
        self.sent_at = time.monotonic()

    def delta(self, text: str, offset: int) -> bool:
        """Append a delta, as the page does: False when one before it is missing."""
        self.outcome.frames += 1
        self.waiting.append((offset, text))
        self._join()
        self.outcome.gaps += bool(self.waiting)
        return not self.waiting

    def _join(self) -> None:
        """Append the waiting deltas that fit; what a whole message brought already is left out."""
        self.waiting.sort()
        while self.waiting and self.waiting[0][0] <= len(self.text):
            offset, text = self.waiting.pop(0)
            known = self.text[offset:]
            if not (text.startswith(known) or known.startswith(text)):
                self.outcome.problems.append("A delta is not what was there before.")
            self.text += text[len(known) :]
        self._note()

    def whole(self, text: str) -> None:
        """Take the text as it is by now, which may bring pieces that no delta has brought."""
        if not (text.startswith(self.text) or self.text.startswith(text)):
            self.outcome.problems.append("The whole text is not what the deltas said.")
        if len(text) > len(self.text):
            self.text = text
        self._join()

    def _note(self) -> None:
        now = time.monotonic()
        if not self.count and self.text:
            self.outcome.first.append(round(1000 * (now - self.sent_at)))
        for match in PIECE.finditer(self.text, self.read_to):
            if match.start() != self.read_to or int(match[1]) != self.count:
                self.outcome.problems.append(f"Piece {self.count} is missing before {match[0]}.")
            self.outcome.late[int(1000 * (now - float(match[2])))] += 1
            self.count += 1
            self.read_to = match.end()

    def end(self) -> None:
        if self.count == self.pieces and self.read_to == len(self.text):
            self.outcome.whole += 1
        else:
            self.outcome.problems.append(f"{self.count} pieces of {self.pieces}.")


class BotFlow:
    """Speaks the WebSocket contract of docs/websocket.md."""

    path = "/ws/chat"
    seq = 0
    asked_at = float("-inf")

    async def open(self, socket: ClientConnection) -> None:
        self.seq = json.loads(await socket.recv())["seq"]

    async def talk(self, socket: ClientConnection, reader: Reader) -> None:
        await socket.send(json.dumps({"type": "message", "content": "Tell me a long story."}))
        async for data in socket:
            frame = json.loads(data)
            if frame["type"] == "delta":
                is_whole = reader.delta(frame["text"], frame["offset"])
                if not is_whole and time.monotonic() > self.asked_at + RESUME_EVERY:
                    self.asked_at = time.monotonic()
                    await socket.send(json.dumps({"type": "resume", "after": self.seq}))
                continue
            self.seq = max(self.seq, frame.get("seq", 0))
            if frame["type"] == "message" and frame["role"] == "assistant":
                reader.whole(frame["content"])
                if frame["state"] != "streaming":
                    return
            elif frame["type"] == "error" or frame.get("state") == "failed":
                reader.outcome.problems.append(f"{frame.get('detail')}")
                return


class Chainlit:
    """Speaks what Chainlit's page speaks: Socket.IO's packets on a WebSocket."""

    path = "/ws/socket.io/?EIO=4&transport=websocket"

    async def open(self, socket: ClientConnection) -> None:
        await socket.recv()  # 0{"sid": …}
        identity = {"sessionId": str(uuid.uuid4()), "clientType": "webapp", "userEnv": "{}"}
        await socket.send(f"40{json.dumps(identity)}")
        while not (await socket.recv()).startswith("40"):
            pass
        await self._emit(socket, "connection_successful")

    async def _emit(self, socket: ClientConnection, *event: Any) -> None:
        await socket.send(f"42{json.dumps(event)}")

    async def talk(self, socket: ClientConnection, reader: Reader) -> None:
        message = {
            "id": str(uuid.uuid4()),
            "name": "user",
            "type": "user_message",
            "output": "Tell me a long story.",
            "createdAt": "2026-01-01T00:00:00.000Z",
        }
        await self._emit(socket, "client_message", {"message": message, "fileReferences": []})
        async for packet in socket:
            if packet == "2":
                await socket.send("3")
            elif packet.startswith("42") and self._follow(json.loads(packet[2:]), reader):
                return

    def _follow(self, event: list[Any], reader: Reader) -> bool:
        """Take an event; True for the one that ends the reply."""
        match event:
            case ["stream_start", {"output": text}]:
                reader.delta(text, len(reader.text))
            case ["stream_token", {"token": text}]:
                reader.delta(text, len(reader.text))
            case ["update_message" | "new_message", {"output": text, "type": "assistant_message"}]:
                reader.whole(text)
                return True
        return False


DIALECTS = {"botflow": BotFlow, "chainlit": Chainlit}


async def open_all(base: str, dialect: Any, count: int) -> list[tuple[Any, ClientConnection]]:
    turn = asyncio.Semaphore(OPENING)

    async def open_one() -> tuple[Any, ClientConnection]:
        speaker = dialect()
        async with turn:
            socket = await connect(
                base + dialect.path,
                compression=None,
                max_size=None,
                ping_interval=None,
                open_timeout=60,
            )
            await speaker.open(socket)
        return speaker, socket

    return await asyncio.gather(*(open_one() for _ in range(count)))


async def talk(speaker: Any, socket: ClientConnection, reader: Reader, patience: float) -> None:
    try:
        async with asyncio.timeout(patience):
            await speaker.talk(socket, reader)
    except (OSError, WebSocketException) as error:  # a timeout is an OSError
        reader.outcome.problems.append(type(error).__name__)
    reader.end()


async def run(base: str, name: str, count: int, pieces: int, patience: float) -> Outcome:
    outcome = Outcome()
    opened = await open_all(base, DIALECTS[name], count)
    print("ready", flush=True)
    await asyncio.to_thread(sys.stdin.readline)
    gc.freeze()
    await asyncio.gather(
        *(talk(speaker, socket, Reader(pieces, outcome), patience) for speaker, socket in opened)
    )
    await asyncio.gather(*(socket.close() for _, socket in opened))
    return outcome


def main() -> None:
    base, name, count, pieces, patience = sys.argv[1:]
    outcome = asyncio.run(run(base, name, int(count), int(pieces), float(patience)))
    print(json.dumps(vars(outcome)), flush=True)
