"""A client of the web chat that applies frames as a browser must, and notes what was wrong."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Self
from urllib.parse import urlencode

import websockets
from websockets.asyncio.client import ClientConnection, connect

FINAL = ("answered", "failed", "stopped")


class Refused(Exception):
    """The server answered with this `error` frame instead of `welcome`."""


class ChatClient:
    """One reader in one conversation. `messages` is what the reader sees, by id.

    `frames` are all frames of all connections in order; `faults` what no server may do. With
    `keep=True` it reconnects by itself, resumes, and sends again what was never acknowledged.
    """

    def __init__(self, url: str, *, keep: bool = False, **handshake: Any) -> None:
        self.url = url
        self.keep = keep
        self.handshake = handshake
        self.token = ""
        self.conversation = ""
        self.seq = 0
        self.frames: list[dict[str, Any]] = []
        self.messages: dict[str, dict[str, Any]] = {}
        self.faults: list[str] = []
        self.gaps = 0
        self.connects = 0
        #: What was said and not acknowledged, by client id.
        self.unacknowledged: dict[str, dict[str, Any]] = {}
        self.close_code: int | None = None
        self._socket: ClientConnection | None = None
        self._reader: asyncio.Task[None] | None = None
        self._changed = asyncio.Condition()

    # -- the connection --------------------------------------------------------------------------

    async def connect(self, **query: object) -> Self:
        """Open the socket and wait for `welcome`; `query` adds to what is sent along.

        Raises `Refused` when the server says why not. No attempt that fails leaves a socket open.
        """
        known = {"token": self.token, "conversation": self.conversation}
        if self.connects:
            known["after"] = str(self.seq)
        wanted = {name: str(value) for name, value in {**known, **query}.items() if value != ""}
        address = f"{self.url}?{urlencode(wanted)}" if wanted else self.url
        socket = await connect(address, max_size=None, **self.handshake)
        try:
            await self._greet(socket)
        except BaseException:
            # Nobody will read from it, so it would not even notice the other end's closing.
            socket.transport.abort()
            raise
        self._reader = asyncio.create_task(self._read(socket))
        return self

    async def _greet(self, socket: ClientConnection) -> None:
        first = json.loads(await asyncio.wait_for(socket.recv(), 15))
        if first["type"] == "error":
            raise Refused(first)
        assert first["type"] == "welcome", f"Another frame came first: {first}"
        self.frames.append(first)
        self.token, self.conversation = first["token"], first["conversation"]
        self.connects += 1
        self.close_code = None
        await self._send_again(socket)

    async def _send_again(self, socket: ClientConnection) -> None:
        """Send what was never acknowledged, in order, before anything new may use the socket."""
        sent: set[str] = set()
        while fresh := [
            one for one in self.unacknowledged.values() if one["client_id"] not in sent
        ]:
            for frame in fresh:
                sent.add(frame["client_id"])
                await socket.send(json.dumps(frame))
        self._socket = socket

    async def close(self) -> None:
        self.keep = False
        try:
            # Again: one that is cancelled just as it was let in has begun another.
            while self._reader and not self._reader.done():
                self._reader.cancel()
                await asyncio.wait([self._reader])
            if self._reader and not self._reader.cancelled():
                self._reader.result()
        finally:
            await self.drop()

    async def drop(self) -> None:
        """Lose the connection; with `keep` it comes back."""
        if self._socket:
            await self._socket.close()

    async def __aenter__(self) -> Self:
        return self if self._socket else await self.connect()

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def _read(self, socket: ClientConnection) -> None:
        try:
            async for text in socket:
                await self._take(json.loads(text))
        except websockets.ConnectionClosed:
            pass
        self.close_code = socket.close_code
        async with self._changed:
            self._changed.notify_all()
        if self.keep:
            await self._come_back()

    async def _come_back(self) -> None:
        while self.keep:
            await asyncio.sleep(0.1)
            # A server that is away refuses, times out, or cuts the handshake off.
            with suppress(OSError, websockets.WebSocketException, TimeoutError, Refused):
                await self.connect()
                return

    # -- to the server ---------------------------------------------------------------------------

    async def say(self, content: str, client_id: str | None = None, **fields: Any) -> str:
        """Send a message and return its client id; with `keep` it is sent until acknowledged."""
        client_id = client_id or uuid.uuid4().hex
        frame = {"type": "message", "content": content, "client_id": client_id, **fields}
        self.unacknowledged[client_id] = frame
        if self.keep:
            with suppress(websockets.ConnectionClosed):
                await self.send_frame(frame)
        else:
            await self.send_frame(frame)
        return client_id

    async def send_frame(self, frame: Any) -> None:
        await self.send_raw(json.dumps(frame))

    async def send_raw(self, data: str | bytes) -> None:
        assert self._socket is not None
        await self._socket.send(data)

    async def ask(self, frame: Any, answer: str, seconds: float = 10) -> dict[str, Any]:
        """Send a frame and return the first frame of type `answer` that comes after it."""
        before = len(self.frames)
        await (self.send_raw(frame) if isinstance(frame, str | bytes) else self.send_frame(frame))
        return await self.next_frame(lambda f: f["type"] == answer, seconds, start=before)

    # -- from the server -------------------------------------------------------------------------

    async def _take(self, frame: dict[str, Any]) -> None:
        self.frames.append(frame)
        match frame["type"]:
            case "message":
                self._upsert(frame)
            case "status":
                self._set_state(frame)
            case "delta":
                await self._append(frame)
            case "history":
                for message in frame["messages"]:
                    self._upsert({"type": "message", **message})
        async with self._changed:
            self._changed.notify_all()

    def _upsert(self, frame: dict[str, Any]) -> None:
        known = self.messages.get(frame["id"])
        if known and known["seq"] > frame["seq"]:
            return
        was_done = known is not None and known["state"] == frame["state"] == "done"
        if was_done and known["content"] != frame["content"] and not frame.get("deleted"):
            self.faults.append(f"A finished reply changed: {known} {frame}")
        self.messages[frame["id"]] = dict(frame)
        self.seq = max(self.seq, frame["seq"])
        self.unacknowledged.pop(frame.get("client_id", ""), None)

    def _set_state(self, frame: dict[str, Any]) -> None:
        known = self.messages.get(frame["id"])
        seq = frame.get("seq", 0)
        if known and known["state"] in FINAL and seq <= known["seq"]:
            return  # overtaken
        self.seq = max(self.seq, seq)
        if known:
            known["state"] = frame["state"]
            known["seq"] = max(known["seq"], seq)

    async def _append(self, frame: dict[str, Any]) -> None:
        """Append a delta at its offset in code points; ask for the rows when there is a gap."""
        new = {
            "id": frame["id"],
            "role": "assistant",
            "state": "streaming",
            "content": "",
            "seq": 0,
        }
        known = self.messages.setdefault(frame["id"], new)
        if known["state"] != "streaming":
            return
        content, offset, text = known["content"], frame["offset"], frame["text"]
        overlap = content[offset : offset + len(text)]
        if offset <= len(content) and text.startswith(overlap):
            known["content"] = content + text[len(overlap) :]
            return
        self.gaps += 1
        with suppress(websockets.ConnectionClosed):
            await self.send_frame({"type": "resume", "after": max(known["seq"] - 1, 0)})

    # -- waiting ---------------------------------------------------------------------------------

    async def wait_for(
        self, predicate: Callable[[ChatClient], Any], seconds: float = 15, what: str = ""
    ) -> Any:
        """Return the first true value of `predicate(self)`, looked at after each frame."""
        found: Any = None

        def look() -> bool:
            nonlocal found
            found = predicate(self)
            return bool(found)

        try:
            async with asyncio.timeout(seconds), self._changed:
                await self._changed.wait_for(look)
        except TimeoutError:
            last = json.dumps(self.frames[-8:], ensure_ascii=False)[:3000]
            raise AssertionError(f"Not within {seconds:g} s: {what} Last frames: {last}") from None
        return found

    async def next_frame(
        self, predicate: Callable[[dict[str, Any]], bool], seconds: float = 10, start: int = 0
    ) -> dict[str, Any]:
        frame: dict[str, Any] = await self.wait_for(
            lambda _: next(filter(predicate, self.frames[start:]), None), seconds, "A frame."
        )
        return frame

    async def wait_closed(self, seconds: float = 10) -> int:
        await self.wait_for(lambda _: self.close_code is not None, seconds, "The close.")
        assert self.close_code is not None
        return self.close_code

    async def answered(self, client_id: str, seconds: float = 15) -> dict[str, Any]:
        """Return the reply to a message once both have reached their end; fail unless answered."""
        await self.wait_for(lambda _: self.state_of(client_id) in FINAL, seconds, client_id)
        assert self.state_of(client_id) == "answered", self.said(client_id)
        reply: dict[str, Any] = await self.wait_for(
            lambda _: self.reply_to(client_id), seconds, f"The reply to {client_id}."
        )
        return reply

    def said(self, client_id: str) -> dict[str, Any] | None:
        return next((m for m in self.messages.values() if m.get("client_id") == client_id), None)

    def state_of(self, client_id: str) -> str | None:
        message = self.said(client_id)
        return message["state"] if message else None

    def reply_to(self, client_id: str) -> dict[str, Any] | None:
        """Return the finished reply to a message, if there is one."""
        message = self.said(client_id)
        replies = [
            m for m in self.messages.values() if message and m.get("reply_to") == message["id"]
        ]
        return next((m for m in replies if m["state"] == "done"), None)
