"""Steady load for the fault tests: numbered messages of several readers who never give up."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self

from tests.harness.client import FINAL, ChatClient
from tests.harness.site import Site


class Traffic:
    """Clients in conversations of their own, each of which says one message after the other.

    They come back when they are cut off, resume, and send again what was not acknowledged.
    """

    def __init__(self, site: Site, clients: int = 3) -> None:
        self.site = site
        self.clients = [ChatClient(site.socket_url, keep=True) for _ in range(clients)]
        #: What was said, in order, by client and client id.
        self.said: list[dict[str, str]] = [{} for _ in self.clients]
        self._talking: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        try:
            await asyncio.gather(*(client.connect() for client in self.clients))
        except BaseException:
            await self.close()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every client, also when one of them cannot be closed in good order."""
        for task in self._talking:
            task.cancel()
        closing = (client.close() for client in self.clients)
        ends = await asyncio.gather(*closing, return_exceptions=True)
        if errors := [end for end in ends if isinstance(end, Exception)]:
            raise ExceptionGroup("Clients failed.", errors)

    def begin(self, messages: int = 5, every: float = 0.15, orders: str = "words=4") -> None:
        """Have every client say so many messages, in the background."""
        self._talking += [
            asyncio.create_task(self._talk(number, messages, every, orders))
            for number in range(len(self.clients))
        ]

    async def _talk(self, number: int, messages: int, every: float, orders: str) -> None:
        for _ in range(messages):
            await self.say(number, orders)
            await asyncio.sleep(every)

    async def say(self, number: int, orders: str = "words=4") -> str:
        count = len(self.said[number])
        client_id, text = f"c{number}-{count}", f"c{number} message {count} {orders}"
        # Noted before it is sent: the checker expects it even if the client is cut off now.
        self.said[number][client_id] = text
        return await self.clients[number].say(text, client_id)

    async def until_answering(self, seconds: float = 10) -> None:
        """Return once the first client reads a reply that is being written."""

        def is_streaming(client: ChatClient) -> bool:
            return any(message["state"] == "streaming" for message in client.messages.values())

        await self.clients[0].wait_for(is_streaming, seconds, "A streaming reply.")

    async def finish(self, seconds: float = 30) -> None:
        """Return once everything was said and every client sees the end of each of its messages."""
        await asyncio.gather(*self._talking)
        for client, said in zip(self.clients, self.said, strict=True):
            await self._see_the_end(client, said, seconds)

    async def _see_the_end(self, client: ChatClient, said: dict[str, str], seconds: float) -> None:
        def unfinished(reader: ChatClient) -> dict[str, str | None]:
            states = {key: reader.state_of(key) for key in said}
            return {key: state for key, state in states.items() if state not in FINAL}

        try:
            await client.wait_for(lambda reader: not unfinished(reader), seconds)
        except AssertionError as error:
            raise AssertionError(f"Without an end: {unfinished(client)}. {error}") from None
