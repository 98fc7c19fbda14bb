"""Secrets of the account appear in no log record, whoever logs at whatever level, and no error."""

import logging
import traceback
from collections.abc import AsyncIterator, Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import connection

from scheduling.group_commit import group_commit
from tests.conversations.working import read
from tests.wechat.fake_api import SECRET, Answer, FakeApi, refusing_address
from tests.wechat.fake_api import api as api
from tests.wechat.fake_api import store as store
from wechat.account import load_account
from wechat.client import WeChatClient, client
from wechat.errors import WeChatError

pytestmark = pytest.mark.usefixtures("store")
SEND = "message/custom/send"
TEXT = "what a follower is told"
HIDDEN = (SECRET, "token-1", "token-2", "tok%2Ben", TEXT)


class Everything(logging.Handler):
    """Keeps the records of all loggers."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)

    def text(self) -> str:
        format_ = logging.Formatter("%(name)s %(message)s").format
        return "\n".join(f"{format_(one)} {vars(one)!r}" for one in self.records)


@pytest.fixture
def logs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Everything]:
    """Have every logger there is log everything, for this test."""
    everything = Everything()
    root = logging.getLogger()
    names = [name for name in root.manager.loggerDict if name != "faker"]
    for logger in [root, *map(logging.getLogger, names)]:
        monkeypatch.setattr(logger, "level", logging.DEBUG)
        monkeypatch.setattr(logger, "disabled", False)
        monkeypatch.setattr(logger, "propagate", True)
        logger.manager._clear_cache()
    root.addHandler(everything)
    yield everything
    root.removeHandler(everything)
    root.manager._clear_cache()


@pytest.fixture
async def wechat(api: FakeApi) -> AsyncIterator[WeChatClient]:
    yield client()


@pytest.fixture
async def queries() -> AsyncIterator[None]:
    """Have the queries of the event loop's connection logged, as DEBUG does."""
    await group_commit()(_log_queries, True)
    yield
    await group_commit()(_log_queries, False)


def _log_queries(items: list[bool]) -> list[None]:
    connection.force_debug_cursor = items[-1]
    return [None] * len(items)


def assert_nothing_hidden_in(text: str, hidden: tuple[str, ...] = HIDDEN) -> None:
    assert [secret for secret in hidden if secret in text] == []


def everything_about(error: BaseException) -> str:
    """Return all that a report of the error could show: texts, causes, and what they hold."""
    shown, seen = "".join(traceback.format_exception(error)), [error]
    while following := seen[-1].__cause__ or seen[-1].__context__:
        seen.append(following)
    return shown + "".join(f"{one} {one!r} {one.args!r} {vars(one)!r}" for one in seen)


def echoed(**fields: str) -> Answer:
    """Answer with a redirect whose address repeats the query."""
    location = f"https://elsewhere.example/cgi-bin/x?{urlencode(fields)}"
    return Answer("", status=302, headers={"Location": location})


async def test_a_call_that_succeeds_logs_no_secret(
    api: FakeApi, wechat: WeChatClient, logs: Everything, queries: None
) -> None:
    api.script("media/upload", {"media_id": "M-1"})
    await wechat.send_text("oA", TEXT)
    await wechat.upload_image("a.png", TEXT.encode(), "image/png")
    api.revoke()
    await wechat.send_text("oA", TEXT)

    names = {record.name for record in logs.records}
    assert {"httpcore.http11", "httpcore.connection", "django.db.backends"} <= names
    assert api.count(SEND) == 3
    assert_nothing_hidden_in(logs.text())


BAD: dict[str, Any] = {
    "hung up": Answer(drop=True),
    "a page": Answer(f"<p>{SECRET} token-1 {TEXT}</p>"),
    "a refusal that repeats it": {"errcode": 40001, "errmsg": f"bad token-1, token-2 {SECRET}"},
    "another refusal": {"errcode": 45015, "errmsg": f"bad token-1 {SECRET} rid: token-1"},
    "a redirect that repeats it": echoed(access_token="token-1"),
    "one that repeats it first": echoed(access_token="tok+en", a="b"),
    "one to nowhere": Answer(
        "", status=307, headers={"Location": "http://[x?access_token=token-1"}
    ),
}


@pytest.mark.parametrize("kind", BAD)
async def test_a_call_that_fails_tells_no_secret(
    api: FakeApi, wechat: WeChatClient, logs: Everything, queries: None, kind: str
) -> None:
    api.script(SEND, BAD[kind])

    with pytest.raises(WeChatError) as raised:
        await wechat.send_text("oA", TEXT)

    assert logs.records
    assert_nothing_hidden_in(logs.text())
    assert_nothing_hidden_in(everything_about(raised.value))


@pytest.mark.parametrize("kind", BAD)
async def test_a_token_endpoint_that_fails_tells_no_secret(
    api: FakeApi, wechat: WeChatClient, logs: Everything, queries: None, kind: str
) -> None:
    api.script("stable_token", BAD[kind])

    with pytest.raises(WeChatError) as raised:
        await wechat.send_text("oA", TEXT)

    assert logs.records
    assert_nothing_hidden_in(logs.text() + everything_about(raised.value), (SECRET, TEXT))
    assert SECRET not in (await read(load_account)).token_error


async def test_a_connection_that_is_refused_tells_no_secret(
    api: FakeApi, wechat: WeChatClient, logs: Everything, settings: Any
) -> None:
    await wechat.send_text("oA", TEXT)
    settings.WECHAT_API_BASE_URL = refusing_address()

    with pytest.raises(WeChatError) as raised:
        await client().send_text("oA", TEXT)

    assert_nothing_hidden_in(logs.text() + everything_about(raised.value))


async def test_no_answer_tells_no_secret(
    api: FakeApi, wechat: WeChatClient, logs: Everything
) -> None:
    api.script(SEND, Answer(delay=60))

    with pytest.raises(WeChatError) as raised:
        await wechat.call(SEND, {"touser": "oA", "text": {"content": TEXT}}, seconds=0.3)

    assert_nothing_hidden_in(logs.text() + everything_about(raised.value))
