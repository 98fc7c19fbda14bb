"""Connections that fail, break and stall end in an error that is tried again, and in time."""

import socket
import ssl
import time
from collections.abc import Iterator
from contextlib import aclosing
from typing import Any

import aiohttp
import pytest

from conversations.agents import current_turn, make_turn
from conversations.agents.openai_compatible.client import ModelClient
from conversations.agents.openai_compatible.errors import ModelError, from_exception
from tests.agent_adapters.client_calls import PAYLOAD, ask, failure_of, text_of
from tests.harness.model import Answer, ModelServer, Raw, sse
from tests.harness.polling import eventually, free_port

PIECE = {"choices": [{"delta": {"content": "Hi"}}]}
END = {"choices": [{"delta": {}, "finish_reason": "stop"}]}


@pytest.fixture
def soon(settings: Any) -> None:
    settings.BOTFLOW_MODEL_CONNECT_TIMEOUT = 0.3
    settings.BOTFLOW_MODEL_FIRST_TIMEOUT = 0.3
    settings.BOTFLOW_MODEL_STALL_TIMEOUT = 0.2


@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_a_connection_that_breaks_mid_answer_is_tried_again(
    model: ModelServer, how: str
) -> None:
    model.script(Raw(body=sse(PIECE, done=False), **{how: True}))

    found = await failure_of()

    assert (found.kind, found.permanent) == ("unreachable", False)


@pytest.mark.parametrize("how", ["cut", "reset"])
async def test_a_connection_that_breaks_after_the_last_piece_takes_nothing_away(
    model: ModelServer, how: str
) -> None:
    model.script(Raw(body=sse(PIECE, END, done=False), **{how: True}))

    assert text_of(await ask()) == "Hi"


async def test_the_pieces_before_a_break_are_given(model: ModelServer) -> None:
    model.script(Raw(body=sse(PIECE, PIECE, done=False), cut=True))
    client = ModelClient(base_url=model.base_url, api_key="")
    texts = []

    with pytest.raises(ModelError):
        async with aclosing(client.stream(PAYLOAD)) as events:
            async for event in events:
                texts.append(event.text)

    assert texts == ["Hi", "Hi"]


async def test_a_server_that_always_hangs_up_is_asked_twice(model: ModelServer) -> None:
    model.script(Raw(drop=True))

    assert (await failure_of()).kind == "unreachable"
    assert len(model.requests) == 2


async def test_a_port_where_nobody_listens_is_tried_again(settings: Any) -> None:
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{free_port()}/v1"

    found = await failure_of()

    assert (found.kind, found.permanent) == ("unreachable", False)
    assert "no_connection" in found.reason


async def test_a_server_without_tls_is_told(model: ModelServer, settings: Any) -> None:
    settings.OPENAI_BASE_URL = model.base_url.replace("http:", "https:")

    found = await failure_of()

    assert (found.kind, found.permanent) == ("unreachable", False)


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (aiohttp.ClientConnectorDNSError, "name_not_found"),
        (aiohttp.ClientConnectorCertificateError, "bad_certificate"),
        (aiohttp.ClientConnectorSSLError, "no_tls"),
        (aiohttp.ClientProxyConnectionError, "proxy"),
    ],
)
def test_the_owner_is_told_what_failed(error: Any, code: str) -> None:
    key = aiohttp.client_reqrep.ConnectionKey("sk-host", 1, True, None, None, None, None)
    cause: Any = ssl.SSLError("sk-x") if "SSL" in error.__name__ else OSError("sk-x")

    found = from_exception(error(key, cause))

    assert (found.kind, found.code) == ("unreachable", code)
    assert "sk-" not in found.reason


@pytest.mark.parametrize("address", ["", "no address", "http://", "ftp://127.0.0.1/", "http://[x"])
async def test_an_address_that_is_none_is_told(settings: Any, address: str) -> None:
    settings.OPENAI_BASE_URL = address

    found = await failure_of()

    assert (found.kind, found.permanent) == ("garbage", True)
    assert "OPENAI_BASE_URL" in found.reason


@pytest.mark.usefixtures("soon")
@pytest.mark.parametrize(
    "stalled",
    [
        Raw(first_after=60),
        Raw(hang=True),
        Raw(body=sse(PIECE, done=False), hang=True),
        Raw(body=[b": ping\n\n", *sse(PIECE, done=False)], every=60),
        Answer(pieces=["a", "b"], every=60),
    ],
    ids=["headers", "first byte", "after a piece", "after a comment", "between pieces"],
)
async def test_a_stall_is_ended_in_time(model: ModelServer, stalled: Raw | Answer) -> None:
    model.script(stalled)
    began = time.monotonic()

    found = await failure_of()

    assert (found.kind, found.permanent) == ("slow", True)
    assert time.monotonic() - began < 2
    assert await eventually(lambda: model.requests[0].disconnected_at, "the end", 5)


@pytest.mark.usefixtures("soon")
async def test_a_stall_is_tried_again_where_a_schedule_asks(model: ModelServer) -> None:
    model.script(Raw(hang=True))
    current_turn.set(make_turn("How is the weather?", is_scheduled=True))

    found = await failure_of()

    assert (found.kind, found.permanent) == ("slow", False)


@pytest.mark.usefixtures("soon")
async def test_a_stall_after_the_last_piece_takes_nothing_away(model: ModelServer) -> None:
    model.script(Raw(body=sse(PIECE, END, done=False), hang=True))

    assert text_of(await ask()) == "Hi"


async def test_a_server_that_stays_after_the_end_is_not_waited_for(model: ModelServer) -> None:
    model.script(Raw(body=sse(PIECE), hang=True))
    began = time.monotonic()

    assert text_of(await ask()) == "Hi"
    assert time.monotonic() - began < 2


@pytest.mark.usefixtures("soon")
async def test_the_first_byte_may_take_longer_than_the_next(
    model: ModelServer, settings: Any
) -> None:
    settings.BOTFLOW_MODEL_FIRST_TIMEOUT = 5
    model.script(Answer("Hi", first_after=0.4))
    model.script(Raw(first_after=0.4, body=sse(PIECE)))

    assert text_of(await ask()) == "Hi"


async def test_the_time_between_pieces_is_short_even_if_the_first_may_take_long(
    model: ModelServer, settings: Any
) -> None:
    settings.BOTFLOW_MODEL_FIRST_TIMEOUT = 60
    settings.BOTFLOW_MODEL_STALL_TIMEOUT = 0.2
    model.script(Raw(body=sse(PIECE, done=False), hang=True))
    began = time.monotonic()

    assert (await failure_of()).kind == "slow"
    assert time.monotonic() - began < 2


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue of connections is full: the next one is not answered."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listening:
        port = listening.getsockname()[1]
        waiting = [socket.create_connection(("127.0.0.1", port))]
        yield port
        for one in waiting:
            one.close()


@pytest.mark.usefixtures("soon")
async def test_a_server_that_does_not_accept_is_given_up(full_port: int, settings: Any) -> None:
    settings.BOTFLOW_MODEL_FIRST_TIMEOUT = 60
    settings.OPENAI_BASE_URL = f"http://127.0.0.1:{full_port}/v1"
    began = time.monotonic()

    assert (await failure_of()).kind == "slow"
    assert time.monotonic() - began < 2


async def test_an_error_whose_body_never_ends_is_known_by_its_status(
    model: ModelServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("conversations.agents.openai_compatible.client.ERROR_BODY_TIMEOUT", 0.2)
    model.script(Raw(status=401, body=[b'{"error":'], hang=True))

    assert (await failure_of()).kind == "key"
