"""The HTTP client of a model's server: sends a request, yields the events of its answer."""

from __future__ import annotations

import asyncio
import base64
import io
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from typing import Any
from urllib.request import getproxies, proxy_bypass

import aiohttp
from django.conf import settings
from yarl import URL

from conversations.agents.openai_compatible import errors
from conversations.agents.openai_compatible.events import Event, Parser
from conversations.agents.openai_compatible.watchdog import Watchdog

logger = logging.getLogger(__name__)

#: Of the body of an error; what matters stands at its beginning.
MAX_ERROR_BYTES = 65_536
#: Seconds for the body of an error, whose status says the most.
ERROR_BODY_TIMEOUT = 5.0
#: Seconds for the end of the body after `[DONE]`, which lets the connection be used again.
END_TIMEOUT = 0.1
#: Above this, aiohttp wants a file: it warns of bytes, for it copies them to the socket at once.
_LARGE = 256 * 1024
#: How a connection that was kept ends when the server has just closed it.
_STALE = (aiohttp.ServerDisconnectedError, ConnectionResetError)


class ModelClient:
    """Talks to one server from one event loop, with as many requests at once as are asked for.

    Connections are kept for the next requests. They are closed by `aclose`, or when the loop
    ends as `asyncio.run` ends it. Raises only ModelError, with nothing of the server's text.
    """

    def __init__(self, *, base_url: str, api_key: str) -> None:
        self.base_url = base_url
        self.api_key = api_key
        self._session: aiohttp.ClientSession | None = None
        self._closing_with_loop: AsyncGenerator[None, None] | None = None

    async def stream(self, payload: dict[str, Any]) -> AsyncGenerator[Event, None]:
        """Yield the events of the answer as they come; closing it closes the connection at once.

        The server has BOTFLOW_MODEL_FIRST_TIMEOUT from the call to the first byte of the body,
        BOTFLOW_MODEL_STALL_TIMEOUT between two parts of it; a consumer has all the time it wants.
        """
        if not (self.api_key.isascii() and self.api_key.isprintable()):
            # No header can have it.
            raise errors.ModelError("key")
        failure: errors.ModelError | None = None
        parser = Parser(has_images=_has_images(payload))
        watchdog = Watchdog(settings.BOTFLOW_MODEL_FIRST_TIMEOUT)
        try:
            async with self._answer(payload, watchdog) as response:
                failure = await _refusal(response, parser)
                if not failure:
                    async with aclosing(_events(response, parser, watchdog)) as events:
                        async for event in events:
                            yield event
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            # A connection that breaks after the last piece has taken nothing away.
            if not parser.is_over:
                failure = errors.from_exception(TimeoutError() if watchdog.has_bitten else error)
                logger.debug("The request to the model failed: %s.", type(error).__name__)
        # Not within `except`: the texts of those errors have addresses and headers in them, and
        # would go along as what the failure came from.
        if failure:
            raise failure

    async def aclose(self) -> None:
        """Close all connections; the client can be used again."""
        if self._closing_with_loop:
            await self._closing_with_loop.aclose()

    @asynccontextmanager
    async def _answer(
        self, payload: dict[str, Any], watchdog: Watchdog
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """Send the request; yield the response once its headers are here."""
        async with asyncio.timeout(settings.BOTFLOW_MODEL_FIRST_TIMEOUT):
            response = await self._post(_encode(payload))
        try:
            with watchdog.watching(response):
                yield response
        finally:
            # Kept for another request where the whole body was read, else closed at once.
            response.close() if not response.content.at_eof() else response.release()

    async def _post(self, body: bytes) -> aiohttp.ClientResponse:
        try:
            return await self._post_once(body)
        except _STALE:
            # The server has closed a kept connection in the moment it was used: nothing was
            # answered, and a new one most likely works.
            return await self._post_once(body)

    async def _post_once(self, body: bytes) -> aiohttp.ClientResponse:
        session = await self._opened()
        base = URL(self.base_url)
        url = (base / "chat/completions").with_query(base.query)
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        headers["Accept"] = "text/event-stream, application/json"
        if self.api_key:
            headers["Authorization"] = f"Bearer {self.api_key}"
        return await session.post(
            url,
            data=io.BytesIO(body) if len(body) > _LARGE else body,
            headers=headers,
            # A redirect would send the key to where nobody has named.
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(
                total=None, connect=settings.BOTFLOW_MODEL_CONNECT_TIMEOUT
            ),
            **_proxy(url),
        )

    async def _opened(self) -> aiohttp.ClientSession:
        if self._session is None or self._session.closed:
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), cookie_jar=aiohttp.DummyCookieJar()
            )
            self._closing_with_loop = _until_the_loop_ends(self._session)
            await anext(self._closing_with_loop)
        return self._session


