"""Nothing that a server says, and no key, gets into an error, what it came from, or the log."""

import logging
import traceback
from typing import Any

import pytest

from tests.agent_adapters.client_calls import failure_of
from tests.harness.model import ModelServer, Raw, failure, sse

KEY = "sk-3kd82hf73kd9"
SAID = "TOP-SECRET-WORDS"
ERROR = {
    "error": {
        "message": f"{SAID} {KEY}",
        "type": f"type_{KEY}",
        "code": KEY,
        "param": KEY,
        "innererror": {"code": f"{KEY}"},
        "metadata": {"raw": SAID, "error_type": "topsecretwords"},
    }
}
SPEAKING: dict[str, Raw] = {
    **{str(status): failure(status, ERROR) for status in (400, 401, 404, 413, 429, 500, 503)},
    "text": failure(400, f"{SAID} {KEY}"),
    "headers": failure(429, headers={"Retry-After": KEY, "X-Request-Id": SAID}),
    "redirect": failure(302, headers={"Location": f"http://{SAID}.invalid/?key={KEY}"}),
    "html": failure(200, f"<html>{SAID} {KEY}"),
    "json": failure(200, {"hello": f"{SAID} {KEY}"}),
    "broken json": failure(200, f'{{"hello": "{SAID} {KEY}'),
    "stream": Raw(body=sse(ERROR)),
    "broken stream": Raw(body=[f"data: {{{SAID} {KEY}\n\n".encode()]),
    "finish": Raw(body=sse({"choices": [{"finish_reason": "error", "delta": {"content": KEY}}]})),
    "cut": Raw(body=[f": {SAID} {KEY}\n\n".encode()], cut=True),
    "no http": Raw(drop=True),
}


def everything_of(error: BaseException) -> str:
    """Return what anybody could print of an error: its texts, its values, all it came from."""
    seen: list[str] = []
    todo: list[BaseException | None] = [error]
    while todo:
        if (one := todo.pop()) is not None:
            seen += [str(one), repr(one), repr(vars(one)), *traceback.format_exception(one)]
            todo += [one.__cause__, one.__context__]
    return "\n".join(seen)


@pytest.mark.parametrize("name", SPEAKING)
async def test_what_a_server_says_stays_out(
    model: ModelServer, settings: Any, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    settings.OPENAI_API_KEY = KEY
    model.script(SPEAKING[name])

    with caplog.at_level(logging.DEBUG):
        found = await failure_of()

    told = everything_of(found) + found.reason + caplog.text
    for secret in (KEY, SAID, KEY.replace("-", "_"), "topsecretwords", "3kd82hf73kd9"):
        assert secret.lower() not in told.lower()
    assert model.requests[0].headers["authorization"] == f"Bearer {KEY}"


async def test_no_error_of_the_network_goes_along(
    model: ModelServer, settings: Any, caplog: pytest.LogCaptureFixture
) -> None:
    settings.OPENAI_API_KEY = KEY
    settings.OPENAI_BASE_URL = f"http://me:{KEY}@127.0.0.1:1/{SAID}"

    with caplog.at_level(logging.DEBUG):
        found = await failure_of()

    assert (found.__cause__, found.__context__) == (None, None)
    assert KEY not in everything_of(found) + caplog.text
    assert SAID not in everything_of(found) + caplog.text


@pytest.mark.parametrize("key", ["two\nlines", "schlüssel"])
async def test_a_key_that_cannot_be_sent_is_told(
    model: ModelServer, settings: Any, key: str
) -> None:
    settings.OPENAI_API_KEY = key

    found = await failure_of()

    assert (found.kind, found.permanent, model.requests) == ("key", True, [])
    assert key not in everything_of(found)