async def _until_the_loop_ends(session: aiohttp.ClientSession) -> AsyncGenerator[None, None]:
    """Close the session where this generator is closed: by whoever holds it, or by the loop.

    An event loop that shuts down closes the asynchronous generators that were begun in it.
    """
    try:
        yield
    finally:
        await session.close()


async def _events(
    response: aiohttp.ClientResponse, parser: Parser, watchdog: Watchdog
) -> AsyncGenerator[Event, None]:
    while not parser.is_done:
        data = await response.content.readany()
        watchdog.rest()
        for event in parser.feed(data) if data else parser.end():
            yield event
        if not data:
            return
        watchdog.watch(settings.BOTFLOW_MODEL_STALL_TIMEOUT)
    with suppress(TimeoutError):
        async with asyncio.timeout(END_TIMEOUT):
            while await response.content.readany():
                pass


async def _refusal(response: aiohttp.ClientResponse, parser: Parser) -> errors.ModelError | None:
    if response.status < 300:
        return None
    body = await _error_body(response)
    return errors.from_status(response.status, body, response.headers, has_images=parser.has_images)


async def _error_body(response: aiohttp.ClientResponse) -> bytes:
    """Return the beginning of the body, or what there is of it: the status is known anyway."""
    body = bytearray()
    with suppress(TimeoutError, aiohttp.ClientError, OSError):
        async with asyncio.timeout(ERROR_BODY_TIMEOUT):
            while len(body) < MAX_ERROR_BYTES and (data := await response.content.readany()):
                body += data
    return bytes(body[:MAX_ERROR_BYTES])


def _encode(payload: dict[str, Any]) -> bytes:
    # Half a character, as a client can send it, is no reason to fail.
    return json.dumps(payload, ensure_ascii=False).encode("utf-8", "replace")


def _proxy(url: URL) -> dict[str, Any]:
    """Return what has a request go through the proxy of the environment, NO_PROXY respected.

    Not aiohttp's `trust_env`: it asks two threads for each request, and takes keys from `.netrc`.
    """
    found = getproxies().get(url.scheme, "")
    if not found or proxy_bypass(url.host or ""):
        return {}
    proxy = URL(found if "://" in found else f"http://{found}")
    if proxy.user is None:
        return {"proxy": proxy}
    login = base64.b64encode(f"{proxy.user}:{proxy.password or ''}".encode()).decode()
    # aiohttp sends it as Proxy-Authorization, with CONNECT or with the request itself.
    return {
        "proxy": proxy.with_user(None),
        "proxy_headers": {"Authorization": f"Basic {login}"},
    }


def _has_images(payload: dict[str, Any]) -> bool:
    contents = (message.get("content") for message in payload.get("messages") or ())
    parts = (part for content in contents if isinstance(content, list) for part in content)
    return any(part.get("type") == "image_url" for part in parts)


_client: tuple[asyncio.AbstractEventLoop, ModelClient] | None = None


def get_client() -> ModelClient:
    """Return the client of the running loop for the server that the settings name."""
    global _client
    loop = asyncio.get_running_loop()
    known = (settings.OPENAI_BASE_URL, settings.OPENAI_API_KEY)
    if _client is None or _client[0] is not loop or _key_of(_client[1]) != known:
        # The one before closes with its loop.
        _client = loop, ModelClient(base_url=known[0], api_key=known[1])
    return _client[1]


def _key_of(client: ModelClient) -> tuple[str, str]:
    return client.base_url, client.api_key
